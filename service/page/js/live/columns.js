/** Numbers in a row that grows: a session's steps are kept as these, some two hundred bytes each. */
export class Column {
  #numbers = new Float64Array(1024);
  #length = 0;

  get length() {
    return this.#length;
  }

  /** @param {number} number */
  push(number) {
    if (this.#length === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = number;
  }

  /** @param {number} index */
  at(index) {
    return this.#numbers[index];
  }

  /** Keep the first so many. @param {number} length */
  truncate(length) {
    this.#length = Math.min(this.#length, length);
  }

  /**
   * The numbers from an index on. Not a copy, and stale once more are added.
   * @param {number} [from]
   * @returns {Float64Array}
   */
  from(from = 0) {
    return this.#numbers.subarray(from, this.#length);
  }
}
