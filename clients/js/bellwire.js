/**
 * Bellwire's user agent: Server-Sent Events that go on when the connection does not.
 *
 * HTML §9.2.8 counts the handset's software and the push proxy together as one user agent. This is the handset's half.
 * An event source reads the proxy's stream while the device is awake, and OMA pushes out of short messages while it
 * sleeps; the page sees one EventSource, and every event once.
 *
 *     const source = new ConnectionlessEventSource("https://example.com/stocks", { proxy, token, modem });
 *     source.onmessage = (event) => show(event.data, event.bearer);
 *     await source.sleep();                                     // events come by push from here on
 *     source.wake();                                            // and over the stream again
 *
 * From the page down to the octets: event sources, the proxy's actions, the stream, the handset (whose push is it?),
 * duplicates, event streams (HTML §9.2.6), WSP pushes (WAP-230 §8), short messages (TS 23.040 §9.2.3.24), modems.
 * No dependencies; browsers and Node 20 or later.
 *
 * @module bellwire
 */

/** The application that pages know pushes by. */
export const PUSH_URN = "urn:oma:xml:push";

/** IANA's wap-push: the port that WSP pushes go to. Everything on another port is an event stream without WSP. */
const WAP_PUSH_PORT = 2948;

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

// ---------------------------------------------------------------------------------------------------------------------
// Event sources
// ---------------------------------------------------------------------------------------------------------------------

/** What every event source has in common: constants and event handler attributes (HTML §9.2.2). */
class EventSourceTarget extends EventTarget {
  #handlers = new Map();

  get CONNECTING() { return CONNECTING; }
  get OPEN() { return OPEN; }
  get CLOSED() { return CLOSED; }
  static get CONNECTING() { return CONNECTING; }
  static get OPEN() { return OPEN; }
  static get CLOSED() { return CLOSED; }

