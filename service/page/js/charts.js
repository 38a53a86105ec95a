/** The charts of one person over a recording, with one cursor for all of them. */

import { element } from "./dom.js";
import { Rows } from "./rows.js";
import { recordingSpan } from "./span.js";

const JUMP = 1; // seconds, by Page Up and Page Down

/** Draws a track, shows the values at the cursor, and turns pointer and keys into times. */
export class Charts {
  #duration;
  #segments;
  #track = null;
  #time = 0;
  #onMove;
  #rows = new Rows(() => this.#track && this.#rows.draw(this.#track, recordingSpan(this.#duration), this.#segments));
  #slider;
  #cursor = element("div", { class: "cursor" });

  /**
   * @param {HTMLElement} container
   * @param {{media: {duration: number}, speech: {segments: {start: number, end: number}[]}}} result
   * @param {(time: number, kind: "hover"|"set") => void} onMove told when somebody moves the cursor: `hover` as the pointer
   *   passes, `set` by click, touch or key
   */
  constructor(container, result, onMove) {
    this.#duration = Math.max(result.media.duration, 0.04);
    this.#segments = result.speech.segments;
    this.#onMove = onMove;
    this.#slider = element(
      "div",
      {
        class: "scrubber", role: "slider", tabindex: 0, "aria-label": "Moment in the recording, in seconds",
        "aria-valuemin": 0, "aria-valuemax": this.#duration.toFixed(2),
      },
      this.#cursor,
    );
    this.#rows.element.append(this.#slider);
    container.append(this.#rows.element);
    this.#listen();
  }

  /** Show a person. @param {import("./track.js").Track} track */
  show(track) {
    this.#track = track;
    this.#rows.redraw();
    this.setTime(this.#time);
  }

  /** Put the cursor at a time, in seconds, without telling anybody. @param {number} time */
  setTime(time) {
    this.#time = Math.min(Math.max(time, 0), this.#duration);
    const written = this.#time.toFixed(2);
    this.#cursor.style.setProperty("left", `${(100 * this.#time) / this.#duration}%`);
    this.#slider.setAttribute("aria-valuenow", written);
    this.#slider.setAttribute("aria-valuetext", `${written} of ${this.#duration.toFixed(2)} seconds`);
    const speech = this.#segments.some(({ start, end }) => start <= this.#time && this.#time < end);
    this.#rows.show(this.#track, this.#track.indexAt(this.#time), speech);
  }

  /** Stop listening to what outlives the charts. */
  close() {
    this.#rows.close();
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
