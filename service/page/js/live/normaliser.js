/** The running normaliser of soft attention over time: weight = exp(score - m) / l, whatever came so far. */
export class Normaliser {
  /** The largest score. */
  m = -Infinity;
  /** The sum of exp(score - m). */
  l = 0;

  /** @param {number} score of one more step with evidence */
  add(score) {
    if (score > this.m) {
      this.l = this.l * Math.exp(this.m - score) + 1;
      this.m = score;
    } else this.l += Math.exp(score - this.m);
  }
}

/**
 * @param {number} score
 * @param {{m: number, l: number}} normaliser
 * @returns {number} the weight of a step among all that the normaliser has seen
 */
export function weight(score, { m, l }) {
  return Math.exp(score - m) / l;
}
