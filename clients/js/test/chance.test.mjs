// Chance: thousands of changes between stream and push, with all that gets lost, comes twice or in another order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionlessEventSource } from "../bellwire.js";
import { FakeClock, FakeModem, FakeProxy, random, settled, shuffled } from "./support.mjs";

const SWITCHES = 2_000;

/**
 * A proxy that keeps a log and, as the real one, knows only what it was told: the id at an opening, at an activation,
 * and what is acknowledged. Whatever it does not know to be read goes again.
 */
class LogProxy extends FakeProxy {
  log = [];
  #written = 0;
  #known = 0;

  constructor(modem, chance) {
    super();
    this.modem = modem;
    this.chance = chance;
    this.answers.activatePush = (query) => {
      this.#know(query.lastEventId);
      return this.activation({});
    };
    this.answers.ack = ({ id }) => {
      this.#know(id);
      return null;
    };
  }

  #know(id) {
    this.#known = Math.max(this.#known, this.log.findIndex((event) => event.id === id) + 1);
  }

  /** Some events have ids of their origin, some the proxy's; some are as long as several segments. */
  publish() {
    const { below } = this.chance;
    const number = this.log.length;
    const id = below(2) ? `origin-${number}` : `~e.${number.toString(36)}`;
    this.log.push({ id, data: `${number} ${"x".repeat(below(8) ? 0 : below(400))}` });
  }

  /** Writes what is due. What is written last may be cut off: the stream breaks in its midst. */
  write(cut) {
    const text = this.#text(this.log.slice(this.#written));
    this.#written = this.log.length;
    this.stream.write(cut ? text.slice(0, this.chance.below(text.length + 1)) : text);
  }

  resume() {
    this.#know(this.stream.lastEventId);
    this.#written = this.log.findIndex((event) => event.id === this.stream.lastEventId) + 1;
  }

  /** Pushes all that is not known to be read: one push after the other, its segments in any order and some twice. */
  push() {
    const { below } = this.chance;
    while (this.#known < this.log.length) {
      const batch = this.log.slice(this.#known, this.#known + 1 + below(4));
      const segments = this.modem.segments(this.#text(batch));
      const copies = segments.filter(() => below(3) === 0);
      for (const segment of shuffled([...segments, ...copies], below)) this.modem.receive(segment);
      if (below(10) === 0) this.late = segments;
      if (below(10) === 0) for (const segment of this.late ?? []) this.modem.receive(segment);
      this.#known += batch.length;
    }
  }

  #text(events) {
    return events.map(({ id, data }) => `id: ${id}\ndata: ${data}\n\n`).join("");
  }
}

for (const seed of [1, 2, 3]) {
  test(`each event once and in order through ${SWITCHES} switches (seed ${seed})`, async () => {
    const chance = random(seed);
    const [clock, modem] = [new FakeClock(), new FakeModem()];
    const proxy = new LogProxy(modem, chance);
    const source = new ConnectionlessEventSource("https://example.com/", {
      proxy: proxy.url, modem, clock, fetch: proxy.fetch,
    });
    const seen = [];
    const bearers = { relay: 0, push: 0 };
    source.onmessage = ({ data, lastEventId, bearer }) => {
      seen.push({ id: lastEventId, data });
      bearers[bearer]++;
    };
    const publish = () => { for (let left = chance.below(5); left > 0; left--) proxy.publish(); };
    await settled();
    for (let switches = 0; switches < SWITCHES; switches += 2) {
      publish();
      proxy.write(false);
      await settled();
      publish();
      const breaks = chance.below(3) === 0;
      if (breaks) await source.arm();
      proxy.write(true);
      if (chance.below(2)) await settled();
      if (breaks) proxy.stream.abort();
      else await source.sleep();
      await settled();
      assert.equal(source.bearer, "push");
      publish();
      proxy.push();
      if (breaks) await clock.pass(3_000);
      else source.wake();
      await settled();
      assert.equal(source.bearer, "relay");
      proxy.resume();
    }
    proxy.write(false);
    await settled();
    assert.deepEqual(seen, proxy.log);
    assert.equal(source.lastEventId, proxy.log.at(-1).id);
    assert.ok(bearers.relay > 500 && bearers.push > 500, JSON.stringify(bearers));
    source.close();
    await settled();
    assert.equal(clock.timers, 0);
  });
}
