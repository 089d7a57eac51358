/** Types of Bellwire's user agent; what things do is said in bellwire.js. */

/** The application that pages know pushes by. */
export const PUSH_URN: "urn:oma:xml:push";

// Event sources

/** What brings events. */
export type Bearer = "relay" | "push";

/** What messages have beside HTML's own. */
export interface BearerMessageEvent extends MessageEvent<string> {
  readonly bearer: Bearer;
}

/** Events were lost; `data` is the detail as JSON. */
export interface GapEvent extends BearerMessageEvent {
  readonly detail: {
    /** How many, where that is known. */
    readonly lost: number | null;
    readonly reason: string;
  };
}

/** The proxy's answer to an activation. */
export interface Activation {
  readonly state: "active";
  readonly subscription: string;
  /** The stream's key: unique among the handset's, in base 36. */
  readonly stream: string;
  readonly application: string;
  readonly profile: "standard" | "compact" | "data";
  readonly port: number;
  /** Data profile: the port that this stream's messages come from, if the proxy tells. */
  readonly sourcePort?: number;
  readonly contentUri: string | null;
  readonly lastEventId: string;
  /** RFC 3339. */
  readonly expires: string | null;
}

/** Time, for those who bring their own. Milliseconds throughout. */
export interface Clock {
  now(): number;
  /** 0 to 1. */
  random(): number;
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface ConnectionlessEventSourceInit {
  /** The push proxy. */
  proxy: string | URL;
  /** Says whose handset this is. */
  token?: string;
  /** Without one, there is the stream and no push. */
  modem?: Modem;
  /** Whether cookies go to the proxy's origin. */
  withCredentials?: boolean;
  /** The application that pushes are addressed to; "urn:oma:xml:push" by default. */
  application?: string;
  /** Whether to tell the proxy what was read; true by default. */
  acks?: boolean;
  /** Data profile: the source port of stream 0, if activations do not tell ports. */
  dataSourcePort?: number;
  /** How long the stream may say nothing before it counts as broken; 45,000 ms by default, three heartbeats. */
  silence?: number;
  fetch?: typeof fetch;
  clock?: Partial<Clock>;
}

/** HTML's EventSource, as far as this module implements it. */
interface EventSourceLike extends EventTarget {
  readonly url: string;
  readonly withCredentials: boolean;
  readonly readyState: 0 | 1 | 2;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  onopen: ((event: Event) => unknown) | null;
  onmessage: ((event: BearerMessageEvent) => unknown) | null;
  onerror: ((event: Event & { readonly error?: unknown }) => unknown) | null;
  close(): void;
}

type ListenerOptions = AddEventListenerOptions | boolean;
type SourceEventType = "open" | "error" | "bearerchange";

export class ConnectionlessEventSource extends EventTarget implements EventSourceLike {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSED: 2;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  constructor(url: string | URL, options: ConnectionlessEventSourceInit);
  readonly url: string;
  readonly withCredentials: boolean;
  readonly readyState: 0 | 1 | 2;
  readonly lastEventId: string;
  readonly origin: string;
  readonly bearer: Bearer | null;
  readonly activation: Activation | null;
  onopen: ((event: Event) => unknown) | null;
  onmessage: ((event: BearerMessageEvent) => unknown) | null;
  onerror: ((event: Event & { readonly error?: unknown }) => unknown) | null;
  /** Rejects with ProxyError, PushError, or what fetch rejects with. */
  arm(options?: { mode?: "now" }): Promise<Activation>;
  /** As `arm`. */
  sleep(options?: { mode?: "now" }): Promise<Activation>;
  wake(): void;
  deactivate(): Promise<void>;
  close(): void;
  addEventListener(type: "gap", listener: (event: GapEvent) => unknown, options?: ListenerOptions): void;
  addEventListener(type: SourceEventType, listener: (event: Event) => unknown, options?: ListenerOptions): void;
  addEventListener(type: string, listener: (event: BearerMessageEvent) => unknown, options?: ListenerOptions): void;
}

export interface InstallOptions {
  modem: Modem;
  /** The application that `urn:oma:xml:push` stands for; itself by default. */
  application?: string;
  /** The profile of pushes that no ConnectionlessEventSource has activated; "standard" by default. */
  profile?: "standard" | "compact" | "data";
  /** The port of such pushes; 2948 by default. */
  port?: number;
  /** Whether to confirm probes that pages caused by actions of their own; needs a proxy; false by default. */
  confirm?: boolean;
  proxy?: string | URL;
  token?: string;
  withCredentials?: boolean;
  fetch?: typeof fetch;
  clock?: Partial<Clock>;
}

/** Gives back what undoes it. */
export function install(options: InstallOptions, scope?: object): () => void;

/** The proxy refused. */
export class ProxyError extends Error {
  constructor(message: string, facts: { status: number; field?: string });
  readonly status: number;
  /** The query parameter that was wrong. */
  readonly field?: string;
  readonly temporary: boolean;
}

// Modems

/** A short message with its user data header. */
export interface Segment {
  from: string;
  userData: Uint8Array;
}

export interface Modem {
  subscribe(onSegment: (segment: Segment) => void): () => void;
}

export class EventStreamModem implements Modem {
  constructor(url: string | URL, options?: { EventSource?: typeof EventSource });
  subscribe(onSegment: (segment: Segment) => void): () => void;
}

// Event streams

export interface ParsedEvent<Id = string> {
  type: string;
  data: string;
  lastEventId: Id;
}

export interface EventStreamHandlers<Id = string> {
  lastEventId?: Id;
  onevent?(event: ParsedEvent<Id | string>): void;
  /** A block without data has set the last event ID. */
  onid?(id: string): void;
  onretry?(milliseconds: number): void;
  ongap?(lost: number): void;
}

export class EventStreamParser<Id = string> {
  constructor(handlers: EventStreamHandlers<Id>);
  readonly lastEventId: Id | string;
  push(chunk: string | Uint8Array): void;
}

// Pushes and short messages

export class PushError extends Error {}

export interface Push {
  transaction: number;
  contentType: string;
  /** IANA's MIBenum, or a name; null if it is not given. */
  charset: number | string | Uint8Array | null;
  /** OMNA's number, or a name. */
  application: number | string | null;
  contentUri: string | null;
  body: Uint8Array;
}

export function decodePush(octets: Uint8Array): Push;

export interface ShortMessage {
  octets: Uint8Array;
  destinationPort: number | null;
  sourcePort: number | null;
  from: string;
}

export interface ReassemblerOptions {
  /** How long a message may stay incomplete: 30 minutes by default. */
  expiry?: number;
  /** How many may: 64 by default. */
  limit?: number;
  now?(): number;
}

export class Reassembler {
  constructor(options?: ReassemblerOptions);
  readonly size: number;
  add(segment: Segment): ShortMessage | null;
}
