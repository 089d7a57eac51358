// `new EventSource("urn:oma:xml:push")`, and the modem that a simulated handset is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionlessEventSource, EventStreamModem, install } from "../bellwire.js";
import { FakeClock, FakeModem, FakeProxy, settled } from "./support.mjs";

class PlatformEventSource extends EventTarget {
  static OPEN = 1;
  static all = [];
  constructor(url, init) {
    super();
    Object.assign(this, { url, init });
    PlatformEventSource.all.push(this);
  }
  close() {
    this.closed = true;
  }
}

function installed(options = {}) {
  const scope = { EventSource: PlatformEventSource };
  const modem = new FakeModem();
  return { scope, modem, uninstall: install({ modem, ...options }, scope) };
}

test("the W3C's stock page runs as it is", () => {
  const { scope, modem } = installed();
  const quotes = [];
  const page = new Function("EventSource", "updateStocks", `
    var source = new EventSource("urn:oma:xml:push");
    source.onmessage = function (event) {
      var data = event.data.split('\\n');
      updateStocks(data[0], data[1], data[2]);
    };
  `);
  page(scope.EventSource, (...quote) => quotes.push(quote));
  modem.push("data: YHOO\ndata: +2\ndata: 10\n\n");
  assert.deepEqual(quotes, [["YHOO", "+2", "10"]]);
});

test("it is open at once, says so, and is closed for good", async () => {
  const { scope, modem } = installed();
  const source = new scope.EventSource("urn:oma:xml:push");
  const seen = [];
  source.onopen = () => seen.push("open");
  source.onmessage = ({ data }) => seen.push(data);
  assert.deepEqual([source.url, source.readyState, source.OPEN], ["urn:oma:xml:push", 1, 1]);
  await settled();
  modem.push("data: a\n\n");
  source.close();
  modem.push("data: b\n\n");
  assert.deepEqual([seen, source.readyState, modem.subscriptions], [["open", "a"], 2, 0]);
});

test("every stream's events arrive, each with its origin, each stream with its own ids", () => {
  const { scope, modem } = installed();
  const source = new scope.EventSource("urn:oma:xml:push");
  const seen = [];
  source.onmessage = ({ data, origin, lastEventId, bearer }) => seen.push([data, origin, lastEventId, bearer]);
  modem.push("id: 1\ndata: a\n\n");
  modem.push("id: 1\ndata: a\n\n", { contentUri: "https://example.com/a" });
  modem.push("data: b\n\nevent: bellwire-expiry\ndata: x\n\n", { contentUri: "https://example.com/a" });
  modem.push("id: 1\ndata: a\n\ndata: c\n\n", { contentUri: "no URL" });
  modem.push("id: 1\ndata: a\n\n");
  modem.push("data: other\n\n", { application: "x-oma-application:ulp.ua" });
  assert.deepEqual(seen, [
    ["a", "null", "1", "push"],
    ["a", "https://example.com", "1", "push"],
    ["b", "https://example.com", "1", "push"],
    ["a", "null", "1", "push"],
    ["c", "null", "1", "push"],
  ]);
});

test("beside the source that activated it, it knows the origin and the page's own ids", async () => {
  for (const profile of ["standard", "compact"]) {
    const { scope, modem } = installed();
    const proxy = new FakeProxy();
    proxy.answers.activatePush = proxy.activation({ profile, stream: "7" });
    const options = { proxy: proxy.url, modem, fetch: proxy.fetch, clock: new FakeClock() };
    const stocks = new ConnectionlessEventSource("https://example.com/stocks", options);
    await stocks.sleep();
    const source = new scope.EventSource("urn:oma:xml:push");
    const seen = [];
    const note = ({ data, origin, lastEventId }) => seen.push([data, origin, lastEventId]);
    source.onmessage = stocks.onmessage = note;
    modem.push(`id:${profile === "compact" ? "7." : ""}1\ndata:a\n\n`);
    assert.deepEqual(seen, Array(2).fill(["a", "https://example.com", "1"]));
    stocks.close();
  }
});

test("profiles of pushes that were activated elsewhere can be told", () => {
  for (const [options, body, ports] of [
    [{ profile: "compact" }, "id:0.~e.1\ndata:a\n\n", {}],
    [{ profile: "data", port: 16000 }, "id:~e.1\ndata:a\n\n", { port: 16000 }],
  ]) {
    const { scope, modem } = installed(options);
    const source = new scope.EventSource("urn:oma:xml:push");
    const seen = [];
    source.onmessage = ({ data, lastEventId }) => seen.push([data, lastEventId]);
    modem.push(body, ports);
    assert.deepEqual(seen, [["a", "~e.1"]]);
  }
});

test("probes are confirmed only if that is asked for", async () => {
  for (const confirm of [false, true]) {
    const proxy = new FakeProxy();
    const { scope, modem } = installed({ proxy: proxy.url, token: "T", fetch: proxy.fetch, confirm });
    const source = new scope.EventSource("urn:oma:xml:push");
    source.addEventListener("bellwire-probe", () => assert.fail("shown"));
    modem.push("event: bellwire-probe\ndata: n\n\n");
    await settled();
    assert.deepEqual(proxy.actions.map(({ nonce }) => nonce), confirm ? ["n"] : []);
  }
});

test("all other URLs are the platform's", () => {
  const { scope } = installed();
  const source = new scope.EventSource("https://example.com/", { withCredentials: true });
  assert.ok(source instanceof PlatformEventSource);
  assert.ok(source instanceof scope.EventSource);
  assert.deepEqual([source.init, scope.EventSource.OPEN], [{ withCredentials: true }, 1]);
});

test("what was installed can be taken away, and a platform may have no EventSource at all", () => {
  const { scope, uninstall } = installed();
  uninstall();
  assert.equal(scope.EventSource, PlatformEventSource);
  const bare = {};
  const undo = install({ modem: new FakeModem() }, bare);
  assert.equal(new bare.EventSource("urn:oma:xml:push").readyState, 1);
  assert.throws(() => new bare.EventSource("https://example.com/"), { name: "NotSupportedError" });
  undo();
  assert.deepEqual(bare, {});
  assert.throws(() => install({}, bare), TypeError);
});

test("a simulated handset is an event stream of short messages", () => {
  const modem = new EventStreamModem("http://127.0.0.1/handset", { EventSource: PlatformEventSource });
  const segments = [];
  const unsubscribe = modem.subscribe((segment) => segments.push(segment));
  const source = PlatformEventSource.all.at(-1);
  const good = '{"from":"12345","userData":"00fF"}';
  for (const data of ["no JSON", '{"from":"1","userData":"0"}', '{"from":"1"}', "null", good]) source.onmessage({ data });
  assert.deepEqual(segments, [{ from: "12345", userData: Uint8Array.of(0, 255) }]);
  assert.equal(source.url, "http://127.0.0.1/handset");
  unsubscribe();
  assert.ok(source.closed);
});
