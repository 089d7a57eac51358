// The same over real connections: the platform's fetch, a server of its own, no patience with time.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { ConnectionlessEventSource } from "../bellwire.js";
import { FakeModem } from "./support.mjs";

const ACTIVE = { state: "active", subscription: "s", stream: "0", profile: "standard", port: 2948, contentUri: null };

/** Streams one event and what `afterwards` does with the response; answers actions. */
async function serve(afterwards) {
  const requests = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url, "http://host").searchParams;
    const { authorization, "last-event-id": lastEventId = null } = request.headers;
    requests.push({ action: query.get("action"), lastEventId, authorization });
    if (query.has("action")) return response.end(JSON.stringify(ACTIVE));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const number = requests.filter(({ action }) => action === null).length;
    response.write(`retry: 1\n\nid: ${number}\ndata: ☎ ${number}\n\ndata: half`);
    afterwards(response, number);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, requests, close };
}

function next(source, type = "message") {
  return new Promise((resolve) => source.addEventListener(type, resolve, { once: true }));
}

test("streams end and break, and go on with the last id", { timeout: 10_000 }, async () => {
  const endings = [(response) => response.end(), (response) => response.destroy(), () => {}];
  const server = await serve((response, number) => setImmediate(() => endings[number - 1](response)));
  const source = new ConnectionlessEventSource("https://example.com/", { proxy: server.url, token: "T", acks: false });
  for (const number of [1, 2, 3]) assert.equal((await next(source)).data, `☎ ${number}`);
  assert.deepEqual(server.requests.map(({ lastEventId }) => lastEventId), [null, "1", "2"]);
  assert.ok(server.requests.every(({ authorization }) => authorization === "Bearer T"));
  source.close();
  server.close();
});

test("asleep, the connection is closed, and pushes come", { timeout: 10_000 }, async () => {
  let closed;
  const server = await serve((response) => { closed = once(response, "close"); });
  const modem = new FakeModem();
  const source = new ConnectionlessEventSource("https://example.com/", { proxy: server.url, modem });
  await next(source);
  await source.sleep();
  await closed;
  const message = next(source);
  modem.push("id: 9\ndata: pushed\n\n");
  assert.equal((await message).bearer, "push");
  source.wake();
  assert.equal((await next(source)).bearer, "relay");
  assert.equal(server.requests.at(-1).lastEventId, "9");
  source.close();
  server.close();
});
