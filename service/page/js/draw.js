/** Drawing on canvas. The whole width of a canvas is the whole duration. */

import { clock } from "./format.js";

/**
 * Make a canvas as fine as the screen and empty it.
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number}} sizes in CSS pixels
 */
export function surface(canvas) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/**
 * Times at which the axis has marks: round, and at least 64 pixels apart.
 * @param {number} duration in seconds
 * @param {number} width in CSS pixels
 * @returns {number[]}
 */
export function ticks(duration, width) {
  const least = (64 * duration) / Math.max(width, 1);
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  const step = steps.find((candidate) => candidate >= least) ?? least;
  return Array.from({ length: Math.floor(duration / step + 1e-6) + 1 }, (_, i) => i * step);
}

/**
 * Stretches of time as bars.
 * @param {HTMLCanvasElement} canvas
 * @param {[number, number][]} stretches start and end in seconds
 * @param {number} duration in seconds
 * @param {{line: string, grid: string}} colours
 */
export function drawStretches(canvas, stretches, duration, colours) {
  const { context, width, height } = surface(canvas);
  context.fillStyle = colours.grid;
  context.fillRect(0, height / 2 - 0.5, width, 1);
  context.fillStyle = colours.line;
  for (const [start, end] of stretches) {
    const from = (start / duration) * width;
    context.fillRect(from, height / 2 - 5, Math.max(1, (end / duration) * width - from), 10);
  }
}

/**
 * The lag of the sound that each step leaned on most: the newest at the bottom, a second ago at the top; the fainter the
 * less it leaned on it.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./track.js").Track} track
 * @param {number} duration in seconds
 * @param {{line: string, grid: string}} colours
 */
export function drawAlignment(canvas, track, duration, colours) {
  const { context, width, height } = surface(canvas);
  context.fillStyle = colours.grid;
  context.fillRect(0, height - 1, width, 1);
  context.fillStyle = colours.line;
  const mark = Math.max(1.5, (track.interval / duration) * width);
  track.alignment.forEach((moment, i) => {
    if (!moment) return;
    context.globalAlpha = 0.2 + 0.8 * Math.sqrt(moment.weight);
    const y = (1 - Math.min(moment.lag, 1)) * (height - 4);
    context.fillRect((track.times[i] / duration) * width, y, mark, 3);
  });
  context.globalAlpha = 1;
}

/**
 * The time axis.
 * @param {HTMLCanvasElement} canvas
 * @param {number} duration in seconds
 * @param {{text: string, font: string}} style
 */
export function drawAxis(canvas, duration, style) {
  const { context, width } = surface(canvas);
  context.fillStyle = style.text;
  context.font = style.font;
  context.textBaseline = "top";
  const marks = ticks(duration, width);
  const digits = marks.length > 1 && marks[1] < 1 ? 1 : 0;
  for (const time of marks) {
    const text = clock(time, digits);
    const half = context.measureText(text).width / 2;
    const centre = (time / duration) * width;
    context.fillText(text, Math.min(Math.max(centre - half, 0), width - 2 * half), 4);
  }
}
