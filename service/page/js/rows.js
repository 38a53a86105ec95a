/** Rows of a chart: a name, a drawing and a value for each emotion, for voice, face and sound lag, and the time axis. */

import { element, oncePerFrame } from "./dom.js";
import { drawAlignment, drawAxis, drawStretches } from "./draw.js";
import { drawEmotion } from "./emotion.js";
import { clock, LABELS, percent } from "./format.js";
import { stretches } from "./track.js";

/** Draws again by itself as its size or the screen's colours change. */
export class Rows {
  #grid = element("div", { class: "charts" });
  #canvases = new Map();
  #values = new Map();
  #redraw;
  #observer;
  #scheme = matchMedia("(prefers-color-scheme: dark)");

  /** @param {() => void} onStale told when it is to be drawn again */
  constructor(onStale) {
    for (const label of LABELS) this.add(label, label, "emotion");
    this.add("voice", "Voice", "band");
    this.add("face", "Face", "band");
    this.add("alignment", "Sound lag", "lag");
    this.add("axis", "", "axis");
    this.#redraw = oncePerFrame(() => this.#grid.isConnected && onStale());
    this.#observer = new ResizeObserver(this.#redraw);
    this.#observer.observe(this.#grid);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  /** The element that holds the rows. */
  get element() {
    return this.#grid;
  }

  /** Draw again soon. */
  redraw() {
    this.#redraw();
  }

  /**
   * Put in one more row.
   * @param {string} key
   * @param {string} name
   * @param {"emotion"|"band"|"lag"|"axis"} kind
   * @param {Element|null} [before] null for the end
   * @returns {HTMLElement[]} what it consists of
   */
  add(key, name, kind, before = null) {
    const canvas = element("canvas", { class: `chart chart-${kind}`, "aria-hidden": "true" });
    const label = element("span", { class: "chart-label", "data-key": key }, name);
    const value = element("span", { class: "chart-value", "data-value": key });
    this.#canvases.set(key, canvas);
    this.#values.set(key, { label, value });
    for (const part of [label, canvas, value]) this.#grid.insertBefore(part, before);
    return [label, canvas, value];
  }

  /** Take a row away. @param {string} key */
  remove(key) {
    const { label, value } = this.#values.get(key);
    for (const part of [label, this.canvas(key), value]) part.remove();
    this.#canvases.delete(key);
    this.#values.delete(key);
  }

  /** @param {string} key */
  canvas(key) {
    return this.#canvases.get(key);
  }

  /**
   * Write the value of a row.
   * @param {string} key
   * @param {string} text
   */
  write(key, text) {
    this.#values.get(key).value.textContent = text;
  }

  /**
   * Write the values of one moment.
   * @param {import("./track.js").Columns|null} track
   * @param {number} index of the step; -1 where there is none
   * @param {boolean} speech whether there is speech, whoever speaks
   */
  show(track, index, speech) {
    const probabilities = index < 0 ? null : LABELS.map((_, i) => track.probabilities[i][index]);
    const top = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    LABELS.forEach((name, i) => {
      const { label, value } = this.#values.get(name);
      value.textContent = probabilities ? percent(probabilities[i]) : "–";
      label.classList.toggle("leading", i === top);
      value.classList.toggle("leading", i === top);
    });
    const lag = index < 0 ? NaN : track.lags[index];
    this.write("voice", speech ? "yes" : "–");
    this.write("face", index >= 0 && track.faces[index] ? "yes" : "–");
    this.write("alignment", Number.isNaN(lag) ? "–" : clock(lag));
  }

  /**
   * @param {import("./track.js").Columns} track
   * @param {import("./span.js").Span} span
   * @param {{start: number, end: number}[]} segments of speech, whoever speaks, in seconds
   */
  draw(track, span, segments) {
    const style = getComputedStyle(this.#grid);
    const colour = (name) => style.getPropertyValue(name).trim();
    const grid = colour("--grid");
    const quiet = { line: colour("--speech"), grid };
    LABELS.forEach((label, i) => {
      drawEmotion(this.canvas(label), track, i, span, { line: colour(`--${label}`), grid });
    });
    // A step hears the time before it, and shows a face until the next one.
    const voice = { some: segments.map(({ start, end }) => [start, end]), solid: stretches(track, track.heard, -track.interval) };
    drawStretches(this.canvas("voice"), voice, span, quiet);
    drawStretches(this.canvas("face"), { some: [], solid: stretches(track, track.faces, 0) }, span, quiet);
    drawAlignment(this.canvas("alignment"), track, span, quiet);
    const font = `${0.8125 * Number.parseFloat(style.fontSize)}px ${style.fontFamily}`;
    drawAxis(this.canvas("axis"), span, { text: colour("--muted"), font });
  }

  /** Stop listening to what outlives the charts. */
  close() {
    this.#observer.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
  }
}
