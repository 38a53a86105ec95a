/** What was said in one go, and what it expressed: one line each. */

import { element } from "../dom.js";
import { clock, headline, percent } from "../format.js";
import { hue } from "../tabs.js";

/** The utterances of a session; the newest is on top, and said aloud by assistive technology. */
export class Utterances {
  #ended = new Map();
  #most;
  #list = element("ol", { class: "utterances", role: "log", "aria-live": "polite", "aria-label": "Utterances" });
  #none = element("p", { class: "hint" }, "What is said comes here, with what it expressed.");
  element;

  /** @param {number} most lines on show; all are kept */
  constructor(most) {
    this.#most = most;
    this.element = element("section", { class: "card said" }, element("h3", {}, "Utterances"), this.#none, this.#list);
  }

  /** Every one, in order. */
  get all() {
    return [...this.#ended.values()].sort((a, b) => a.start - b.start);
  }

  /** @param {{start: number, end: number, people: object[]}} message one that is told again replaces itself */
  add({ start, end, people }) {
    if (this.#ended.has(start)) {
      this.#ended.set(start, { start, end, people });
      return;
    }
    this.#ended.set(start, { start, end, people });
    this.#none.hidden = true;
    this.#list.prepend(utteranceLine({ start, end, people }));
    while (this.#list.children.length > this.#most) this.#list.lastChild.remove();
  }
}

/**
 * All utterances, for a session that is over.
 * @param {object[]} utterances
 * @returns {HTMLElement|null} null without any
 */
export function utteranceList(utterances) {
  if (!utterances.length) return null;
  const list = element("ol", { class: "utterances" }, ...utterances.map(utteranceLine));
  const region = element("div", { class: "said-scroll", role: "region", tabindex: 0, "aria-label": "Utterances" }, list);
  return element("div", { class: "said" }, element("h3", {}, "Utterances"), region);
}

function utteranceLine({ start, end, people }) {
  const findings = people.map(({ id, summary }) => {
    const share = summary.reason === null ? ` ${percent(summary.confidence)}` : "";
    const who = people.length > 1 ? `Person ${id}: ` : "";
    return element("span", { class: `said-finding ${hue(id)}` }, `${who}${headline(summary)}${share}`);
  });
  const time = element("span", { class: "said-time" }, `${clock(start, 1)} to ${clock(end, 1)}`);
  return element("li", {}, time, ...(findings.length ? findings : [element("span", {}, "nobody on show")]));
}
