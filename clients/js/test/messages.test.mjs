// Short messages and the pushes in them: TS 23.040 §9.2.3.24, WAP-230 §8.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodePush, EventStreamParser, PushError, Reassembler } from "../bellwire.js";
import { fromHex, latin1, random, shuffled, userDataOf } from "./support.mjs";

const VECTORS = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url)));
const QUOTE = "data: YHOO\ndata: +2\ndata: 10\n\n";
const EVENT_STREAM = "text/event-stream";
const URN = "urn:oma:xml:push";

/** [transaction, contentType, charset, application, body] */
const PUSHES = {
  W1: [1, EVENT_STREAM, null, null, QUOTE],
  W2: [2, EVENT_STREAM, 106, 2, QUOTE],
  W3: [3, EVENT_STREAM, 106, URN, QUOTE],
  W4: [4, EVENT_STREAM, 106, 0x9065, QUOTE],
  W5: [5, EVENT_STREAM, 106, URN, QUOTE],
  W6: [6, EVENT_STREAM, null, null, "\x1f\x8b"],
  W7: [7, EVENT_STREAM, 106, null, QUOTE],
  W8: [8, EVENT_STREAM, null, null, QUOTE],
  W9: [9, `${EVENT_STREAM}; charset=utf-8`, null, null, QUOTE],
  W10: [10, "text/plain", null, 2, QUOTE],
  W11: [11, "application/vnd.wap.sic", 106, 2, "x"],
  W12: [12, EVENT_STREAM, 106, null, QUOTE],
  W13: [13, EVENT_STREAM, 106, URN, `data: ${"x".repeat(200)}\n\n`],
  W14: [14, EVENT_STREAM, 106, null, QUOTE],
};

for (const [name, [transaction, contentType, charset, application, body]] of Object.entries(PUSHES)) {
  test(`push ${name} is read`, () => {
    const push = decodePush(fromHex(VECTORS.wsp[name]));
    assert.deepEqual({ ...push, body: latin1(push.body) }, {
      transaction, contentType, charset, application, contentUri: null, body,
    });
  });
}

test("the content URI is read, beside values of all four shapes and a page that is not ours", () => {
  const headers = [
    "03 83 81 ea", "b0 68747470733a2f2f652f6100", "c8 80", "c9 03 010203", "ca 1f 01 ff", "cb 6100", "582d4100 6200",
    "7f 02 b0 687474703a2f2f7700", "01 af 04 00009065",
  ].join("").replaceAll(" ", "");
  const push = decodePush(fromHex(`0007${(headers.length / 2).toString(16)}${headers}78`));
  assert.deepEqual([push.contentUri, push.application, latin1(push.body)], ["https://e/a", 0x9065, "x"]);
});

test("a text may be quoted, and a parameter named in text", () => {
  const push = decodePush(fromHex("000614" + "1f0d" + "612f6200" + "6368617273657400" + "83" + "af7fc3a900"));
  assert.deepEqual([push.contentType, push.charset, push.application], ["a/b", 3, "é"]);
});

/** What a PDU is refused for. */
const MALFORMED = {
  "": "transaction id is missing",
  "01": "PDU type is missing",
  "0105": "PDU type 0x05 is no push",
  "0106": "header length is missing",
  "010681": "header length is missing",
  "0106ffffffff": "header length is missing",
  "0106808080808001": "header length takes more than 5 octets",
  "0106ffffffff7f00": "header length is 34359738367, more than 32 bits",
  "01060383": "headers: 3 octets are said to follow, but 1 do",
  "01068fffffff7f83": "headers: 4294967295 octets are said to follow",
  "010600": "content type is missing",
  "0106026162": "value has no NUL at its end",
  "010602616278797a00": "value has no NUL at its end",
  "0106020583": "content type: 5 octets are said to follow, but 1 do",
  "0106021f83": "content type is missing",
  "01060383af": "headers: 3 octets are said to follow, but 2 do",
  "01060283af": "value is missing",
  "01060483af0290": "value: 2 octets are said to follow, but 1 do",
  "0106028300": "header name is empty",
  "010602837f": "code page is missing",
};