  get onopen() { return this.#handler("open"); }
  set onopen(handler) { this.#setHandler("open", handler); }
  get onmessage() { return this.#handler("message"); }
  set onmessage(handler) { this.#setHandler("message", handler); }
  get onerror() { return this.#handler("error"); }
  set onerror(handler) { this.#setHandler("error", handler); }

  #handler(type) {
    return this.#handlers.get(type) ?? null;
  }

  #setHandler(type, handler) {
    // The listener stays where it is among the others, whatever handler it calls later.
    if (!this.#handlers.has(type)) {
      this.addEventListener(type, (event) => this.#handlers.get(type)?.call(this, event));
    }
    this.#handlers.set(type, typeof handler === "function" ? handler : null);
  }
}

/**
 * An EventSource with two bearers: the proxy's stream, and pushes.
 *
 * Beside HTML's events it fires `gap` (events were lost; `detail.lost`, `detail.reason`) and `bearerchange`. Messages
 * have a `bearer`: "relay" or "push".
 */
export class ConnectionlessEventSource extends EventSourceTarget {
  #url;
  #withCredentials;
  #silence;
  #clock;
  #proxy;
  #acknowledger;
  #handset;
  #endpoint;
  #backOff;
  #duplicates = new Duplicates();
  #lastEventId = "";
  /** @type {AbortController | null} The stream that is open or about to be. */
  #stream = null;
  #streamOpen = false;
  #streamTimer = null;
  /** Whether a stream is wanted. */
  #awake = true;
  #bearer = null;
  #readyState = CONNECTING;
  /** Counts what the page wanted, so that an answer knows whether it is still wanted. */
  #wishes = 0;
  #exchanges = Promise.resolve();
  #renewal = null;
  #probe = null;

  /**
   * @param {string | URL} url the origin's event stream
   * @param {import("./bellwire.js").ConnectionlessEventSourceInit} options
   */
  constructor(url, options = {}) {
    super();
    this.#url = parseUrl(url);
    this.#withCredentials = options.withCredentials ?? false;
    this.#silence = options.silence ?? 45_000;
    this.#clock = { ...SYSTEM_CLOCK, ...options.clock };
    this.#backOff = new BackOff(this.#clock);
    this.#proxy = new PushProxy({ ...options, withCredentials: this.#withCredentials });
    this.#acknowledger = (options.acks ?? true) ? this.#newAcknowledger() : null;
    this.#endpoint = this.#newEndpoint(options.application ?? PUSH_URN, options.dataSourcePort);
    this.#handset = options.modem ? Handset.of(options.modem, this.#clock) : null;
    this.#handset?.add(this.#endpoint);
    this.#openStream();
  }

  get url() { return this.#url.href; }
  get withCredentials() { return this.#withCredentials; }
  get readyState() { return this.#readyState; }
  /** The last event ID string, whichever bearer brought it. */
  get lastEventId() { return this.#lastEventId; }
  /** The origin of the event stream, not the proxy's: `MessageEvent.origin`. */
  get origin() { return this.#url.origin; }
  /** What brings events now: "relay", "push", or null for nothing. */
  get bearer() { return this.#bearer; }
  /** The proxy's answer to the last activation, or null. */
  get activation() { return this.#endpoint.activation; }

  /**
   * Activates push and keeps the stream: events come by push as soon as the stream breaks.
   * Resolves when push is active, after the proxy's probe if it sent one.
   */
  async arm({ mode } = {}) {
    if (!this.#handset) throw new TypeError("push needs a modem");
    // In an object: the hold on pushes must not last until the probe comes, for the probe is a push.
    const { outcome } = await this.#handset.holding(() => this.#exchange(async () => {
      const terms = { mode, application: this.#endpoint.application, lastEventId: this.#lastEventId };
      return { outcome: this.#takeAnswer(await this.#proxy.activate(this.#url.href, terms)) };
    }));
    return outcome;
  }

  /** Activates push, then closes the stream. `mode: "now"` has the proxy push without waiting for the stream's end. */
  async sleep({ mode } = {}) {
    const wish = ++this.#wishes;
    const activation = await this.arm({ mode });
    if (wish === this.#wishes) {
      this.#awake = false;
      this.#closeStream();
      this.#acknowledger?.flush();
      this.#update();
    }
    return activation;
  }

  /** Opens the stream where the last event left off, at once if it waits to be retried. Push stays active. */
  wake() {
    if (this.#readyState === CLOSED) return;
    this.#wishes++;
    this.#awake = true;
    if (!this.#stream) this.#openStream();
  }

  /** Ends push at the proxy. A source that sleeps has no bearer then, until `wake()`. */
  async deactivate() {
    this.#probe?.reject(new PushError("push was deactivated before the probe came"));
    await this.#exchange(() => this.#proxy.deactivate(this.#url.href));
    this.#endpoint.activation = null;
    this.#stopRenewal();
    this.#update();
  }

  /** Ends the source on this side; as HTML has it, nothing is sent. `deactivate()` first if push is active. */
  close() {
    this.#wishes++;
    this.#awake = false;
    this.#readyState = CLOSED;
    this.#bearer = null;
    this.#closeStream();
    this.#acknowledger?.stop();
    this.#stopRenewal();
    this.#probe?.reject(new PushError("the source was closed before the probe came"));
    this.#endpoint.activation = null;
    this.#handset?.remove(this.#endpoint);
  }

  // The stream

  #openStream() {
    this.#clock.clearTimeout(this.#streamTimer);
    const control = new AbortController();
    this.#stream = control;
    // Every change of mind makes another control, or none: whatever an old stream still says is not heard.
    const current = () => this.#stream === control;
    this.#readStream(control, current).then(
      () => current() && this.#streamBroke(null),
      (error) => current() && this.#streamBroke(error),
    );
  }

  #readStream(control, current) {
    const parser = new EventStreamParser({
      lastEventId: null,
      onevent: (event) => current() && this.#receiveRelayed(event),
      onid: (id) => current() && this.#moveTo(id),
      onretry: (milliseconds) => this.#backOff.setBase(milliseconds),
    });
    return readEventStream({
      control,
      clock: this.#clock,
      silence: this.#silence,
      open: (signal) => this.#proxy.openStream(this.#url.href, {
        lastEventId: this.#lastEventId, acks: this.#acknowledger !== null, signal,
      }),
      onopen: () => current() && this.#streamOpened(),
      onchunk: (chunk) => current() && parser.push(chunk),
    });
  }

  #closeStream() {
    this.#clock.clearTimeout(this.#streamTimer);
    const control = this.#stream;
    this.#stream = null;
    this.#streamOpen = false;
    control?.abort();
  }

  #streamOpened() {
    this.#backOff.reset();
    this.#streamOpen = true;
    this.#update();
  }

  #streamBroke(error) {
    this.#closeStream();
    if (error instanceof ProxyError && !error.temporary) {
      this.#awake = false;
      if (!this.#endpoint.activation) this.close();
    } else {
      this.#streamTimer = this.#clock.setTimeout(() => this.#openStream(), this.#backOff.next());
    }
    this.#update();
    // A break that push bridges is no error to the page.
    if (!this.#bearer) this.#fireError(error);
  }

  // Events

  #receiveRelayed(event) {
    this.#receive(event, "relay");
    // Unless the page has closed the source meanwhile.
    if (this.#awake) this.#acknowledger?.note(event.lastEventId);
  }

  #receivePush({ events, lost }) {
    if (lost !== null) this.#fireGap({ lost, reason: "push" }, "push");
    for (const event of events) this.#receive(event, "push");
  }

  #receive(event, bearer) {
    if (this.#readyState === CLOSED) return;
    if (event.type.startsWith("bellwire-")) return this.#control(event, bearer);
    if (!this.#duplicates.isNew(event)) return;
    this.#lastEventId = event.lastEventId ?? this.#lastEventId;
    this.dispatchEvent(newMessage(event, { lastEventId: this.#lastEventId, origin: this.origin, bearer }));
  }

  /** An id without an event: nothing to show, but the place to go on from. */
  #moveTo(id) {
    this.#lastEventId = id;
    this.#acknowledger?.note(id);
  }

  /** What the proxy says about itself. Names that are not known yet are not the page's business either. */
  #control(event, bearer) {
    if (event.type === "bellwire-gap") this.#fireGap({ lost: null, reason: gapReason(event.data) }, bearer);
    if (event.type === "bellwire-expiry" && this.#endpoint.activation) this.#renew(Date.parse(event.data));
  }

  // Push

  #newEndpoint(application, dataSourcePort) {
    return new PushEndpoint({
      url: this.#url.href,
      application,
      dataSourcePort,
      receive: (push) => this.#receivePush(push),
      confirm: (nonce) => this.#proxy.confirm(nonce),
      adopt: (answer) => this.#probe?.resolve(this.#activated(answer)),
    });
  }

  #newAcknowledger() {
    return new Acknowledger(this.#clock, (id) => this.#proxy.acknowledge(this.#url.href, id));
  }

  /** One action at a time, so that the proxy sees them as the page ordered them. */
  #exchange(action) {
    const result = this.#exchanges.then(action);
    this.#exchanges = result.catch(() => {});
    return result;
  }

  #takeAnswer(answer) {
    if (this.#readyState === CLOSED) return answer;
    return answer.state === "pending" ? this.#awaitProbe(answer) : this.#activated(answer);
  }

  #activated(answer) {
    this.#stopRenewal();
    this.#endpoint.activation = answer;
    this.#update();
    return answer;
  }

  #awaitProbe({ subscription, confirmWithin = 300 }) {
    this.#probe?.reject(new PushError("another activation took the place of this one"));
    const probe = Promise.withResolvers?.() ?? withResolvers();
    const late = new PushError(`no probe came within ${confirmWithin} seconds`);
    const timer = this.#clock.setTimeout(() => probe.reject(late), confirmWithin * 1000);
    this.#probe = probe;
    this.#endpoint.pending = subscription;
    return probe.promise.finally(() => {
      this.#clock.clearTimeout(timer);
      if (this.#probe === probe) this.#probe = this.#endpoint.pending = null;
    });
  }

  /** Arms push again before it ends; without luck until then, the stream is all that is left. */
  #renew(end, backOff = new BackOff(this.#clock)) {
    if (this.#renewal) return;
    const renewal = (this.#renewal = { timer: null });
    this.arm().catch(() => {
      if (this.#renewal !== renewal) return;
      const [delay, left] = [backOff.next(), end - this.#clock.now()];
      const next = delay < left ? () => this.#renew(end, backOff) : () => this.#activationEnded();
      renewal.timer = this.#clock.setTimeout(() => { this.#renewal = null; next(); }, Math.min(delay, left));
    });
  }

  #activationEnded() {
    this.#endpoint.activation = null;
    this.#update();
    this.wake();
  }

  #stopRenewal() {
    this.#clock.clearTimeout(this.#renewal?.timer);
    this.#renewal = null;
  }

  // What the page sees of all this

  #update() {
    if (this.#readyState === CLOSED) return;
    const bearer = this.#streamOpen ? "relay" : this.#endpoint.activation ? "push" : null;
    const opened = bearer !== null && this.#readyState === CONNECTING;
    const changed = bearer !== this.#bearer;
    this.#bearer = bearer;
    this.#readyState = bearer ? OPEN : CONNECTING;
    if (opened) this.dispatchEvent(new Event("open"));
    if (changed) this.dispatchEvent(new Event("bearerchange"));
  }

  #fireError(error) {
    this.dispatchEvent(withProperties(new Event("error"), { error }));
  }

  #fireGap(detail, bearer) {
    const message = { type: "gap", data: JSON.stringify(detail) };
    const event = newMessage(message, { lastEventId: this.#lastEventId, origin: this.origin, bearer });
    this.dispatchEvent(withProperties(event, { detail }));
  }
}

/**
 * What `new EventSource("urn:oma:xml:push")` makes: every event that is pushed to the application, of whatever stream.
 * Its messages have the origin of their stream where that is known, and "null" where it is not.
 */
class PushEventSource extends EventSourceTarget {
  #readyState = OPEN;
  #handset;
  #endpoint;
  /** By stream: duplicates and the last id are a stream's own. */
  #streams = new BoundedMap(64);

  constructor(options) {
    super();
    const proxy = options.proxy && options.confirm ? new PushProxy(options) : null;
    this.#endpoint = new PushEndpoint({
      application: options.application ?? PUSH_URN,
      activation: { profile: options.profile ?? "standard", port: options.port ?? WAP_PUSH_PORT },
      confirm: proxy && ((nonce) => proxy.confirm(nonce)),
      receive: (push) => this.#receive(push),
    });
    this.#handset = Handset.of(options.modem, { ...SYSTEM_CLOCK, ...options.clock });
    this.#handset.add(this.#endpoint);
    queueMicrotask(() => this.#readyState === OPEN && this.dispatchEvent(new Event("open")));
  }

  get url() { return PUSH_URN; }
  get withCredentials() { return false; }
  get readyState() { return this.#readyState; }

  close() {
    this.#readyState = CLOSED;
    this.#handset.remove(this.#endpoint);
  }

  #receive({ stream, origin, events }) {
    const known = this.#streams.getOrMake(stream, () => ({ duplicates: new Duplicates(), lastEventId: "" }));
    for (const event of events) {
      if (this.#readyState === CLOSED || event.type.startsWith("bellwire-") || !known.duplicates.isNew(event)) continue;
      known.lastEventId = event.lastEventId ?? known.lastEventId;
      this.dispatchEvent(newMessage(event, { lastEventId: known.lastEventId, origin, bearer: "push" }));
    }
  }
}

/**
 * Teaches `scope.EventSource` the URL `urn:oma:xml:push`; all others go to the platform's.
 *
 * @param {import("./bellwire.js").InstallOptions} options
 * @param {{ EventSource?: any }} scope
 * @returns {() => void} puts the platform's EventSource back
 */
export function install(options, scope = globalThis) {
  if (!options?.modem) throw new TypeError("push needs a modem");
  const own = Object.getOwnPropertyDescriptor(scope, "EventSource");
  const platform = scope.EventSource ?? MissingEventSource;
  const installed = new Proxy(platform, {
    construct: (target, args, newTarget) => String(args[0]) === PUSH_URN
      ? new PushEventSource(options)
      : Reflect.construct(target, args, newTarget === installed ? target : newTarget),
  });
  Object.defineProperty(scope, "EventSource", { value: installed, configurable: true, writable: true });
  return () => {
    if (scope.EventSource !== installed) return;
    delete scope.EventSource;
    if (own) Object.defineProperty(scope, "EventSource", own);
  };
}

/** Stands in where the platform has no EventSource. */
class MissingEventSource extends EventSourceTarget {
  constructor(url) {
    super();
    throw new DOMException(`no EventSource here but for ${PUSH_URN}: ${url}`, "NotSupportedError");
  }
}

function parseUrl(url) {
  try {
    return new URL(url, globalThis.location?.href);
  } catch {
    throw new DOMException(`not a URL: ${url}`, "SyntaxError");
  }
}

function newMessage({ type, data }, { lastEventId, origin, bearer }) {
  return withProperties(new MessageEvent(type, { data, lastEventId, origin }), { bearer });
}

function withProperties(event, properties) {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(event, name, { value, enumerable: true });
  }
  return event;
}

function gapReason(data) {
  try {
    return String(JSON.parse(data).reason);
  } catch {
    return data;
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

// ---------------------------------------------------------------------------------------------------------------------
// The proxy
// ---------------------------------------------------------------------------------------------------------------------

/** The proxy refused, or answered what is no answer. */
export class ProxyError extends Error {
  name = "ProxyError";

  /** @param {string} message @param {{ status: number, field?: string }} facts */
  constructor(message, { status, field }) {
    super(message);
    this.status = status;
    this.field = field;
  }

  /** Whether asking again may help. HTML §9.2.2 ends a source at any status but 200; a proxy's bad moment need not. */
  get temporary() {
    return [429, 500, 502, 503, 504].includes(this.status);
  }
}

/** The proxy's HTTP interface. */
class PushProxy {
  #base;
  #headers;
  #credentials;
  #fetch;

  constructor({ proxy, token, withCredentials, fetch }) {
    if (!proxy) throw new TypeError("the proxy's URL is missing");
    this.#base = parseUrl(proxy);
    this.#headers = token ? { Authorization: `Bearer ${token}` } : {};
    this.#credentials = withCredentials ? "include" : "same-origin";
    this.#fetch = fetch ?? ((...args) => globalThis.fetch(...args));
  }

  async openStream(eventsource, { lastEventId, acks, signal }) {
    const headers = { Accept: "text/event-stream" };
    if (lastEventId) headers["Last-Event-ID"] = utf8AsByteString(lastEventId);
    const query = { eventsource, acks: acks ? "1" : null };
    const response = await this.#request(query, { headers, cache: "no-store", signal });
    const type = response.headers.get("Content-Type") ?? "none";
    if (response.status !== 200) throw await refusal(response);
    if (!/^text\/event-stream\s*(;|$)/i.test(type)) {
      throw new ProxyError(`not an event stream but ${type}`, { status: response.status });
    }
    return response;
  }

  activate(eventsource, { lastEventId, mode, application }) {
    return this.#act({ action: "activatePush", eventsource, lastEventId, mode, application });
  }

  confirm(nonce) {
    return this.#act({ action: "confirm", nonce });
  }

  deactivate(eventsource) {
    return this.#act({ action: "deactivatePush", eventsource });
  }

  acknowledge(eventsource, id) {
    return this.#act({ action: "ack", eventsource, id });
  }

  async #act(query) {
    const response = await this.#request(query, { method: "POST" });
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : response.json();
  }

  #request(query, init) {
    const url = new URL(this.#base);
    for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
    const headers = { ...this.#headers, ...init.headers };
    return this.#fetch(url.href, { ...init, headers, credentials: this.#credentials });
  }
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const message = problem.detail ?? problem.title ?? `the proxy answered ${response.status}`;
  return new ProxyError(message, { status: response.status, field: problem.field });
}

/** fetch takes header values octet by octet, and ids are UTF-8 (HTML §9.2.4). */
function utf8AsByteString(text) {
  return Array.from(new TextEncoder().encode(text), (octet) => String.fromCharCode(octet)).join("");
}

/** Tells the proxy how far a stream was read: now and then, and never twice at a time. */
class Acknowledger {
  #clock;
  #send;
  #id = "";
  #events = 0;
  #timer = null;

  constructor(clock, send) {
    this.#clock = clock;
    this.#send = send;
  }

  note(id) {
    if (!id) return;
    this.#id = id;
    this.#events++;
    this.#timer ??= this.#clock.setTimeout(() => this.flush(), 2_000);
    if (this.#events >= 32) this.flush();
  }

  /** A lost acknowledgement is made up for by the next. */
  flush() {
    const due = this.#events > 0;
    this.stop();
    if (due) this.#send(this.#id).catch(() => {});
  }

  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#events = 0;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The stream, and time
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Reads one stream to its end. The proxy's heartbeat is the sign of life: a link that says nothing for longer is dead,
 * also when its radio cannot tell.
 */
async function readEventStream({ control, clock, silence, open, onopen, onchunk }) {
  const { signal } = control;
  let watch = null;
  const heard = () => {
    clock.clearTimeout(watch);
    watch = clock.setTimeout(() => control.abort(), silence);
  };
  try {
    heard();
    const response = await open(signal);
    const reader = response.body.getReader();
    signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
    onopen();
    while (!signal.aborted) {
      heard();
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      onchunk(value);
    }
  } finally {
    clock.clearTimeout(watch);
  }
}

const SYSTEM_CLOCK = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** Reconnection times (HTML §9.2.3): the base, then twice as long each time, up to a minute, never all at once. */
class BackOff {
  #clock;
  #base = 3_000;
  #failures = 0;

  constructor(clock) {
    this.#clock = clock;
  }

  setBase(milliseconds) {
    this.#base = milliseconds;
  }

  reset() {
    this.#failures = 0;
  }

  next() {
    const delay = Math.max(this.#base, Math.min(this.#base * 2 ** this.#failures++, 60_000));
    return delay * (1 + this.#clock.random() / 2);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The handset: whose push is it?
// ---------------------------------------------------------------------------------------------------------------------

/** What an event source shows of itself to the handset. */
class PushEndpoint {
  /** The source's URL; undefined takes every stream. */
  url;
  application;
  dataSourcePort;
  /** The proxy's answer, once push is active. */
  activation = null;
  /** The subscription that waits for its probe. */
  pending = null;
  receive;
  confirm;
  adopt = () => {};

  constructor(properties) {
    Object.assign(this, properties);
  }

  takesAll() {
    return this.url === undefined;
  }

  hasProfile(profile) {
    return this.activation?.profile === profile;
  }

  takesPort(port) {
    return this.activation !== null && (this.activation.port ?? WAP_PUSH_PORT) === port;
  }

  /** Data profile: the proxy's source port counts the streams. */
  takesSourcePort(port) {
    const { sourcePort, stream } = this.activation;
    const counted = this.dataSourcePort === undefined ? port : this.dataSourcePort + parseInt(stream, 36);
    return (sourcePort ?? counted) === port;
  }

  get origin() {
    return this.takesAll() ? "null" : new URL(this.url).origin;
  }
}

/** One modem and all sources that listen to it: joins segments, reads pushes, finds out whose they are. */
class Handset {
  static #handsets = new WeakMap();

  static of(modem, clock) {
    if (!this.#handsets.has(modem)) this.#handsets.set(modem, new Handset(modem, clock));
    return this.#handsets.get(modem);
  }

  #modem;
  #reassembler;
  #unsubscribe = null;
  #endpoints = new Set();
  #copies = new Copies();
  #undecided = 0;
  #held = [];

  constructor(modem, clock) {
    this.#modem = modem;
    this.#reassembler = new Reassembler({ now: clock.now });
  }

  add(endpoint) {
    this.#endpoints.add(endpoint);
    this.#unsubscribe ??= this.#modem.subscribe((segment) => this.#receiveSegment(segment));
  }

  remove(endpoint) {
    this.#endpoints.delete(endpoint);
    if (this.#endpoints.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  /** A short message may overtake the answer that says whose it is: such wait until `activation` is done. */
  async holding(activation) {
    this.#undecided++;
    try {
      return await activation();
    } finally {
      this.#undecided--;
      for (const push of this.#held.splice(0)) this.#deliver(push);
    }
  }

  #receiveSegment(segment) {
    try {
      const message = this.#reassembler.add(segment);
      const push = message && this.#readMessage(message);
      if (push) this.#deliver(push);
    } catch (error) {
      // Other applications have their messages too, in whatever form.
      if (!(error instanceof PushError)) throw error;
    }
  }

  /** A message as a push of ours, or null. */
  #readMessage({ octets, destinationPort, sourcePort, from }) {
    if (destinationPort === null) return null;
    const ports = { destinationPort, sourcePort };
    if (destinationPort !== WAP_PUSH_PORT) {
      return { ...ports, application: null, contentUri: null, ...readBody(octets) };
    }
    const { contentType, application, contentUri, body } = decodePush(octets);
    if (!isEventStream(contentType) || this.#copies.isCopy(from, octets)) return null;
    return { ...ports, application, contentUri, ...readBody(body) };
  }

  #deliver(push) {
    const probe = push.events.find((event) => event.type === "bellwire-probe");
    const candidates = [...this.#endpoints].filter((endpoint) => takes(endpoint, push));
    const owners = probe ? [] : route(push, candidates.filter((endpoint) => !endpoint.takesAll()));
    if (owners.length === 0 && this.#undecided > 0) return this.#hold(push);
    if (probe) return void this.holding(() => this.#answerProbe(probe.data));
    for (const delivery of deliveries(push, owners, candidates.filter((endpoint) => endpoint.takesAll()))) {
      delivery.endpoint.receive(delivery);
    }
  }

  #hold(push) {
    this.#held.push(push);
    if (this.#held.length > 64) this.#held.shift();
  }

  /**
   * Confirms what one of the sources asked for, and nothing else: a probe that nobody waits for is somebody else's try.
   * Which subscription it was for is in the answer.
   */
  async #answerProbe(nonce) {
    for (const endpoint of [...this.#endpoints].filter(({ pending, url, confirm }) => pending || (!url && confirm))) {
      const answer = await endpoint.confirm(nonce).catch(() => null);
      if (!answer) continue;
      for (const owner of this.#endpoints) if (owner.pending === answer.subscription) owner.adopt(answer);
      return;
    }
  }
}

/** Whether the push is for the endpoint's application and port. */
function takes(endpoint, { application, destinationPort }) {
  if (!endpoint.takesPort(destinationPort)) return false;
  return application === null || isApplication(application, endpoint.activation.application ?? endpoint.application);
}

/**
 * Who gets which events: pairs of endpoint and what tells its events from others'.
 * Data profile: by source port. Standard: by content URI; the handset's first stream has none. Compact: by key.
 */
function route(push, candidates) {
  if (push.destinationPort !== WAP_PUSH_PORT) {
    const data = candidates.filter((endpoint) => endpoint.hasProfile("data"));
    return data.filter((endpoint) => endpoint.takesSourcePort(push.sourcePort)).map(unkeyed);
  }
  if (push.contentUri !== null) {
    const named = candidates.filter(({ url, activation }) => [url, activation.contentUri].includes(push.contentUri));
    return named.map(unkeyed);
  }
  const keys = push.events.map((event) => splitKey(event.lastEventId).key);
  const compact = candidates.filter((endpoint) => endpoint.hasProfile("compact"));
  const keyed = compact.map((endpoint) => ({ endpoint, key: endpoint.activation.stream }));
  const owners = keyed.filter(({ key }) => keys.includes(key));
  if (owners.length > 0) return owners;
  const first = candidates.filter((endpoint) => endpoint.hasProfile("standard") && !endpoint.activation.contentUri);
  return first.map(unkeyed);
}

function unkeyed(endpoint) {
  return { endpoint, key: null };
}

/** A push as each endpoint gets it. The mark of lost events belongs to the first event's stream. */
function* deliveries(push, owners, listeners) {
  const firstKey = splitKey(push.events[0]?.lastEventId).key;
  for (const { endpoint, key } of owners) {
    const lost = key === null || key === firstKey ? push.lost : null;
    yield { endpoint, lost, events: key === null ? push.events : eventsOf(push, key) };
  }
  for (const endpoint of listeners) yield* streamsOf(push, owners, endpoint).map((stream) => ({ endpoint, ...stream }));
}

/** A push by streams, for those who take all of them. */
function streamsOf(push, owners, listener) {
  const compact = owners.some(({ key }) => key !== null) || (owners.length === 0 && listener.hasProfile("compact"));
  if (!compact) {
    const stream = push.contentUri ?? `port ${push.sourcePort}`;
    const origin = owners[0]?.endpoint.origin ?? (push.contentUri === null ? "null" : originOf(push.contentUri));
    return [{ stream, origin, events: push.events }];
  }
  return [...new Set(push.events.map((event) => splitKey(event.lastEventId).key))].map((key) => ({
    stream: `key ${key}`,
    origin: owners.find((owner) => owner.key === key)?.endpoint.origin ?? "null",
    events: eventsOf(push, key),
  }));
}

/** The events of one stream, with the ids that its origin knows. */
function eventsOf(push, key) {
  const ids = push.events.map((event) => ({ event, ...splitKey(event.lastEventId) }));
  return ids.filter((split) => split.key === key).map(({ event, id }) => ({ ...event, lastEventId: id }));
}

/** `KEY.ID` of the compact profile. */
function splitKey(id) {
  const [, key, rest] = /^([0-9a-z]+)\.(.*)$/s.exec(id ?? "") ?? [];
  return key === undefined ? { key: null, id } : { key, id: rest };
}

/** A body is an event stream of its own: a fresh parser each, and what is not ended by an empty line is dropped. */
function readBody(octets) {
  const events = [];
  let lost = null;
  const parser = new EventStreamParser({
    lastEventId: null,
    onevent: (event) => events.push(event),
    ongap: (count) => { if (events.length === 0) lost = count; },
  });
  parser.push(octets);
  return { events, lost };
}

function isEventStream(contentType) {
  return contentType.split(";")[0].trim().toLowerCase() === "text/event-stream";
}

function originOf(url) {
  try {
    return new URL(url).origin;
  } catch {
    return "null";
  }
}

/** OMNA's names of the applications that have numbers up to 0x1A; a number may stand for its name. */
const APPLICATIONS = [
  ...["*", "push.sia", "wml.ua", "wta.ua", "mms.ua", "push.syncml", "loc.ua", "syncml.dm", "drm.ua", "emn.ua", "wv.ua"]
    .map((name) => (name === "*" ? name : `x-wap-application:${name}`)),
  ...Array(5).fill(null),
  ...["ulp.ua", "dlota.ua", "java-ams", "bcast.ua", "dpe.ua", "cpm.ua", "evvm.ua", "twinning.ua", "mobar.ua", "snew.ua"]
    .map((name) => `x-oma-application:${name}`),
  "x-wap-application:lwm2m.dm",
];

function isApplication(pushed, wanted) {
  if (pushed === wanted || pushed === 0 || pushed === "*") return true;
  return typeof pushed === "number" && (APPLICATIONS[pushed] === wanted || Number(wanted) === pushed);
}

// ---------------------------------------------------------------------------------------------------------------------
// Duplicates
// ---------------------------------------------------------------------------------------------------------------------

/** Events that are remembered. An SMSC may deliver short messages out of order, but hardly that much. */
const REMEMBERED = 256;

/**
 * Which events of a stream came before, by either bearer. The newest are remembered; the proxy's ids, `~EPOCH.SEQUENCE`,
 * count up, so that those which are older than what is remembered, or than the first that came, are known to be copies.
 */
class Duplicates {
  #seen = new BoundedMap(REMEMBERED);
  /** By epoch: the first and the greatest sequence number that came. */
  #ranges = new BoundedMap(16);

  /** @returns {boolean} whether the event is new; it is not from now on. An event without id is always new. */
  isNew({ type, data, lastEventId }) {
    if (!lastEventId) return true;
    const [, epoch, sequence] = /^~([0-9a-z]+)\.([0-9a-z]+)$/.exec(lastEventId) ?? [];
    if (epoch === undefined) return this.#isUnseen(JSON.stringify([lastEventId, type, data]));
    return this.#isInRange(epoch, parseInt(sequence, 36)) && this.#isUnseen(lastEventId);
  }

  #isUnseen(key) {
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, true);
    return true;
  }

  #isInRange(epoch, sequence) {
    const range = this.#ranges.getOrMake(epoch, () => ({ first: sequence, greatest: sequence }));
    if (sequence < range.first || sequence <= range.greatest - REMEMBERED) return false;
    range.greatest = Math.max(range.greatest, sequence);
    return true;
  }
}

/** Pushes that came before octet for octet, transaction id included: sent twice, or delivered twice. */
class Copies {
  // Ids come round after 256 pushes: fewer are remembered.
  #pushes = new BoundedMap(64);

  isCopy(from, octets) {
    const key = `${from}:${octets.join()}`;
    if (this.#pushes.has(key)) return true;
    this.#pushes.set(key, true);
    return false;
  }
}

/** A map that forgets what was set first. */
class BoundedMap extends Map {
  #limit;

  constructor(limit) {
    super();
    this.#limit = limit;
  }

  set(key, value) {
    super.delete(key);
    super.set(key, value);
    if (this.size > this.#limit) super.delete(this.keys().next().value);
    return this;
  }

  getOrMake(key, make) {
    if (!this.has(key)) this.set(key, make());
    return this.get(key);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Event streams (HTML §9.2.5 and §9.2.6)
// ---------------------------------------------------------------------------------------------------------------------

/** Reads an event stream in chunks cut anywhere. What no empty line ended when the last chunk came is no event. */
export class EventStreamParser {
  #handlers;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #started = false;
  #afterCr = false;
  #line = "";
  #type = "";
  #data = "";
  #idBuffer;
  #lastEventId;

  /**
   * @param {import("./bellwire.js").EventStreamHandlers} handlers
   *   `lastEventId`: the id in force before the stream names one, "" by default
   */
  constructor({ lastEventId = "", ...handlers }) {
    this.#handlers = handlers;
    this.#idBuffer = this.#lastEventId = lastEventId;
  }

  /** The last event ID string: it outlives events, and blocks without data set it too. */
  get lastEventId() {
    return this.#lastEventId;
  }

  /** @param {string | Uint8Array} chunk */
  push(chunk) {
    let text = typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true });
    if (text === "") return;
    if (!this.#started && text.startsWith("\uFEFF")) text = text.slice(1);
    this.#started = true;
    // The other half of a CR LF whose CR ended the last chunk, and the line.
    if (this.#afterCr && text.startsWith("\n")) text = text.slice(1);
    this.#readLines(text);
  }

  #readLines(text) {
    let start = 0;
    for (const { index, 0: end } of text.matchAll(/\r\n?|\n/g)) {
      const line = this.#line + text.slice(start, index);
      this.#line = "";
      start = index + end.length;
      this.#readLine(line);
    }
    this.#line += text.slice(start);
    this.#afterCr = text.endsWith("\r");
  }

  #readLine(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return this.#readComment(line.slice(1));
    if (colon < 0) return this.#readField(line, "");
    const value = line.slice(colon + 1);
    this.#readField(line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value);
  }

  #readField(name, value) {
    switch (name) {
      case "event": this.#type = value; break;
      case "data": this.#data += `${value}\n`; break;
      case "id": if (!value.includes("\0")) this.#idBuffer = value; break;
      case "retry": if (/^[0-9]+$/.test(value)) this.#handlers.onretry?.(Number(value)); break;
      // "Otherwise, the field is ignored."
    }
  }

  /** A comment is nothing to HTML, but `:gap N` tells this user agent that N events are missing here. */
  #readComment(text) {
    const [, lost] = /^gap ([0-9]+)$/.exec(text) ?? [];
    if (lost !== undefined) this.#handlers.ongap?.(Number(lost));
  }

  #dispatch() {
    const [type, data] = [this.#type || "message", this.#data];
    const moved = this.#lastEventId !== this.#idBuffer;
    this.#lastEventId = this.#idBuffer;
    this.#type = this.#data = "";
    if (data !== "") {
      this.#handlers.onevent?.({ type, data: data.slice(0, -1), lastEventId: this.#lastEventId });
    } else if (moved) {
      this.#handlers.onid?.(this.#lastEventId);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Pushes (WAP-230 §8.1, §8.2, §8.4)
// ---------------------------------------------------------------------------------------------------------------------

/** What is wrong with a push, or with a push that was waited for. */
export class PushError extends Error {
  name = "PushError";
}

const PUSH = 0x06;
const CONFIRMED_PUSH = 0x07;
const HEADER_APPLICATION_ID = 0x2f;
const HEADER_CONTENT_URI = 0x30;
const PARAMETER_Q = 0x00;
const PARAMETER_CHARSET = 0x01;
const DEFAULT_PAGE = 1;

/** Media types with numbers that a push may well have. Others are shown as their number. */
const MEDIA_TYPES = new Map([
  [0x00, "*/*"], [0x02, "text/html"], [0x03, "text/plain"], [0x27, "application/xml"], [0x28, "text/xml"],
  [0x2e, "application/vnd.wap.sic"], [0x30, "application/vnd.wap.slc"], [0x32, "application/vnd.wap.coc"],
  [0x34, "application/vnd.wap.sia"], [0x3e, "application/vnd.wap.mms-message"],
  [0x5a, "application/octet-stream"], [0x5b, "application/json"],
]);

/**
 * Reads a connectionless Push PDU. Headers but the two named here are passed over.
 *
 * @param {Uint8Array} octets
 * @returns {import("./bellwire.js").Push}
 * @throws {PushError}
 */
export function decodePush(octets) {
  const pdu = new OctetReader(octets);
  const transaction = pdu.octet("transaction id");
  const type = pdu.octet("PDU type");
  if (type !== PUSH && type !== CONFIRMED_PUSH) throw new PushError(`PDU type ${hex(type)} is no push`);
  const headers = pdu.section(pdu.uintvar("header length"), "headers");
  const { contentType, charset } = readContentType(headers);
  const { application, contentUri } = readHeaders(headers);
  return { transaction, contentType, charset, application, contentUri, body: pdu.rest() };
}

/** Content-type-value = Constrained-media | Content-general-form. */
function readContentType(headers) {
  if (headers.peek("content type") > 31) return { contentType: mediaType(readValue(headers)), charset: null };
  const general = headers.section(headers.valueLength("content type"), "content type");
  const contentType = mediaType(readValue(general));
  let charset = null;
  while (!general.atEnd) {
    const name = general.peek("parameter") < 0x80 ? general.text("parameter") : general.octet("parameter") & 0x7f;
    const value = name === PARAMETER_Q ? general.uintvar("q") : readValue(general);
    if (name === PARAMETER_CHARSET || name === "charset") charset = value;
  }
  return { contentType, charset };
}

function mediaType(value) {
  if (value instanceof Uint8Array) throw new PushError(`media type of ${value.length} octets is no number`);
  return typeof value === "string" ? value : MEDIA_TYPES.get(value) ?? hex(value);
}

function readHeaders(headers) {
  const found = { application: null, contentUri: null };
  let page = DEFAULT_PAGE;
  while (!headers.atEnd) {
    const first = headers.peek("header");
    if (first >= 0x80) {
      const code = headers.octet("header") & 0x7f;
      const value = readValue(headers);
      if (page === DEFAULT_PAGE) takeHeader(found, code, value);
    } else if (first >= 0x20 && first < 0x7f) {
      headers.text("header name");
      readValue(headers);
    } else {
      page = readPageShift(headers);
    }
  }
  return found;
}

function takeHeader(found, code, value) {
  if (code === HEADER_APPLICATION_ID && !(value instanceof Uint8Array)) found.application = value;
  if (code === HEADER_CONTENT_URI && typeof value === "string") found.contentUri = value;
}

/** Header-cache-shift: 0x7F and the page, or the page alone if it is below 0x20. */
function readPageShift(headers) {
  const first = headers.octet("code page");
  if (first === 0) throw new PushError("header name is empty");
  return first === 0x7f ? headers.octet("code page") : first;
}

/**
 * Any value; its first octet tells its shape. A number, a text, or the octets of what is neither.
 *
 * @param {OctetReader} reader
 */
function readValue(reader) {
  const first = reader.peek("value");
  if (first >= 0x80) return reader.octet("value") & 0x7f;
  if (first >= 0x20) return reader.text("value");
  const octets = reader.section(reader.valueLength("value"), "value").rest();
  // Six octets are what a Number holds without loss.
  const isInteger = first >= 1 && first <= 6;
  return isInteger ? octets.reduce((value, octet) => value * 256 + octet, 0) : octets;
}

/** Octets from the front to the end, and not one further. */
class OctetReader {
  #octets;
  #at = 0;

  constructor(octets) {
    this.#octets = octets;
  }

  get atEnd() {
    return this.#at >= this.#octets.length;
  }

  peek(what) {
    if (this.atEnd) throw new PushError(`${what} is missing: the octets end at ${this.#at}`);
    return this.#octets[this.#at];
  }

  octet(what) {
    const octet = this.peek(what);
    this.#at++;
    return octet;
  }

  uint16(what) {
    return this.octet(what) * 256 + this.octet(what);
  }

  /** The next octets by themselves. */
  section(length, what) {
    const rest = this.#octets.length - this.#at;
    if (length > rest) throw new PushError(`${what}: ${length} octets are said to follow, but ${rest} do`);
    this.#at += length;
    return new OctetReader(this.#octets.subarray(this.#at - length, this.#at));
  }

  rest() {
    const rest = this.#octets.subarray(this.#at);
    this.#at = this.#octets.length;
    return rest;
  }

  /** Uintvar-integer: 7 bits an octet, at most 32 in all (§8.1.2). */
  uintvar(what) {
    let value = 0;
    for (let count = 1; count <= 5; count++) {
      const octet = this.octet(what);
      value = value * 128 + (octet & 0x7f);
      if (octet < 0x80) {
        if (value > 0xffffffff) throw new PushError(`${what} is ${value}, more than 32 bits`);
        return value;
      }
    }
    throw new PushError(`${what} takes more than 5 octets`);
  }

  /** Value-length = Short-length | (Length-quote Uintvar-integer). */
  valueLength(what) {
    const first = this.octet(what);
    return first === 31 ? this.uintvar(what) : first;
  }

  /** Text to its NUL, without the quote that protects a first octet of 0x80 and more. */
  text(what) {
    const end = this.#octets.indexOf(0, this.#at);
    if (end < 0) throw new PushError(`${what} has no NUL at its end`);
    const start = this.#octets[this.#at] === 0x7f ? this.#at + 1 : this.#at;
    this.#at = end + 1;
    return new TextDecoder().decode(this.#octets.subarray(start, end));
  }
}

function hex(number) {
  return `0x${number.toString(16).padStart(2, "0")}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Short messages (TS 23.040 §9.2.3.24)
// ---------------------------------------------------------------------------------------------------------------------

const IE_CONCATENATION_8_BIT = 0x00;
const IE_PORTS_16_BIT = 0x05;
const IE_CONCATENATION_16_BIT = 0x08;

/** Joins short messages. Parts come in any order and more than once; what stays incomplete is dropped in time. */
export class Reassembler {
  #expiry;
  #limit;
  #now;
  /** Incomplete messages, the oldest first. */
  #partials = new Map();
  /** Parts of messages that are complete, so that a late copy does not begin another. References come round later. */
  #complete = new BoundedMap(64);

  /** @param {import("./bellwire.js").ReassemblerOptions} options */
  constructor({ expiry = 30 * 60_000, limit = 64, now = Date.now } = {}) {
    this.#expiry = expiry;
    this.#limit = limit;
    this.#now = now;
  }

  /** How many messages are incomplete. */
  get size() {
    return this.#partials.size;
  }

  /**
   * @param {import("./bellwire.js").Segment} segment
   * @returns {import("./bellwire.js").ShortMessage | null} the message that the segment completes
   * @throws {PushError} if the header does not fit into the user data
   */
  add({ from, userData }) {
    const { octets, ports, part } = readUserData(userData);
    if (!part) return { octets, ...ports, from };
    const key = JSON.stringify([from, part.width, part.reference, part.total]);
    if (this.#isLateCopy(key, part, octets)) return null;
    const partial = this.#partialFor(key, part, octets);
    if (part.sequence === 1 || !partial.ports) partial.ports = ports;
    if (partial.parts.size < part.total) return null;
    this.#finish(key, partial);
    return { octets: join(partial.parts, part.total), ...partial.ports, from };
  }

  #isLateCopy(key, { sequence }, octets) {
    const parts = this.#complete.get(key)?.parts;
    return parts !== undefined && isSame(parts.get(sequence), octets);
  }

  /** The message that the part belongs to, with the part in it. */
  #partialFor(key, { sequence }, octets) {
    this.#forgetExpired();
    const known = this.#partials.get(key);
    const held = known?.parts.get(sequence);
    if (known && (!held || isSame(held, octets))) {
      known.parts.set(sequence, octets);
      return known;
    }
    // Another text in the same place: the reference has come round, and what was there never got complete.
    this.#partials.delete(key);
    const begun = { since: this.#now(), ports: null, parts: new Map([[sequence, octets]]) };
    this.#partials.set(key, begun);
    if (this.#partials.size > this.#limit) this.#partials.delete(this.#partials.keys().next().value);
    return begun;
  }

  #forgetExpired() {
    const oldest = this.#now() - this.#expiry;
    for (const [key, { since }] of this.#partials) {
      if (since > oldest) return;
      this.#partials.delete(key);
    }
  }

  #finish(key, partial) {
    this.#partials.delete(key);
    this.#complete.set(key, partial);
  }
}

/** The user data header's elements, and what follows it. Elements of other kinds or lengths are passed over. */
function readUserData(userData) {
  const reader = new OctetReader(userData);
  const header = reader.section(reader.octet("header length"), "user data header");
  let ports = { destinationPort: null, sourcePort: null };
  let part = null;
  while (!header.atEnd) {
    const identifier = header.octet("element identifier");
    const length = header.octet("element length");
    const element = header.section(length, "element");
    // "The last one shall be used" if an element comes more than once.
    if (identifier === IE_PORTS_16_BIT && length === 4) ports = readPorts(element);
    if (identifier === IE_CONCATENATION_8_BIT && length === 3) part = readPart(element, 8) ?? part;
    if (identifier === IE_CONCATENATION_16_BIT && length === 4) part = readPart(element, 16) ?? part;
  }
  return { octets: reader.rest(), ports, part };
}

function readPorts(element) {
  return { destinationPort: element.uint16("port"), sourcePort: element.uint16("port") };
}

/** A total or number of zero, or a number beyond the total, has the whole element ignored. */
function readPart(element, width) {
  const reference = width === 8 ? element.octet("reference") : element.uint16("reference");
  const total = element.octet("total");
  const sequence = element.octet("number");
  return total === 0 || sequence === 0 || sequence > total ? null : { width, reference, total, sequence };
}

function isSame(a, b) {
  return a !== undefined && a.length === b.length && a.every((octet, index) => octet === b[index]);
}

function join(parts, total) {
  const octets = new Uint8Array([...parts.values()].reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (let sequence = 1; sequence <= total; sequence++) {
    octets.set(parts.get(sequence), at);
    at += parts.get(sequence).length;
  }
  return octets;
}

// ---------------------------------------------------------------------------------------------------------------------
// Modems
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A modem out of an event stream of short messages, `{"from":"12345","userData":"<hex>"}` each: a simulated handset, or
 * a gateway. Any object with the same `subscribe` is a modem too.
 */
export class EventStreamModem {
  #url;
  #EventSource;

  /** @param {string | URL} url @param {{ EventSource?: any }} options */
  constructor(url, { EventSource = globalThis.EventSource } = {}) {
    this.#url = String(url);
    this.#EventSource = EventSource;
  }

  /**
   * @param {(segment: import("./bellwire.js").Segment) => void} onSegment
   * @returns {() => void} ends the subscription
   */
  subscribe(onSegment) {
    const source = new this.#EventSource(this.#url);
    source.onmessage = ({ data }) => {
      const segment = readSegment(data);
      if (segment) onSegment(segment);
    };
    return () => source.close();
  }
}

function readSegment(json) {
  try {
    const { from, userData } = JSON.parse(json);
    return /^([0-9a-f]{2})*$/i.test(userData) ? { from: String(from), userData: fromHex(userData) } : null;
  } catch {
    return null;
  }
}

function fromHex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => parseInt(octet, 16));
}
