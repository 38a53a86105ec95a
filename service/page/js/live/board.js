/** A running session on the page. */

import { element, oncePerFrame } from "../dom.js";
import { clock } from "../format.js";
import { Facts } from "./facts.js";
import { Minute } from "./minute.js";
import { Now } from "./now.js";
import { Preview } from "./preview.js";
import { Roster } from "./roster.js";
import { Utterances } from "./utterances.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const OFTEN = 200; // milliseconds between two drawings of numbers and charts
const SELDOM = 1000; // the same for those who want little motion
const LINES = 5; // utterances on show

const STATES = {
  connecting: "Connecting",
  open: "Measuring",
  lost: "Connection lost, trying again; what the camera gives meanwhile is sent later",
  paused: "Paused",
  ending: "Measuring what is left",
};

/**
 * @typedef {object} Controls
 * @property {() => void} onPause pause, or go on
 * @property {() => void} onStop
 * @property {() => void} onLeave end without a summary
 */

/** Shows what a history holds, as it grows. */
export class Board {
  facts = new Facts();
  utterances = new Utterances(LINES);
  #history;
  #preview;
  #minute;
  #now;
  #roster;
  #overview;
  #buttons;
  #state = element("span", { class: "state", role: "status" });
  #elapsed = element("span", { class: "elapsed" });
  #drawn = 0;
  #frame = oncePerFrame(() => this.#paint());
  #later = null;
  #newest = null;
  #delay = 0;

  /**
   * @param {HTMLElement} container emptied first
   * @param {MediaStream} stream
   * @param {import("./history.js").History} history
   * @param {Controls} controls
   */
  constructor(container, stream, history, controls) {
    this.#history = history;
    this.#preview = new Preview(stream);
    this.#minute = new Minute(history);
    this.#roster = new Roster(history, () => this.#turn());
    this.#now = new Now(this.#roster.panel);
    const screen = element("div", { class: "screen" }, this.#preview.element, this.facts.element);
    this.#overview = element("div", { class: "card overview" }, screen, this.#roster.panel);
    this.#buttons = buttons(controls);
    const title = element("h2", { id: "live-title", tabindex: -1 }, "Live session");
    const status = element("p", { class: "hint" }, this.#state, " · ", this.#elapsed);
    const actions = element("div", { class: "actions" }, ...Object.values(this.#buttons));
    container.replaceChildren(
      element("div", { class: "result-head" }, element("div", {}, title, status), actions),
      this.#roster.element,
      this.#overview,
      this.#minute.element,
      this.utterances.element,
    );
    title.focus();
  }

  /** @param {"connecting"|"open"|"lost"|"paused"|"ending"} state */
  set state(state) {
    this.#state.textContent = STATES[state];
    this.#state.dataset.state = state;
    this.#preview.pause(state === "paused");
    if (state !== "open") this.#preview.clear();
    const { pause, stop, leave } = this.#buttons;
    pause.textContent = state === "paused" ? "Go on" : "Pause";
    pause.hidden = stop.hidden = state === "ending";
    leave.hidden = !pause.hidden;
  }

  /** @param {number} seconds recorded so far */
  set elapsed(seconds) {
    this.#elapsed.textContent = clock(seconds, 0);
  }

  /**
   * Show the history as it is now, at the next opportunity.
   * @param {object} measurement the newest
   * @param {number} delay seconds from its moment until now
   */
  update(measurement, delay) {
    this.#newest = measurement;
    this.#delay = delay;
    this.#frame();
  }

  /** Let go of everything drawn. */
  close() {
    clearTimeout(this.#later);
    this.#minute.close();
    this.#preview.close();
  }

  /** To somebody else, at once. */
  #turn() {
    this.#drawn = 0;
    this.#frame();
  }

  #paint() {
    if (!this.#history.people.size || !this.#overview.isConnected) return;
    const { selected } = this.#roster;
    if (this.#state.dataset.state === "open") this.#preview.frame(this.#history, selected.id);
    const now = performance.now();
    const early = this.#drawn + (CALM.matches ? SELDOM : OFTEN) - now;
    if (early > 0) {
      this.#drawLater(early);
      return;
    }
    this.#drawn = now;
    const { time, speech, delay } = this.#newest;
    this.facts.voice(speech, this.#history.speakerAt(time));
    this.facts.delay(this.#delay, delay);
    this.#now.show(selected, this.#history.newest);
    this.#minute.show(selected);
    this.#roster.show(selected);
  }

  /** So that the last of all is drawn as well. */
  #drawLater(wait) {
    this.#later ??= setTimeout(() => {
      this.#later = null;
      this.#frame();
    }, wait);
  }
}

function buttons({ onPause, onStop, onLeave }) {
  const button = (text, look, work) => {
    const made = element("button", { type: "button", class: look }, text);
    made.addEventListener("click", work);
    return made;
  };
  return {
    pause: button("Pause", "button quiet", onPause),
    stop: button("Stop", "button", onStop),
    leave: button("Leave without a summary", "button quiet", onLeave),
  };
}