for (const [octets, reason] of Object.entries(MALFORMED)) {
  test(`push ${octets || "of nothing"} is refused: ${reason}`, () => {
    const read = () => decodePush(fromHex(octets));
    assert.throws(read, (error) => error instanceof PushError && error.message.includes(reason));
  });
}

test("a push cut anywhere is refused or shorter, and never read beyond", () => {
  for (const digits of Object.values(VECTORS.wsp)) {
    const octets = fromHex(digits);
    for (let end = 0; end < octets.length; end++) {
      try {
        const { body } = decodePush(octets.slice(0, end));
        assert.equal(latin1(body), latin1(octets.slice(end - body.length, end)));
      } catch (error) {
        assert.ok(error instanceof PushError, `${error}`);
      }
    }
  }
});

test("octets at random are refused, or read", () => {
  const { below } = random(7);
  for (let round = 0; round < 20_000; round++) {
    const octets = Uint8Array.from({ length: below(24) }, () => below(256));
    if (octets.length > 2) octets[1] = 6, octets[2] %= 24;
    for (const read of [decodePush, (userData) => new Reassembler().add({ from: "1", userData })]) {
      try {
        read(octets);
      } catch (error) {
        assert.ok(error instanceof PushError, `${error} of ${octets}`);
      }
    }
  }
});

// Reassembly

const PARTS_8 = ["S2.1", "S2.2", "S2.3"].map((name) => userDataOf(VECTORS.submit_sm[name]));
const PARTS_16 = ["S3.1", "S3.2", "S3.3"].map((name) => userDataOf(VECTORS.submit_sm[name]));
const PORTS = { destinationPort: 2948, sourcePort: 9200 };

function addAll(reassembler, parts, from = "12345") {
  return parts.map((userData) => reassembler.add({ from, userData })).filter((message) => message !== null);
}

/** One part by hand. */
function part(reference, total, sequence, text, width = 8) {
  const element = width === 8 ? [0, 3, reference] : [8, 4, reference >> 8, reference & 255];
  const header = [...element, total, sequence];
  return Uint8Array.from([header.length, ...header, ...new TextEncoder().encode(text)]);
}

test("a message in one part is there at once", () => {
  const [message] = addAll(new Reassembler(), [userDataOf(VECTORS.submit_sm.S1)]);
  assert.deepEqual({ ...message, octets: latin1(message.octets) }, {
    octets: latin1(fromHex(VECTORS.wsp.W3)), ...PORTS, from: "12345",
  });
});

for (const [name, parts] of Object.entries({ "8-bit": PARTS_8, "16-bit": PARTS_16 })) {
  test(`parts with ${name} references join in any order, copies or not`, () => {
    for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
      const inOrder = order.map((index) => parts[index]);
      for (const sent of [inOrder, inOrder.flatMap((part) => [part, part]), [...inOrder, ...inOrder]]) {
        const [message, ...more] = addAll(new Reassembler(), sent);
        assert.deepEqual(more, []);
        const { octets, ...rest } = message;
        assert.deepEqual([octets.length, rest], [273, { ...PORTS, from: "12345" }]);
        const events = [];
        new EventStreamParser({ onevent: (event) => events.push(event) }).push(decodePush(octets).body);
        const [{ type, lastEventId, data }] = events;
        assert.deepEqual([events.length, type, lastEventId, data.split("\n").length], [1, "quote", "42", 5]);
      }
    }
  });
}

