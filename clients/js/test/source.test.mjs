// The event source with two bearers: its states and its actions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionlessEventSource, ProxyError, PushError } from "../bellwire.js";
import { FakeClock, FakeProxy, NEWS, opened, settled, start, STOCKS } from "./support.mjs";

test("a source reads the proxy's stream", async () => {
  const { source, proxy, seen } = await start();
  assert.deepEqual(proxy.stream.request, {
    eventsource: STOCKS, acks: "1", method: "GET", headers: { Accept: "text/event-stream", Authorization: "Bearer T" },
  });
  assert.deepEqual([source.url, source.readyState, source.bearer, source.withCredentials], [STOCKS, 1, "relay", false]);
  assert.deepEqual([source.CONNECTING, source.OPEN, source.CLOSED, ConnectionlessEventSource.CLOSED], [0, 1, 2, 2]);
  let event;
  source.addEventListener("quote", (quote) => { event = quote; });
  proxy.stream.write(":\n\nevent: quote\nid: 7\ndata: YHOO\nda");
  proxy.stream.write("ta: +2\n\ndata: lost");
  await settled();
  assert.ok(event instanceof MessageEvent);
  const { data, lastEventId, origin, bearer } = event;
  assert.deepEqual([data, lastEventId, origin, bearer], ["YHOO\n+2", "7", "https://example.com", "relay"]);
  assert.equal(source.lastEventId, "7");
  assert.deepEqual(seen, ["open"]);
});

test("handlers are attributes: set, replaced, taken away", async () => {
  const { source, proxy } = await start();
  const calls = [];
  const first = () => calls.push("first");
  source.onmessage = first;
  assert.equal(source.onmessage, first);
  source.addEventListener("message", () => calls.push("listener"));
  source.onmessage = function () { calls.push(this === source); };
  proxy.stream.write("data: 1\n\n");
  await settled();
  source.onmessage = null;
  proxy.stream.write("data: 2\n\n");
  await settled();
  assert.deepEqual(calls, [true, "listener", "listener"]);
});

test("what is no URL, and what lacks a proxy, is refused at once", () => {
  assert.throws(() => new ConnectionlessEventSource("no url", { proxy: "http://p" }), { name: "SyntaxError" });
  assert.throws(() => new ConnectionlessEventSource(STOCKS, {}), TypeError);
});

test("a stream that breaks is opened again after the reconnection time, where it left off", async () => {
  const { source, proxy, clock, seen } = await start();
  proxy.stream.write("retry: 1000\nid: ä1\ndata: a\n\n");
  await settled();
  proxy.stream.end();
  await settled();
  assert.equal(source.readyState, 0);
  await clock.pass(999);
  assert.equal(proxy.streams.length, 1);
  await clock.pass(1);
  assert.equal(proxy.streams.length, 2);
  assert.equal(Buffer.from(proxy.stream.lastEventId, "latin1").toString(), "ä1");
  assert.deepEqual(seen, ["open", "relay a #ä1", "error 0", "open"]);
});

test("failures in a row wait longer and longer, a bad moment of the proxy too", async () => {
  const { proxy, clock } = await start();
  const broken = new TypeError("no network");
  proxy.refusals = [broken, { status: 503 }, { status: 429 }, broken, broken, broken];
  proxy.stream.abort();
  await settled();
  for (const [tries, wait] of [3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000].entries()) {
    await clock.pass(wait - 1);
    assert.equal(proxy.refusals.length, Math.max(0, 6 - tries));
    await clock.pass(1);
    assert.equal(proxy.refusals.length, Math.max(0, 5 - tries));
  }
  assert.equal(proxy.stream.open, true);
});

for (const refusal of [{ status: 204 }, { status: 403 }, { status: 404 }, { type: "text/html" }]) {
  test(`${JSON.stringify(refusal)} ends a source for good`, async () => {
    const proxy = new FakeProxy();
    proxy.refusals = [refusal];
    const { source, clock, seen, modem } = await start({ proxy });
    assert.deepEqual([source.readyState, seen], [2, ["error 2"]]);
    assert.deepEqual([clock.timers, modem.subscriptions], [0, 0]);
    source.wake();
    assert.equal(source.readyState, 2);
  });
}

