/** One person's timeline in columns, so that charts and overlays can look a moment up quickly. */

import { LABELS } from "./format.js";

/** A step holds until the next one, and no longer than this many usual steps. */
const HOLD = 1.9;

/**
 * @typedef {object} Columns
 * @property {number} length how many steps
 * @property {number} interval usual seconds from one step to the next
 * @property {ArrayLike<number>} times seconds of media, rising
 * @property {ArrayLike<number>[]} probabilities for each emotion
 * @property {ArrayLike<number>[]} attention for each emotion
 * @property {number[]} [strongest] for each emotion, the attention that a chart shows as solid; unset: the strongest shown
 * @property {ArrayLike<number>} lags of the sound that the step leaned on most, in seconds; NaN where there is none
 * @property {ArrayLike<number>} leans how much it leaned on it, from 0 to 1
 * @property {ArrayLike<number>} faces 1 where the face is on show
 * @property {ArrayLike<number>} heard 1 where there is speech that counts for this person
 */

/**
 * The timeline, attention and alignment of one person of a result.
 * @implements {Columns}
 */
export class Track {
  /** @param {object} person an element of `people` in a result, with at least one step */
  constructor(person) {
    const { timeline, attention, alignment } = person;
    this.id = person.id;
    this.summary = person.summary;
    this.length = timeline.length;
    this.times = Float64Array.from(timeline, (step) => step.time);
    this.probabilities = LABELS.map((label) => Float32Array.from(timeline, (step) => step.probabilities[label]));
    this.attention = LABELS.map((label) => Float32Array.from(attention[label]));
    this.lags = Float32Array.from(alignment, (moment) => moment?.lag ?? NaN);
    this.leans = Float32Array.from(alignment, (moment) => moment?.weight ?? NaN);
    this.faces = Uint8Array.from(timeline, ({ box }) => (box ? 1 : 0));
    this.heard = Uint8Array.from(timeline, ({ speech, speaking }) => (speech && speaking !== false ? 1 : 0));
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
}

/**
 * Whether a step does not follow the one before it at the usual distance.
 * @param {Columns} track
 * @param {number} index from 1
 */
export function gapBefore(track, index) {
  return track.times[index] - track.times[index - 1] > HOLD * track.interval;
}

/**
 * The stretches of time that marked steps make.
 * @param {Columns} track
 * @param {ArrayLike<number>} flags one for each step
 * @param {number} begin seconds from a step's time to where its stretch begins; it is one interval long
 * @returns {[number, number][]} start and end in seconds
 */
export function stretches(track, flags, begin) {
  const found = [];
  for (let i = 0; i < track.length; i++) {
    if (!flags[i]) continue;
    const start = track.times[i] + begin;
    const last = found[found.length - 1];
    if (last && start - last[1] < track.interval / 2) last[1] = start + track.interval;
    else found.push([start, start + track.interval]);
  }
  return found;
}

/**
 * Binary search in rising times.
 * @param {ArrayLike<number>} times
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
