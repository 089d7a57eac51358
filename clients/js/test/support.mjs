// What the tests share: octets, chance, a clock, a modem and a proxy that do as they are told.
import { afterEach } from "node:test";
import { ConnectionlessEventSource } from "../bellwire.js";

export const STOCKS = "https://example.com/stocks";
export const NEWS = "https://example.com/news?a=1&b=2";

export function fromHex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => parseInt(octet, 16));
}

export function toHex(octets) {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

export function latin1(octets) {
  return Array.from(octets, (octet) => String.fromCharCode(octet)).join("");
}

/** The short message in a submit_sm (SMPP v3.4 §4.4.1) without optional parameters before it. */
export function userDataOf(digits) {
  const pdu = fromHex(digits);
  const skipText = (at) => pdu.indexOf(0, at) + 1;
  let at = skipText(16);
  at = skipText(at + 2);
  at = skipText(at + 2);
  at = skipText(skipText(at + 3)) + 4;
  return pdu.subarray(at + 1, at + 1 + pdu[at]);
}

/** Chance by seed (mulberry32). */
export function random(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}

export function shuffled(items, below) {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}

/** Until everything that was promised has happened. */
export async function settled() {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

/** Time that passes when it is told to. */
export class FakeClock {
  #now = Date.parse("2026-11-25T10:00:00Z");
  #timers = new Map();
  #next = 1;

  now = () => this.#now;
  random = () => 0;
  clearTimeout = (timer) => this.#timers.delete(timer);
  setTimeout = (callback, milliseconds) => {
    this.#timers.set(this.#next, { at: this.#now + milliseconds, callback });
    return this.#next++;
  };

  get timers() {
    return this.#timers.size;
  }

  async pass(milliseconds) {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next[0]);
      this.#now = next[1].at;
      next[1].callback();
      await settled();
    }
    this.#now = end;
  }
}

/** A modem, and ways to send to it. */
export class FakeModem {
  #listeners = new Set();
  #transactions = 0;
  #references = 0;

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get subscriptions() {
    return this.#listeners.size;
  }

  receive(userData, from = "12345") {
    for (const listener of this.#listeners) listener({ from, userData });
  }

  /** Sends a body as one push. */
  push(body, options = {}) {
    for (const segment of this.segments(body, options)) this.receive(segment);
  }

  /** The segments of a push, or of a bare body if `port` is not the one of WAP pushes. */
  segments(body, { port = 2948, sourcePort = 9200, ...headers } = {}) {
    const octets = port === 2948 ? this.#encodePush(body, headers) : new TextEncoder().encode(body);
    const ports = [5, 4, port >> 8, port & 255, sourcePort >> 8, sourcePort & 255];
    if (octets.length <= 133) return [Uint8Array.from([6, ...ports, ...octets])];
    const total = Math.ceil(octets.length / 128);
    const reference = this.#references++ & 255;
    return Array.from({ length: total }, (_, index) => Uint8Array.from([
      11, 0, 3, reference, total, index + 1, ...ports, ...octets.subarray(index * 128, (index + 1) * 128),
    ]));
  }

  #encodePush(body, { application = "urn:oma:xml:push", contentUri = null, contentType = "text/event-stream" }) {
    const text = (value) => [...new TextEncoder().encode(value), 0];
    const headers = [
      ...text(contentType),
      ...(application === null ? [] : [0xaf]),
      ...(typeof application === "number" ? [0x80 | application] : application === null ? [] : text(application)),
      ...(contentUri === null ? [] : [0xb0, ...text(contentUri)]),
    ];
    const length = headers.length < 128 ? [headers.length] : [0x80 | (headers.length >> 7), headers.length & 127];
    return Uint8Array.from([this.#transactions++ & 255, 6, ...length, ...headers, ...new TextEncoder().encode(body)]);
  }
}

/** A proxy behind `fetch`. `streams` are those opened, the newest last; `actions` what was asked for. */
export class FakeProxy {
  url = "https://proxy.example/";
  streams = [];
  actions = [];
  /** By action: what is answered, a function of the query, or an Error for a network that is not there. */
  answers = {
    activatePush: (query) => this.activation({ contentUri: null, lastEventId: query.lastEventId ?? "" }),
    confirm: () => this.activation({}),
    deactivatePush: { state: "inactive", subscription: "s" },
    ack: null,
  };
  /** What the next streams are answered with: a status, or an Error. 200 when there is none. */
  refusals = [];

  activation(properties) {
    return {
      state: "active", subscription: "s", stream: "0", application: "urn:oma:xml:push", profile: "standard", port: 2948,
      contentUri: null, lastEventId: "", expires: "2026-11-26T10:00:00Z", ...properties,
    };
  }

  fetch = async (href, init) => {
    const query = Object.fromEntries(new URL(href).searchParams);
    const request = { ...query, method: init.method ?? "GET", headers: init.headers };
    return query.action ? this.#act(request) : this.#open(request, init.signal);
  };

  get stream() {
    return this.streams.at(-1);
  }

  count(action) {
    return this.actions.filter((request) => request.action === action).length;
  }

  async #act(request) {
    this.actions.push(request);
    const configured = this.answers[request.action];
    const answer = await (typeof configured === "function" ? configured(request) : configured);
    if (answer instanceof Error) throw answer;
    if (answer === null) return new Response(null, { status: 204 });
    const { status = answer.state === "pending" ? 202 : 200, ...body } = answer;
    return new Response(JSON.stringify(body), { status });
  }

  async #open(request, signal) {
    const refusal = this.refusals.shift();
    if (refusal instanceof Error) throw refusal;
    const stream = new FakeStream(request);
    this.streams.push(stream);
    if (refusal) stream.end();
    signal.addEventListener("abort", () => stream.abort());
    const headers = { "Content-Type": refusal?.type ?? "text/event-stream; charset=utf-8" };
    const empty = refusal?.status === 204;
    return new Response(empty ? null : stream.body, { status: refusal?.status ?? 200, headers });
  }
}

class FakeStream {
  open = true;
  #controller;

  constructor(request) {
    this.request = request;
    this.body = new ReadableStream({ start: (controller) => { this.#controller = controller; } });
  }

  get lastEventId() {
    return this.request.headers["Last-Event-ID"] ?? "";
  }

  write(text) {
    if (this.open) this.#controller.enqueue(new TextEncoder().encode(text));
  }

  end() {
    if (this.open) this.#controller.close();
    this.open = false;
  }

  abort(error = new DOMException("aborted", "AbortError")) {
    if (this.open) this.#controller.error(error);
    this.open = false;
  }
}

/** Sources that end with their test. */
export const opened = [];

afterEach(() => opened.splice(0).forEach((source) => source.close()));

/** A source with everything around it, and a log of what the page sees. */
export async function start(options = {}, url = STOCKS) {
  const { clock = new FakeClock(), modem = new FakeModem(), proxy = new FakeProxy() } = options;
  const around = { proxy: proxy.url, token: "T", modem, clock, fetch: proxy.fetch };
  const source = new ConnectionlessEventSource(url, { ...options, ...around });
  opened.push(source);
  const seen = [];
  const note = (text) => (event) => seen.push(text(event));
  source.onopen = note(() => "open");
  source.onerror = note(() => `error ${source.readyState}`);
  source.onmessage = note((event) => `${event.bearer} ${event.data} #${event.lastEventId}`);
  source.addEventListener("gap", note((event) => `${event.bearer} gap ${event.detail.lost} ${event.detail.reason}`));
  await settled();
  return { source, clock, modem, proxy, seen };
}