test("a stream without a heartbeat is dead", async () => {
  const { proxy, clock, seen } = await start();
  await clock.pass(44_000);
  proxy.stream.write(":\n\n");
  await settled();
  await clock.pass(44_999);
  assert.deepEqual(seen, ["open"]);
  await clock.pass(1);
  assert.deepEqual(seen, ["open", "error 0"]);
});

test("a closed source is silent: no events, no timers, no subscription", async () => {
  const { source, proxy, modem, clock, seen } = await start();
  await source.arm();
  proxy.stream.write("id: 1\ndata: a\n\n");
  await settled();
  source.addEventListener("message", () => source.close());
  proxy.stream.write("id: 2\ndata: b\n\nid: 3\ndata: c\n\n");
  await settled();
  modem.push("id: 4\ndata: d\n\n");
  assert.deepEqual(seen, ["open", "relay a #1", "relay b #2"]);
  assert.deepEqual([source.readyState, source.bearer, modem.subscriptions, clock.timers], [2, null, 0, 0]);
  assert.equal(proxy.stream.open, false);
});

test("asleep, events come by push; awake, by the stream; each once, whatever came both ways", async () => {
  const { source, proxy, modem, seen } = await start();
  proxy.stream.write("id: 1\ndata: a\n\nid: ~k.9\ndata: b\n\n");
  await settled();
  await source.sleep({ mode: "now" });
  const [activate] = proxy.actions.filter(({ action }) => action === "activatePush");
  const { headers: _, ...query } = activate;
  assert.deepEqual(query, {
    action: "activatePush", eventsource: STOCKS, lastEventId: "~k.9", mode: "now", application: "urn:oma:xml:push",
    method: "POST",
  });
  assert.deepEqual([proxy.stream.open, source.readyState, source.bearer], [false, 1, "push"]);
  modem.push("id: 1\ndata: a\n\nid: ~k.9\ndata: b\n\nid: ~k.a\ndata: c\n\nid: ~k.10\ndata: d\n\n");
  assert.equal(source.lastEventId, "~k.10");
  source.wake();
  await settled();
  assert.deepEqual([proxy.streams.length, proxy.stream.lastEventId, source.bearer], [2, "~k.10", "relay"]);
  proxy.stream.write("id: ~k.10\ndata: d\n\nid: ~k.11\ndata: e\n\nid: 1\ndata: not a\n\n");
  await settled();
  modem.push("id: ~k.11\ndata: e\n\n");
  assert.deepEqual(seen, [
    "open", "relay a #1", "relay b #~k.9", "push c #~k.a", "push d #~k.10", "relay e #~k.11", "relay not a #1",
  ]);
});

test("armed, a stream that breaks is no error: push goes on, and the stream is tried again", async () => {
  const { source, proxy, modem, clock, seen } = await start();
  await source.arm();
  assert.equal(source.bearer, "relay");
  proxy.stream.write("id: 1\ndata: a\n\n");
  await settled();
  proxy.refusals = [new TypeError("no network")];
  proxy.stream.abort();
  await settled();
  assert.deepEqual([source.readyState, source.bearer], [1, "push"]);
  modem.push("id: 2\ndata: b\n\n");
  await clock.pass(9_000);
  assert.deepEqual([source.bearer, proxy.stream.lastEventId], ["relay", "2"]);
  assert.deepEqual(seen, ["open", "relay a #1", "push b #2"]);
});

test("armed, a stream that is refused leaves push alone", async () => {
  const { source, proxy, clock } = await start();
  await source.arm();
  proxy.refusals = [{ status: 403 }];
  proxy.stream.end();
  await settled();
  await clock.pass(600_000);
  assert.deepEqual([source.readyState, source.bearer, proxy.streams.length], [1, "push", 2]);
});