test("messages of several references, widths, totals and senders do not mix", () => {
  const reassembler = new Reassembler();
  const all = [
    ["1", part(5, 2, 1, "a")], ["1", part(6, 2, 1, "b")], ["2", part(5, 2, 1, "c")], ["1", part(5, 2, 1, "d", 16)],
    ["1", part(5, 3, 1, "e")], ["1", part(5, 2, 2, "A")], ["1", part(6, 2, 2, "B")], ["2", part(5, 2, 2, "C")],
    ["1", part(5, 2, 2, "D", 16)], ["1", part(5, 3, 2, "E")], ["1", part(5, 3, 3, "!")],
  ];
  const messages = all.flatMap(([from, userData]) => addAll(reassembler, [userData], from));
  assert.deepEqual(messages.map(({ octets }) => latin1(octets)), ["aA", "bB", "cC", "dD", "eE!"]);
});

test("a reference that comes round begins anew", () => {
  const reassembler = new Reassembler();
  const sent = [part(1, 2, 1, "old"), part(1, 2, 1, "a"), part(1, 2, 2, "b"), part(1, 2, 2, "d"), part(1, 2, 1, "c")];
  assert.deepEqual(addAll(reassembler, sent).map(({ octets }) => latin1(octets)), ["ab", "cd"]);
});

test("a late copy of a part begins no other message", () => {
  const reassembler = new Reassembler();
  const parts = [part(1, 2, 1, "a"), part(1, 2, 2, "b")];
  assert.equal(addAll(reassembler, [...parts, ...parts, parts[1]]).length, 1);
  assert.equal(reassembler.size, 0);
});

test("what stays incomplete is dropped after half an hour", () => {
  let now = 0;
  const reassembler = new Reassembler({ now: () => now });
  addAll(reassembler, [part(1, 2, 1, "a")]);
  now = 30 * 60_000 - 1;
  addAll(reassembler, [part(2, 2, 1, "b")]);
  assert.equal(reassembler.size, 2);
  now += 1;
  assert.deepEqual(addAll(reassembler, [part(1, 2, 2, "A")]), []);
  assert.equal(reassembler.size, 2);
});

test("only so many stay incomplete: the oldest goes", () => {
  const reassembler = new Reassembler();
  addAll(reassembler, Array.from({ length: 65 }, (_, reference) => part(reference, 2, 1, "a")));
  assert.equal(reassembler.size, 64);
  assert.equal(addAll(reassembler, [part(64, 2, 2, "b")]).length, 1);
  assert.equal(addAll(reassembler, [part(0, 2, 2, "b")]).length, 0);
});

test("an element of concatenation that makes no sense is ignored", () => {
  for (const [total, sequence] of [[0, 1], [2, 0], [2, 3]]) {
    const [message] = addAll(new Reassembler(), [part(1, total, sequence, "x")]);
    assert.equal(latin1(message.octets), "x");
  }
});

test("unknown elements are passed over, and of several the last one counts", () => {
  const header = "0102aabb" + "05040b8423f0" + "0003ff0201" + "0003070101" + "050411112222" + "240101" + "000101";
  const userData = fromHex((header.length / 2).toString(16) + header + "78");
  const [message] = addAll(new Reassembler(), [userData]);
  assert.deepEqual([message.destinationPort, message.sourcePort, latin1(message.octets)], [0x1111, 0x2222, "x"]);
});

test("a header that does not fit is refused", () => {
  for (const octets of ["", "05", "060504", "0700", "0205ff", "0405040b84", "03000301"]) {
    assert.throws(() => new Reassembler().add({ from: "1", userData: fromHex(octets) }), PushError, octets);
  }
});

test("parts at random join to what was sent", () => {
  const { below } = random(11);
  const reassembler = new Reassembler();
  for (let round = 0; round < 500; round++) {
    const total = 1 + below(6);
    const texts = Array.from({ length: total }, (_, index) => `${round}.${index};`);
    const parts = texts.map((text, index) => part(round % 256, total, index + 1, text));
    const sent = shuffled([...parts, ...parts.filter(() => below(2))], below);
    assert.deepEqual(addAll(reassembler, sent).map(({ octets }) => latin1(octets)), [texts.join("")]);
  }
});
