/** What arrived and what did not, by the ids of the ticker, which are numbers without holes. */
export class Ledger {
  byStream = 0;
  byPush = 0;
  doubled = 0;
  segments = 0;
  #last = null;
  #missing = new Set();
  /** What was missing of streams that are no longer followed. */
  #given = 0;

  /** Events that were passed over and have not come since. */
  get lost() {
    return this.#given + this.#missing.size;
  }

  /** Another stream: it begins where it likes. */
  begin() {
    this.#given = this.lost;
    this.#missing.clear();
    this.#last = null;
  }

  count(id, bearer) {
    if (bearer === "relay") this.byStream++;
    else this.byPush++;
    const number = Number(id);
    if (this.#last === null || number > this.#last) {
      for (let passed = (this.#last ?? number) + 1; passed < number; passed++) this.#missing.add(passed);
      this.#last = number;
    } else if (!this.#missing.delete(number)) {
      this.doubled++;
    }
  }
}