test("the last of sleep and wake counts, whenever the proxy answers", async () => {
  const { source, proxy } = await start();
  const asleep = source.sleep();
  source.wake();
  await asleep;
  assert.deepEqual([source.bearer, proxy.streams.length, proxy.stream.open], ["relay", 1, true]);
});

test("without push there is nothing to sleep on", async () => {
  const { source, proxy } = await start();
  proxy.answers.activatePush = { status: 403, title: "Forbidden", detail: "not yours", field: "eventsource" };
  await assert.rejects(source.sleep(), (error) => error instanceof ProxyError &&
    error.status === 403 && error.message === "not yours" && error.field === "eventsource");
  assert.deepEqual([source.bearer, source.activation], ["relay", null]);
  const deaf = new ConnectionlessEventSource(STOCKS, { proxy: proxy.url, fetch: proxy.fetch, clock: new FakeClock() });
  opened.push(deaf);
  await assert.rejects(deaf.arm(), TypeError);
});

test("after deactivation pushes are not taken, and actions keep their order", async () => {
  const { source, proxy, modem, seen } = await start();
  await Promise.all([source.sleep(), source.deactivate()]);
  assert.deepEqual(proxy.actions.map(({ action }) => action), ["activatePush", "deactivatePush"]);
  modem.push("id: 1\ndata: a\n\n");
  assert.deepEqual([seen, source.activation, source.bearer], [["open"], null, null]);
  source.wake();
  await settled();
  assert.equal(source.bearer, "relay");
});

// Acknowledgements

test("events are acknowledged every 32, or after two seconds, and never without cause", async () => {
  const { proxy, clock } = await start();
  const acknowledged = () => proxy.actions.filter(({ action }) => action === "ack").map(({ id }) => id);
  for (let id = 1; id <= 33; id++) proxy.stream.write(`id: ${id}\ndata\n\n`);
  await settled();
  assert.deepEqual(acknowledged(), ["32"]);
  await clock.pass(2_000);
  assert.deepEqual(acknowledged(), ["32", "33"]);
  proxy.answers.ack = new TypeError("no network");
  proxy.stream.write("data: no id of its own\n\n");
  await settled();
  await clock.pass(60_000 - 20_000);
  assert.deepEqual(acknowledged(), ["32", "33", "33"]);
});

test("what was read is acknowledged when the source goes to sleep; pushes are not", async () => {
  const { source, proxy, modem, clock } = await start();
  proxy.stream.write("id: 1\ndata\n\n");
  await settled();
  await source.sleep();
  modem.push("id: 2\ndata\n\n");
  await clock.pass(10_000);
  assert.deepEqual(proxy.actions.map(({ action, id }) => [action, id]), [["activatePush", undefined], ["ack", "1"]]);
});

test("acknowledgements are a promise that need not be made", async () => {
  const { proxy, clock } = await start({ acks: false });
  proxy.stream.write("id: 1\ndata\n\n");
  await settled();
  await clock.pass(10_000);
  assert.deepEqual([proxy.actions, proxy.stream.request.acks], [[], undefined]);
});

// What the proxy says about itself

test("gaps are told, other control events are not shown", async () => {
  const { source, proxy, modem, seen } = await start();
  source.addEventListener("bellwire-gap", () => seen.push("shown"));
  source.addEventListener("bellwire-news", () => seen.push("shown"));
  proxy.stream.write('event: bellwire-gap\ndata: {"reason":"log"}\n\nevent: bellwire-news\ndata: x\n\n');
  await settled();
  await source.sleep();
  modem.push(":gap 12\nid: 3\ndata: x\n\nevent: bellwire-news\ndata\n\n");
  modem.push("id: 4\ndata: y\n\n:gap 3\n");
  assert.deepEqual(seen, ["open", "relay gap null log", "push gap 12 push", "push x #3", "push y #4"]);
});

