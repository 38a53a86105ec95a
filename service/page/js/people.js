/** What is said of one person: in words, and as one bar for each emotion. */

import { element } from "./dom.js";
import { evidence, explanation, headline, LABELS, percent } from "./format.js";

/**
 * The summary of a person.
 * @param {object} summary as a result has it
 * @returns {HTMLElement}
 */
export function summaryCard(summary) {
  const card = element(
    "div",
    { class: "summary" },
    element(
      "p",
      { class: "finding" },
      element("span", { class: "finding-lead" }, "Expressed: "),
      element("strong", { class: "finding-label", "data-expressed": summary.expressed }, headline(summary)),
      summary.reason === null ? element("span", { class: "finding-share" }, percent(summary.confidence)) : "",
    ),
    element("p", { class: "explanation" }, explanation(summary)),
    element("p", { class: "evidence" }, "Evidence: ", element("strong", {}, evidence(summary.modalities))),
  );
  if (summary.probabilities) {
    const bars = new Bars("Probabilities over the whole recording");
    bars.show(summary.probabilities);
    card.append(bars.element);
  }
  return card;
}

/** One bar for each emotion. */
export class Bars {
  element;
  #rows;

  /** @param {string} name for assistive technology */
  constructor(name) {
    this.#rows = LABELS.map((label) => {
      const bar = element("span", { class: "bar" });
      bar.style.setProperty("--colour", `var(--${label})`);
      const value = element("span", { class: "bar-value" });
      const row = element("li", { "data-label": label }, element("span", { class: "bar-label" }, label), bar, value);
      return { label, row, bar, value };
    });
    this.element = element("ul", { class: "bars", "aria-label": name }, ...this.#rows.map(({ row }) => row));
  }

  /** @param {Object<string, number>} probabilities by label */
  show(probabilities) {
    const top = Math.max(...LABELS.map((label) => probabilities[label]));
    for (const { label, row, bar, value } of this.#rows) {
      bar.style.setProperty("--share", String(probabilities[label]));
      value.textContent = percent(probabilities[label]);
      row.classList.toggle("leading", probabilities[label] === top);
    }
  }
}
