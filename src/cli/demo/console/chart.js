/**
 * A sequence chart that grows: a row for each step, the newest at the bottom, the oldest forgotten.
 *
 * Lanes are at 10, 30, 50, 70 and 90 per cent of the width, so that the chart needs no measuring.
 */

export const CLIENT = 0;
export const AGENT = 1;
export const PROXY = 2;
export const SERVER = 3;
export const SMSC = 4;

const LANES = 5;
const LIMIT = 60;
const MIDDLE = 25;
const SVG = "http://www.w3.org/2000/svg";

const at = (lane) => `${10 + 20 * lane}%`;

export class Chart {
  #list;
  #scroller;

  constructor(list, scroller) {
    this.#list = list;
    this.#scroller = scroller;
  }

  /**
   * One more step: arrows along `path`, a list of lanes.
   *
   * @param {number[]} path
   * @param {string} label
   * @param {{ tone?: string, concluded?: number, lost?: boolean }} how
   *   `concluded`: how many of the arrows were not seen, from the first on; `lost`: it does not arrive
   */
  add(path, label, { tone = "control", concluded = 0, lost = false } = {}) {
    const follows = this.#isAtEnd();
    const step = new Step(path, label, { tone, concluded, lost });
    this.#list.append(step.element);
    while (this.#list.children.length > LIMIT) this.#list.firstElementChild.remove();
    if (follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    return step;
  }

  /** Whoever looks at older steps is left in peace. */
  #isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < 60;
  }
}

class Step {
  element = document.createElement("li");
  #svg = make("svg", { role: "img" });
  #text;
  #end;

  constructor(path, label, { tone, concluded, lost }) {
    this.#end = path.at(-1);
    this.#svg.dataset.tone = tone;
    for (let lane = 0; lane < LANES; lane++) {
      this.#svg.append(make("line", { class: "lifeline", x1: at(lane), x2: at(lane), y1: 0, y2: "100%" }));
    }
    for (let leg = 1; leg < path.length; leg++) {
      this.#arrow(path[leg - 1], path[leg], { concluded: leg <= concluded, lost: lost && leg === path.length - 1 });
    }
    const middle = (path[0] + path.at(-1)) / 2;
    this.#text = make("text", { x: at(middle), y: MIDDLE - 8 });
    this.#svg.append(this.#text);
    this.label(label);
    const time = document.createElement("time");
    time.textContent = new Date().toLocaleTimeString("en-GB");
    this.element.append(time, this.#svg);
  }

  label(text) {
    this.#text.textContent = text;
    this.#svg.setAttribute("aria-label", text);
  }

  /** It goes on to one more lane. */
  extend(lane) {
    this.#arrow(this.#end, lane, { concluded: false, lost: false });
    this.#end = lane;
    // Above what was drawn now.
    this.#svg.append(this.#text);
  }

  #arrow(from, to, { concluded, lost }) {
    const end = lost ? (from + to) / 2 : to;
    const direction = Math.sign(to - from);
    const line = make("line", {
      class: concluded ? "arrow concluded" : "arrow", x1: at(from), x2: at(end), y1: MIDDLE, y2: MIDDLE,
    });
    // A shape of its own sits at a percentage by way of a nested <svg>.
    const place = make("svg", { x: at(end), y: MIDDLE, overflow: "visible" });
    place.append(lost
      ? make("path", { class: "cross", d: "M-5-5 5 5M-5 5 5-5" })
      : make("path", { class: "head", d: direction > 0 ? "M0 0-8-4V4Z" : "M0 0 8-4V4Z" }));
    this.#svg.append(line, place);
  }
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