test("a probe is confirmed, and push is active then", async () => {
  const { source, proxy, modem } = await start();
  proxy.answers.activatePush = { state: "pending", subscription: "s", confirmWithin: 300 };
  const asleep = source.sleep();
  await settled();
  assert.deepEqual([source.bearer, source.activation], ["relay", null]);
  modem.push("event: bellwire-probe\ndata: n1\n\n", { contentUri: STOCKS });
  const activation = await asleep;
  assert.deepEqual([activation.state, source.bearer], ["active", "push"]);
  assert.deepEqual(proxy.actions.map(({ action }) => action), ["activatePush", "confirm"]);
  assert.equal(proxy.actions[1].nonce, "n1");
});

test("a probe that overtakes the proxy's answer waits for it", async () => {
  const { source, proxy, modem } = await start();
  proxy.answers.activatePush = () => {
    modem.push("event: bellwire-probe\ndata: n1\n\n");
    return { state: "pending", subscription: "s" };
  };
  await source.sleep();
  assert.equal(source.bearer, "push");
});

test("a push that overtakes the answer to a probe waits for it", async () => {
  const { source, proxy, modem, seen } = await start();
  proxy.answers.activatePush = { state: "pending", subscription: "s" };
  proxy.answers.confirm = () => {
    modem.push("id: 1\ndata: a\n\n");
    return proxy.activation({});
  };
  const asleep = source.sleep();
  await settled();
  modem.push("event: bellwire-probe\ndata: n1\n\n");
  await asleep;
  await settled();
  assert.deepEqual(seen, ["open", "push a #1"]);
});

test("a probe that nobody asked for is not confirmed", async () => {
  const { proxy, modem } = await start();
  modem.push("event: bellwire-probe\ndata: n1\n\n");
  await settled();
  assert.deepEqual(proxy.actions, []);
});

test("a probe that does not come leaves everything as it was", async () => {
  const { source, proxy, clock } = await start({ silence: 1e9 });
  proxy.answers.activatePush = { state: "pending", subscription: "s", confirmWithin: 10 };
  const refused = assert.rejects(source.sleep(), PushError);
  await settled();
  await clock.pass(10_000);
  await refused;
  assert.deepEqual([source.bearer, source.activation], ["relay", null]);
});

test("the answer to a probe says whose it was", async () => {
  const first = await start();
  const second = await start(first, NEWS);
  first.proxy.answers.activatePush = ({ eventsource }) => ({ state: "pending", subscription: eventsource });
  first.proxy.answers.confirm = ({ nonce }) => first.proxy.activation({ subscription: nonce });
  const both = [first.source.sleep(), second.source.sleep()];
  await settled();
  first.modem.push(`event: bellwire-probe\ndata: ${NEWS}\n\n`);
  first.modem.push(`event: bellwire-probe\ndata: ${STOCKS}\n\n`);
  const answers = await Promise.all(both);
  assert.deepEqual(answers.map(({ subscription }) => subscription), [STOCKS, NEWS]);
});

test("an activation is renewed before it ends", async () => {
  const { source, proxy, modem } = await start();
  modem.push("event: bellwire-expiry\ndata: 2026-11-25T11:00:00Z\n\n");
  await settled();
  assert.equal(proxy.count("activatePush"), 0);
  await source.sleep();
  modem.push("event: bellwire-expiry\ndata: 2026-11-25T11:00:00Z\n\n");
  await settled();
  assert.deepEqual([proxy.count("activatePush"), source.bearer], [2, "push"]);
});

test("a renewal is tried until the activation ends; after that there is the stream", async () => {
  const { source, proxy, modem, clock } = await start();
  await source.sleep();
  proxy.answers.activatePush = new TypeError("no network");
  modem.push("event: bellwire-expiry\ndata: 2026-11-25T10:00:30Z\n\n");
  await settled();
  await clock.pass(29_999);
  assert.deepEqual([proxy.count("activatePush"), source.bearer], [5, "push"]);
  await clock.pass(1);
  assert.deepEqual([proxy.count("activatePush"), source.bearer, source.activation], [5, "relay", null]);
});
