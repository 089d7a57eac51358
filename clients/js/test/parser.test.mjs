// Event streams, HTML §9.2.6: every rule, and every way to cut the input.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../bellwire.js";

/** Input, then events as [type, data, lastEventId], then what else is reported. */
const TABLE = {
  "the standard's stock quote": ["data: YHOO\ndata: +2\ndata: 10\n\n", [["message", "YHOO\n+2\n10", ""]]],
  "the standard's four blocks": [
    ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
    [["message", "first event", "1"], ["message", "second event", ""], ["message", " third event", ""]],
  ],
  "data without a value, and an end without an empty line": [
    "data\n\ndata\ndata\n\ndata:", [["message", "", ""], ["message", "\n", ""]],
  ],
  "one space is not data": ["data:test\n\ndata: test\n\n", [["message", "test", ""], ["message", "test", ""]]],
  "each of the three line ends": [
    "\uFEFFdata: a\r\n\r\ndata: b\r\rdata: c\n\n",
    [["message", "a", ""], ["message", "b", ""], ["message", "c", ""]],
  ],
  "mixed line ends": ["data: a\r\ndata: b\rdata: c\n\r\n\r\r\n", [["message", "a\nb\nc", ""]]],
  "only one byte order mark goes": ["\uFEFF\uFEFFdata: a\n\ndata: b\n\n", [["message", "b", ""]]],
  "an id without an event stays": ["id: 7\n\ndata: x\n\n", [["message", "x", "7"]], { ids: ["7"] }],
  "an id stays until another comes": [
    "id: 7\ndata: x\n\ndata: y\n\nid: 8\ndata: z\n\n",
    [["message", "x", "7"], ["message", "y", "7"], ["message", "z", "8"]],
  ],
  "a type without data goes": ["event: add\n\ndata: y\n\n", [["message", "y", ""]]],
  "a type is for one event": ["event: add\ndata: x\n\ndata: y\n\n", [["add", "x", ""], ["message", "y", ""]]],
  "retry is digits": ["retry: 3000\nretry: 3s\nretry\nretry: -1\ndata: z\n\n", [["message", "z", ""]], { retries: [3000] }],
  "an id with NUL is none": ["id: a\0b\ndata: n\n\n", [["message", "n", ""]]],
  "names are in lower case": ["Data: no\ndata: ok\n data: no\n\n", [["message", "ok", ""]]],
  "octets beyond ASCII": ["event: größe\nid: ☎\ndata: 日本 😀\n\n", [["größe", "日本 😀", "☎"]]],
  "a gap is a comment": [":gap 12\ndata: x\n\n: gap 3\n:gap x\n:gap 1 \n", [["message", "x", ""]], { gaps: [12] }],
};

function read(chunks, options = {}) {
  const read = { events: [], ids: [], retries: [], gaps: [] };
  const parser = new EventStreamParser({
    ...options,
    onevent: ({ type, data, lastEventId }) => read.events.push([type, data, lastEventId]),
    onid: (id) => read.ids.push(id),
    onretry: (milliseconds) => read.retries.push(milliseconds),
    ongap: (lost) => read.gaps.push(lost),
  });
  for (const chunk of chunks) parser.push(chunk);
  return read;
}

for (const [law, [input, events, others]] of Object.entries(TABLE)) {
  const expected = { events, ids: [], retries: [], gaps: [], ...others };
  const octets = new TextEncoder().encode(input);

  test(`${law}: whole`, () => {
    assert.deepEqual(read([input]), expected);
    assert.deepEqual(read([octets]), expected);
  });

  test(`${law}: cut at every octet, and into octets`, () => {
    for (let cut = 0; cut <= octets.length; cut++) {
      assert.deepEqual(read([octets.subarray(0, cut), octets.subarray(cut)]), expected, `cut at ${cut}`);
    }
    assert.deepEqual(read(Array.from(octets, (octet) => Uint8Array.of(octet))), expected);
  });

  test(`${law}: cut into characters`, () => {
    assert.deepEqual(read([...input].flatMap((character) => ["", character])), expected);
  });
}

test("an event is there with its empty line, not a chunk later", () => {
  assert.equal(read(["data: a\r\r"]).events.length, 1);
  assert.equal(read(["data: a\r\n\r"]).events.length, 1);
});

test("octets that are no UTF-8 are replaced", () => {
  const octets = Uint8Array.of(0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a);
  assert.deepEqual(read([octets]).events, [["message", "\uFFFD", ""]]);
});

test("an id from before is in force until the stream names one", () => {
  assert.deepEqual(read(["data: a\n\nid: 2\ndata: b\n\n"], { lastEventId: "1" }).events, [
    ["message", "a", "1"], ["message", "b", "2"],
  ]);
});

test("a long line in many chunks is read in linear time", () => {
  const chunks = Array(20_000).fill("x".repeat(50));
  const [[, data]] = read(["data:", ...chunks, "\n\n"]).events;
  assert.equal(data.length, 1_000_000);
});
