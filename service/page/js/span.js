/** The stretch of time that a chart shows, and its marks. */

import { clock } from "./format.js";

const DISTANCES = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
const APART = 64; // least pixels between two marks
const WIDER = 80; // the same for longer texts

/**
 * @typedef {object} Span
 * @property {number} from seconds of media at the left edge
 * @property {number} length seconds from there to the right edge
 * @property {(width: number) => {time: number, text: string}[]} marks round times for an axis so many pixels wide
 */

/**
 * A recording from beginning to end.
 * @param {number} duration in seconds
 * @returns {Span}
 */
export function recordingSpan(duration) {
  return {
    from: 0,
    length: duration,
    marks: (width) => {
      const step = distance(duration, width, APART);
      return count(duration, step).map((i) => ({ time: i * step, text: clock(i * step, step < 1 ? 1 : 0) }));
    },
  };
}

/**
 * The time before now.
 * @param {number} now in seconds of media
 * @param {number} length in seconds
 * @returns {Span}
 */
export function recentSpan(now, length) {
  const text = (ago) => (ago === 0 ? "now" : `\u2212${ago}\u202fs`);
  return {
    from: now - length,
    length,
    marks: (width) => {
      const step = distance(length, width, WIDER);
      return count(length, step).map((i) => ({ time: now - i * step, text: text(i * step) }));
    },
  };
}

function distance(length, width, apart) {
  const least = (apart * length) / Math.max(width, 1);
  return DISTANCES.find((candidate) => candidate >= least) ?? least;
}

function count(length, step) {
  return Array.from({ length: Math.floor(length / step + 1e-6) + 1 }, (_, i) => i);
}
