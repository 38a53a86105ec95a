/** What one person expresses now. */

import { element } from "../dom.js";
import { evidence, percent, ranked } from "../format.js";
import { Bars } from "../people.js";

const NOBODY = "Looking for a face, listening for a voice";
const STALE = 0.3; // seconds of media without a measurement after which a person is not on show

/** A finding, its evidence, and a bar for each emotion. */
export class Now {
  element;
  #lead = element("span", { class: "finding-lead" });
  #label = element("strong", { class: "finding-label" });
  #share = element("span", { class: "finding-share" });
  #basis = element("p", { class: "explanation" }, NOBODY);
  #bars = new Bars("Probabilities now");

  /** @param {HTMLElement} container */
  constructor(container) {
    const finding = element("p", { class: "finding" }, this.#lead, this.#label, this.#share);
    this.element = element("div", { class: "summary" }, finding, this.#basis, this.#bars.element);
    this.#label.textContent = "…";
    this.#bars.element.hidden = true;
    container.append(this.element);
  }

  /**
   * @param {import("./person.js").PersonHistory} person
   * @param {number} newest seconds of media of the newest measurement of anybody
   */
  show(person, newest) {
    const { probabilities, modalities, speaking } = person.step(person.length - 1);
    const [[label, probability]] = ranked(probabilities);
    this.#lead.textContent = "Expresses now: ";
    this.#label.textContent = label;
    this.#label.dataset.expressed = label;
    this.#share.textContent = percent(probability);
    this.#basis.textContent = basis(modalities, speaking, person.newest > newest - STALE);
    this.#bars.element.hidden = false;
    this.#bars.show(probabilities);
  }
}

function basis(modalities, speaking, there) {
  if (!there) return "Not on show now; this was the last of it.";
  if (speaking === true) return `This person speaks. Evidence: ${evidence(modalities)}.`;
  if (speaking === false) return `Somebody else speaks. Evidence: ${evidence(modalities)}.`;
  return modalities.length ? `Evidence: ${evidence(modalities)}.` : "No face and no voice now; this follows from before.";
}
