/** The charts of one person over time, with one cursor for all of them. */

import { element, oncePerFrame } from "./dom.js";
import { drawAlignment, drawAxis, drawStretches } from "./draw.js";
import { drawEmotion } from "./emotion.js";
import { clock, LABELS, percent } from "./format.js";

const JUMP = 1; // seconds, by Page Up and Page Down

/** Draws a track, shows the values at the cursor, and turns pointer and keys into times. */
export class Charts {
  #duration;
  #speech;
  #track = null;
  #time = 0;
  #onMove;
  #canvases = new Map();
  #values = new Map();
  #grid;
  #slider;
  #cursor;
  #observer;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = oncePerFrame(() => this.#draw());

  /**
   * @param {HTMLElement} container
   * @param {{media: {duration: number}, speech: {segments: {start: number, end: number}[]}}} result
   * @param {(time: number, kind: "hover"|"set") => void} onMove told when somebody moves the cursor: `hover` as the pointer
   *   passes, `set` by click, touch or key
   */
  constructor(container, result, onMove) {
    this.#duration = Math.max(result.media.duration, 0.04);
    this.#speech = result.speech.segments.map(({ start, end }) => [start, end]);
    this.#onMove = onMove;
    this.#grid = element("div", { class: "charts" });
    for (const label of LABELS) this.#row(label, label, "emotion");
    this.#row("voice", "Voice", "band");
    this.#row("face", "Face", "band");
    this.#row("alignment", "Sound lag", "lag");
    this.#row("axis", "", "axis");
    this.#cursor = element("div", { class: "cursor" });
    this.#slider = element(
      "div",
      {
        class: "scrubber", role: "slider", tabindex: 0, "aria-label": "Moment in the recording, in seconds",
        "aria-valuemin": 0, "aria-valuemax": this.#duration.toFixed(2),
      },
      this.#cursor,
    );
    this.#grid.append(this.#slider);
    container.append(this.#grid);
    this.#listen();
  }

  /** Show a person. @param {import("./track.js").Track} track */
  show(track) {
    this.#track = track;
    this.#redraw();
    this.setTime(this.#time);
  }

  /** Put the cursor at a time, in seconds, without telling anybody. @param {number} time */
  setTime(time) {
    this.#time = Math.min(Math.max(time, 0), this.#duration);
    const written = this.#time.toFixed(2);
    this.#cursor.style.setProperty("left", `${(100 * this.#time) / this.#duration}%`);
    this.#slider.setAttribute("aria-valuenow", written);
    this.#slider.setAttribute("aria-valuetext", `${written} of ${this.#duration.toFixed(2)} seconds`);
    this.#showValues(this.#track.indexAt(this.#time));
  }

  /** Stop listening to what outlives the charts. */
  close() {
    this.#observer.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
  }

  #row(key, name, kind) {
    const canvas = element("canvas", { class: `chart chart-${kind}`, "aria-hidden": "true" });
    const label = element("span", { class: "chart-label", "data-key": key }, name);
    const value = element("span", { class: "chart-value", "data-value": key });
    this.#canvases.set(key, canvas);
    this.#values.set(key, { label, value });
    this.#grid.append(label, canvas, value);
  }

  #showValues(index) {
    const track = this.#track;
    const probabilities = LABELS.map((_, i) => (index < 0 ? null : track.probabilities[i][index]));
    const top = index < 0 ? -1 : probabilities.indexOf(Math.max(...probabilities));
    LABELS.forEach((name, i) => {
      const { label, value } = this.#values.get(name);
      value.textContent = probabilities[i] === null ? "–" : percent(probabilities[i]);
      label.classList.toggle("leading", i === top);
      value.classList.toggle("leading", i === top);
    });
    const speaking = this.#speech.some(([start, end]) => start <= this.#time && this.#time < end);
    const moment = index < 0 ? null : track.alignment[index];
    this.#values.get("voice").value.textContent = speaking ? "yes" : "–";
    this.#values.get("face").value.textContent = index >= 0 && track.steps[index].box ? "yes" : "–";
    this.#values.get("alignment").value.textContent = moment ? clock(moment.lag) : "–";
  }

  #draw() {
    if (!this.#track || !this.#grid.isConnected) return;
    const style = getComputedStyle(this.#grid);
    const colour = (name) => style.getPropertyValue(name).trim();
    const grid = colour("--grid");
    const quiet = { line: colour("--speech"), grid };
    LABELS.forEach((label, i) => {
      const colours = { line: colour(`--${label}`), grid };
      drawEmotion(this.#canvases.get(label), this.#track, i, this.#duration, colours);
    });
    drawStretches(this.#canvases.get("voice"), this.#speech, this.#duration, quiet);
    drawStretches(this.#canvases.get("face"), this.#faceStretches(), this.#duration, quiet);
    drawAlignment(this.#canvases.get("alignment"), this.#track, this.#duration, quiet);
    const axis = { text: colour("--muted"), font: `${0.8125 * Number.parseFloat(style.fontSize)}px ${style.fontFamily}` };
    drawAxis(this.#canvases.get("axis"), this.#duration, axis);
  }

  #faceStretches() {
    const { steps, times, interval } = this.#track;
    const stretches = [];
    steps.forEach((step, i) => {
      if (!step.box) return;
      const last = stretches[stretches.length - 1];
      if (last && times[i] - last[1] < interval / 2) last[1] = times[i] + interval;
      else stretches.push([times[i], times[i] + interval]);
    });
    return stretches;
  }

  #listen() {
    const slider = this.#slider;
    const timeAt = (event) => {
      const { left, width } = slider.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - left) / width, 0), 1) * this.#duration;
    };
    slider.addEventListener("pointerdown", (event) => {
      slider.setPointerCapture(event.pointerId);
      this.#onMove(timeAt(event), "set");
    });
    slider.addEventListener("pointermove", (event) => {
      this.#onMove(timeAt(event), event.buttons ? "set" : "hover");
    });
    slider.addEventListener("keydown", (event) => this.#onKey(event));
    this.#observer = new ResizeObserver(this.#redraw);
    this.#observer.observe(this.#grid);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = this.#track.interval;
    const targets = {
      ArrowRight: this.#time + step, ArrowUp: this.#time + step,
      ArrowLeft: this.#time - step, ArrowDown: this.#time - step,
      PageUp: this.#time + JUMP, PageDown: this.#time - JUMP,
      Home: 0, End: this.#duration,
    };
    if (!Object.hasOwn(targets, event.key)) return;
    event.preventDefault();
    this.#onMove(Math.min(Math.max(targets[event.key], 0), this.#duration), "set");
  }
}
