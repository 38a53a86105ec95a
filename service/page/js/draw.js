/** Drawing on canvas. The whole width of a canvas is one stretch of time. */

/**
 * Make a canvas as fine as the screen and empty it.
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number}} sizes in CSS pixels
 */
export function surface(canvas) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const ratio = window.devicePixelRatio || 1;
  const fine = { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)) };
  // A new size lays the page out anew, which is too dear for several times a second.
  for (const side of ["width", "height"]) if (canvas[side] !== fine[side]) canvas[side] = fine[side];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/**
 * @param {import("./span.js").Span} span
 * @param {number} width in CSS pixels
 * @returns {(time: number) => number} where a time lies, in CSS pixels from the left
 */
export function scale(span, width) {
  return (time) => ((time - span.from) / span.length) * width;
}

/**
 * Stretches of time as bars, faint where there is something and solid where it counts.
 * @param {HTMLCanvasElement} canvas
 * @param {{some: [number, number][], solid: [number, number][]}} stretches start and end in seconds
 * @param {import("./span.js").Span} span
 * @param {{line: string, grid: string}} colours
 */
export function drawStretches(canvas, { some, solid }, span, colours) {
  const { context, width, height } = surface(canvas);
  const x = scale(span, width);
  context.fillStyle = colours.grid;
  context.fillRect(0, height / 2 - 0.5, width, 1);
  context.fillStyle = colours.line;
  const bars = (stretches) => {
    for (const [start, end] of stretches) {
      context.fillRect(x(start), height / 2 - 5, Math.max(1, x(end) - x(start)), 10);
    }
  };
  context.globalAlpha = 0.3;
  bars(some);
  context.globalAlpha = 1;
  bars(solid);
}

/**
 * The lag of the sound that each step leaned on most: the newest at the bottom, a second ago at the top; the fainter the
 * less it leaned on it.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./track.js").Columns} track
 * @param {import("./span.js").Span} span
 * @param {{line: string, grid: string}} colours
 */
export function drawAlignment(canvas, track, span, colours) {
  const { context, width, height } = surface(canvas);
  const x = scale(span, width);
  context.fillStyle = colours.grid;
  context.fillRect(0, height - 1, width, 1);
  context.fillStyle = colours.line;
  const mark = Math.max(1.5, (track.interval / span.length) * width);
  for (let i = 0; i < track.length; i++) {
    if (Number.isNaN(track.lags[i])) continue;
    context.globalAlpha = 0.2 + 0.8 * Math.sqrt(track.leans[i]);
    const y = (1 - Math.min(track.lags[i], 1)) * (height - 4);
    context.fillRect(x(track.times[i]), y, mark, 3);
  }
  context.globalAlpha = 1;
}

/**
 * The time axis.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./span.js").Span} span
 * @param {{text: string, font: string}} style
 */
export function drawAxis(canvas, span, style) {
  const { context, width } = surface(canvas);
  const x = scale(span, width);
  context.fillStyle = style.text;
  context.font = style.font;
  context.textBaseline = "top";
  for (const { time, text } of span.marks(width)) {
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(Math.max(x(time) - half, 0), width - 2 * half), 4);
  }
}
