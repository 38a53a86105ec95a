/** Drawing on canvas. Each function fills one canvas whose whole width is the whole duration. */

/** Height in CSS pixels of the attention strip under a probability line, and of the space above it. */
const STRIP = 8;
const SPACE = 4;

/**
 * Make a canvas as fine as the screen and empty it.
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number}} sizes in CSS pixels
 */
function surface(canvas) {
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
 * An emotion's probability as a line from 0 to 1, and under it its attention as a heat strip.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./track.js").Track} track
 * @param {number} label index of the emotion
 * @param {number} duration in seconds
 * @param {{line: string, grid: string}} colours
 */
export function drawEmotion(canvas, track, label, duration, colours) {
  const { context, width, height } = surface(canvas);
  const bottom = height - STRIP - SPACE;
  const x = (time) => (time / duration) * width;
  const y = (probability) => 1.5 + (1 - probability) * (bottom - 2.5);

  context.fillStyle = colours.grid;
  for (const time of ticks(duration, width)) context.fillRect(Math.round(x(time)), 0, 1, bottom);
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
  drawHeat(context, track, track.attention[label], x, width, height - STRIP);
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
    if (i === 0 || track.gapBefore(i)) {
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

/** Weights as density over time: the strongest column is solid. */
function drawHeat(context, track, weights, x, width, top) {
  const columns = new Float64Array(Math.ceil(width));
  for (let i = 0; i < track.length; i++) {
    const from = x(track.times[i]);
    const to = Math.max(from + 1e-6, x(track.times[i] + track.interval));
    const first = Math.floor(from);
    const last = Math.min(columns.length, Math.ceil(to));
    for (let c = first; c < last; c++) {
      const share = (Math.min(to, c + 1) - Math.max(from, c)) / (to - from);
      columns[c] += weights[i] * share;
    }
  }
  const most = columns.reduce((a, b) => Math.max(a, b), 0);
  context.globalAlpha = 0.08;
  context.fillRect(0, top, width, STRIP);
  if (most > 0) {
    columns.forEach((weight, c) => {
      context.globalAlpha = weight / most;
      context.fillRect(c, top, 1, STRIP);
    });
  }
  context.globalAlpha = 1;
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
 * @param {(time: number) => string} format
 */
export function drawAxis(canvas, duration, style, format) {
  const { context, width } = surface(canvas);
  context.fillStyle = style.text;
  context.font = style.font;
  context.textBaseline = "top";
  for (const time of ticks(duration, width)) {
    const text = format(time);
    const half = context.measureText(text).width / 2;
    const centre = (time / duration) * width;
    context.fillText(text, Math.min(Math.max(centre - half, 0), width - 2 * half), 4);
  }
}
