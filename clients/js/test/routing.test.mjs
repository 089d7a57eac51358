// Whose push is it, and did it come before?
import assert from "node:assert/strict";
import { test } from "node:test";
import { NEWS, start } from "./support.mjs";

/** Two sources at one modem, asleep, with the answers given. */
async function pair(first, second, options = {}) {
  const one = await start(options);
  const two = await start({ ...options, modem: one.modem, proxy: one.proxy, clock: one.clock }, NEWS);
  one.proxy.answers.activatePush = ({ eventsource }) => one.proxy.activation(eventsource === NEWS ? second : first);
  await Promise.all([one.source.sleep(), two.source.sleep()]);
  one.seen.length = two.seen.length = 0;
  return { modem: one.modem, one: one.seen, two: two.seen };
}

test("standard: the content URI says whose a push is, and the handset's first source has none", async () => {
  const { modem, one, two } = await pair({}, { stream: "1", contentUri: NEWS });
  modem.push("id: 1\ndata: a\n\n");
  modem.push("id: 1\ndata: b\n\n", { contentUri: NEWS });
  modem.push("id: 1\ndata: c\n\n", { contentUri: "https://example.com/other" });
  assert.deepEqual([one, two], [["push a #1"], ["push b #1"]]);
});

test("compact: the key in each id says whose an event is, and is not shown", async () => {
  const { modem, one, two } = await pair({ profile: "compact", stream: "a" }, { profile: "compact", stream: "1z" });
  modem.push("id:a.1\ndata:x\n\nid:1z.~e.5\ndata:y\n\nid:9.7\ndata:z\n\n", { application: null });
  modem.push(":gap 2\nid:1z.~e.6\nevent:message\ndata:v\n\nid:a.2.3\ndata:w\n\n", { application: null });
  assert.deepEqual(one, ["push x #1", "push w #2.3"]);
  assert.deepEqual(two, ["push y #~e.5", "push gap 2 push", "push v #~e.6"]);
});

test("data: the ports say whose a message is", async () => {
  const answer = (stream) => ({ profile: "data", port: 16000, stream });
  const { modem, one, two } = await pair(answer("0"), answer("a"), { dataSourcePort: 17000 });
  modem.push("id:1\ndata:x\n\n", { port: 16000, sourcePort: 17000 });
  modem.push("id:1\ndata:y\n\n", { port: 16000, sourcePort: 17010 });
  modem.push("id:2\ndata:z\n\n", { port: 16000, sourcePort: 17001 });
  modem.push("id:3\ndata:z\n\n", { port: 16001, sourcePort: 17000 });
  assert.deepEqual([one, two], [["push x #1"], ["push y #1"]]);
});

test("data: the activation may say the source port itself", async () => {
  const answer = (sourcePort) => ({ profile: "data", port: 16000, sourcePort });
  const { modem, one, two } = await pair(answer(5), answer(6));
  modem.push("id:1\ndata:x\n\n", { port: 16000, sourcePort: 6 });
  assert.deepEqual([one, two], [[], ["push x #1"]]);
});

test("other applications and other content are not for the page", async () => {
  const { modem, seen, source } = await start();
  await source.sleep();
  modem.push("data: a\n\n", { application: "x-oma-application:ulp.ua" });
  modem.push("data: b\n\n", { application: 4 });
  modem.push("data: c\n\n", { contentType: "text/plain" });
  modem.receive(Uint8Array.of(6, 5, 4, 0x0b, 0x84, 0, 0, 1, 2, 3));
  modem.receive(Uint8Array.of(9));
  assert.deepEqual(seen, ["open"]);
});

test("an application may be told by its number", async () => {
  const { modem, proxy, seen, source } = await start();
  proxy.answers.activatePush = proxy.activation({ application: "x-wap-application:wml.ua" });
  await source.sleep();
  modem.push("data: a\n\n", { application: 2 });
  modem.push("data: b\n\n", { application: 3 });
  assert.deepEqual(seen, ["open", "push a #"]);
});

test("a push that overtakes the answer to its activation is kept for it", async () => {
  const { source, proxy, modem, seen } = await start();
  proxy.answers.activatePush = () => {
    modem.push("id: 1\ndata: a\n\n");
    return proxy.activation({});
  };
  await source.sleep();
  assert.deepEqual(seen, ["open", "push a #1"]);
});

test("a copy of a push is dropped, also where its events have no ids; equal events in another are not", async () => {
  const { source, modem, seen } = await start();
  await source.sleep();
  const [segment] = modem.segments("data: a\n\n");
  modem.receive(segment);
  modem.receive(segment);
  modem.push("data: a\n\n");
  assert.deepEqual(seen, ["open", "push a #", "push a #"]);
});

test("a push without an id leaves the last one in force", async () => {
  const { source, modem, seen } = await start();
  await source.sleep();
  modem.push("id: 5\ndata: a\n\n");
  modem.push("data: b\n\n");
  assert.deepEqual([source.lastEventId, seen], ["5", ["open", "push a #5", "push b #5"]]);
});

test("256 events are remembered by id, type and data", async () => {
  const { source, modem, seen } = await start();
  await source.sleep();
  const send = (id, type = "message") => modem.push(`event: ${type}\nid: ${id}\ndata: x\n\n`);
  for (let id = 0; id < 256; id++) send(id);
  send(0);
  assert.equal(seen.length, 257);
  send(0, "other");
  send(256);
  send(2);
  assert.equal(seen.length, 258);
  send(0);
  assert.equal(seen.length, 259);
});

test("the proxy's ids are counted by epoch, however large", async () => {
  const { source, modem, seen } = await start();
  await source.sleep();
  const counted = ["~a.z", "~a.10", "~a.z", "~b.1", "~a.11", "~a.10000000000000", "~a.zzzzzzzzzzzzz", "~b.1"];
  for (const id of [...counted, "~c.5", "~c.8", "~c.7", "~c.8", "~c.4"]) {
    modem.push(`id: ${id}\ndata: x\n\n`);
  }
  const ids = seen.slice(1).map((line) => line.split("#")[1]);
  // What an SMSC lets another overtake is late, not a copy; what is older than the first that came is one.
  assert.deepEqual(ids, ["~a.z", "~a.10", "~b.1", "~a.11", "~a.10000000000000", "~c.5", "~c.8", "~c.7"]);
});
