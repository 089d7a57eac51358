/**
 * The handset's radio: the way to the proxy, which can be lost, and the modem, which can be out of reach. Both tell what
 * they see to whoever draws it.
 */

/** A `fetch` that fails as one without a connection does, also for what is under way. */
export class DataBearer {
  #watch;
  #open = new Set();
  #up = true;

  /** @param {{ onrequest, onresponse, onclose, onbreak, onrefused }} watch */
  constructor(watch) {
    this.#watch = watch;
  }

  get isUp() {
    return this.#up;
  }

  /** Every connection breaks, without a word to the other end but what its system says. */
  drop() {
    this.#up = false;
    for (const { control, what } of [...this.#open]) {
      control.abort(new TypeError("the connection was lost"));
      this.#watch.onbreak(what);
    }
    this.#open.clear();
  }

  restore() {
    this.#up = true;
  }

  fetch = async (url, init = {}) => {
    const query = new URL(url).searchParams;
    const what = query.get("action") ?? "stream";
    if (!this.#up) {
      this.#watch.onrefused(what);
      throw new TypeError("there is no connection");
    }
    const exchange = { control: new AbortController(), what };
    this.#open.add(exchange);
    const end = () => this.#open.delete(exchange);
    init.signal?.addEventListener("abort", () => {
      // What is lost already is not closed by anybody.
      if (end()) this.#watch.onclose(what);
      exchange.control.abort(init.signal.reason);
    });
    this.#watch.onrequest(what, query, init);
    try {
      const response = await fetch(url, { ...init, signal: exchange.control.signal });
      this.#watch.onresponse(what, response);
      // A stream can be lost as long as it lasts.
      if (what !== "stream" || !response.ok) end();
      return response;
    } catch (error) {
      end();
      throw error;
    }
  };
}

/** A modem in front of another: it can be switched off, and shows segments before they are read. */
export class SwitchedModem {
  #modem;
  #onsegment;
  #listener = null;
  #stop = null;
  #on = true;

  constructor(modem, onsegment) {
    this.#modem = modem;
    this.#onsegment = onsegment;
  }

  subscribe(listener) {
    this.#listener = listener;
    this.#update();
    return () => {
      this.#listener = null;
      this.#update();
    };
  }

  /** Off, messages wait where they are until it is on again. */
  set isOn(on) {
    this.#on = on;
    this.#update();
  }

  #update() {
    const wanted = this.#on && this.#listener !== null;
    if (wanted && !this.#stop) {
      this.#stop = this.#modem.subscribe((segment) => {
        this.#onsegment(segment);
        this.#listener?.(segment);
      });
    } else if (!wanted) {
      this.#stop?.();
      this.#stop = null;
    }
  }
}
