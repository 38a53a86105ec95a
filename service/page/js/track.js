/** One person's timeline in columns, so that charts and overlays can look a moment up quickly. */

import { LABELS } from "./format.js";

/** A step holds until the next one, and no longer than this many usual steps. */
const HOLD = 1.9;

/** The timeline, attention and alignment of one person of a result. */
export class Track {
  /** @param {object} person an element of `people` in a result */
  constructor(person) {
    const { timeline, attention, alignment } = person;
    this.id = person.id;
    this.summary = person.summary;
    this.length = timeline.length;
    this.times = Float64Array.from(timeline, (step) => step.time);
    this.probabilities = LABELS.map((label) => Float32Array.from(timeline, (step) => step.probabilities[label]));
    this.attention = LABELS.map((label) => Float32Array.from(attention[label]));
    this.alignment = alignment;
    this.steps = timeline;
    this.interval = usualInterval(this.times);
  }

  /**
   * The newest step at or before a time.
   * @param {number} time in seconds
   * @returns {number} its index; -1 where this person has no step then
   */
  indexAt(time) {
    const next = firstAfter(this.times, time + 1e-6);
    if (next === 0 || time - this.times[next - 1] > HOLD * this.interval) return -1;
    return next - 1;
  }

  /**
   * Whether a step does not follow the one before it at the usual distance.
   * @param {number} index from 1
   */
  gapBefore(index) {
    return this.times[index] - this.times[index - 1] > HOLD * this.interval;
  }
}

/**
 * Binary search in rising times.
 * @param {Float64Array} times
 * @param {number} time
 * @returns {number} index of the first that is later; the length where none is
 */
export function firstAfter(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

function usualInterval(times) {
  let smallest = Infinity;
  for (let i = 1; i < times.length; i++) smallest = Math.min(smallest, times[i] - times[i - 1]);
  return Number.isFinite(smallest) ? smallest : 0.04;
}
