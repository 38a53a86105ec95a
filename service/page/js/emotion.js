/** One emotion over time: its probability as a line, its attention as a heat strip. */

import { scale, surface } from "./draw.js";
import { gapBefore } from "./track.js";

/** Height in CSS pixels of the attention strip under a probability line, and of the space above it. */
const STRIP = 8;
const SPACE = 4;
/** Depths of colour in a strip: as many as the eye tells apart, so that neighbours of one depth are drawn at once. */
const SHADES = 48;

/**
 * An emotion's probability as a line from 0 to 1, and under it its attention as a heat strip.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./track.js").Columns} track
 * @param {number} label index of the emotion
 * @param {import("./span.js").Span} span
 * @param {{line: string, grid: string}} colours
 */
export function drawEmotion(canvas, track, label, span, colours) {
  const { context, width, height } = surface(canvas);
  const bottom = height - STRIP - SPACE;
  const x = scale(span, width);
  const y = (probability) => 1.5 + (1 - probability) * (bottom - 2.5);

  context.fillStyle = colours.grid;
  for (const { time } of span.marks(width)) context.fillRect(Math.round(x(time)), 0, 1, bottom);
  context.fillRect(0, Math.round(y(0.5)), width, 1);
  context.fillRect(0, bottom, width, 1);

  context.strokeStyle = context.fillStyle = colours.line;
  context.lineWidth = 1.75;
  context.lineJoin = "round";
  for (const run of outline(track, track.probabilities[label], x, y)) {
    context.globalAlpha = 0.16;
    context.beginPath();
    run.forEach(([px, py]) => context.lineTo(px, py));
    context.lineTo(run[run.length - 1][0], bottom);
    context.lineTo(run[0][0], bottom);
    context.fill();
    context.globalAlpha = 1;
    context.beginPath();
    run.forEach(([px, py]) => context.lineTo(px, py));
    context.stroke();
  }
  const strip = { top: height - STRIP, height: STRIP, width };
  heat(context, track, track.attention[label], x, strip, track.strongest?.[label]);
}

/**
 * A strip of its own for everything that a person's moments weighed.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./track.js").Columns} track
 * @param {import("./span.js").Span} span
 * @param {string} colour
 */
export function drawWeight(canvas, track, span, colour) {
  const { context, width, height } = surface(canvas);
  const mean = (columns, i) => columns.reduce((sum, column) => sum + column[i], 0) / columns.length;
  const weights = track.times.map((_, i) => mean(track.attention, i));
  const strongest = track.strongest.reduce((sum, value) => sum + value, 0) / track.strongest.length;
  context.fillStyle = colour;
  heat(context, track, weights, scale(span, width), { top: 0, height, width }, strongest);
}

/** The line's points in runs without gaps; of many points in one pixel column, the lowest and the highest. */
function outline(track, values, x, y) {
  const runs = [];
  let column = null;
  const flush = () => {
    if (!column) return;
    const run = runs[runs.length - 1];
    run.push([column.x, y(column.low)]);
    if (column.high > column.low) run.push([column.x, y(column.high)]);
    column = null;
  };
  for (let i = 0; i < track.length; i++) {
    const value = values[i];
    const px = Math.round(2 * x(track.times[i])) / 2;
    if (i === 0 || gapBefore(track, i)) {
      flush();
      runs.push([]);
    }
    if (column && column.x === px) {
      column.low = Math.min(column.low, value);
      column.high = Math.max(column.high, value);
    } else {
      flush();
      column = { x: px, low: value, high: value };
    }
  }
  flush();
  for (const run of runs) if (run.length === 1) run.push([run[0][0] + 1, run[0][1]]);
  return runs;
}

/**
 * Weights as density over time. What is solid: the `strongest` step of all where it is known; else the strongest column,
 * unless it is not even three times as strong as the average.
 */
function heat(context, track, weights, x, { top, height, width }, strongest) {
  const columns = new Float64Array(Math.ceil(width));
  for (let i = 0; i < track.length; i++) {
    const from = x(track.times[i]);
    const to = Math.max(from + 1e-6, x(track.times[i] + track.interval));
    const first = Math.max(0, Math.floor(from));
    const last = Math.min(columns.length, Math.ceil(to));
    for (let c = first; c < last; c++) {
      const share = (Math.min(to, c + 1) - Math.max(from, c)) / (to - from);
      columns[c] += weights[i] * share;
    }
  }
  const most = strongest === undefined ? solid(columns) : strongest / (x(track.interval) - x(0));
  context.globalAlpha = 0.08;
  context.fillRect(0, top, width, height);
  const shade = (c) => Math.round(SHADES * Math.min(columns[c] / most, 1));
  for (let c = 0, end; c < columns.length; c = end) {
    for (end = c + 1; end < columns.length && shade(end) === shade(c); end++);
    if (!shade(c)) continue;
    context.globalAlpha = shade(c) / SHADES;
    context.fillRect(c, top, end - c, height);
  }
  context.globalAlpha = 1;
}

function solid(columns) {
  const weighing = columns.filter((weight) => weight > 0);
  const average = weighing.reduce((a, b) => a + b, 0) / weighing.length;
  return weighing.reduce((a, b) => Math.max(a, b), 3 * average);
}
