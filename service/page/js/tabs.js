/** Choosing a person: tabs after the ARIA pattern, which people may join as they appear. */

import { element } from "./dom.js";

const HUES = 6; // as many colours as the style sheet has for people

/**
 * @param {number} id of a person
 * @returns {string} the class that gives a person's colour
 */
export function hue(id) {
  return `hue-${((id - 1) % HUES) + 1}`;
}

/** A tab for each person, and one of them chosen. */
export class Tabs {
  element;
  #panel;
  #onChoose;
  #tabs = new Map();

  /**
   * @param {string} name of the list, for assistive technology
   * @param {string} panel id of the element that shows the chosen person
   * @param {(id: number) => void} onChoose told when somebody chooses
   */
  constructor(name, panel, onChoose) {
    this.element = element("div", { role: "tablist", "aria-label": name, class: "tabs" });
    this.#panel = panel;
    this.#onChoose = onChoose;
    arrows(this.element, () => [...this.element.children]);
  }

  /**
   * @param {number} id
   * @returns {string} id of a person's tab, an element
   */
  idOf(id) {
    return `${this.#panel}-${id}`;
  }

  /** @param {number} id */
  has(id) {
    return this.#tabs.has(id);
  }

  /** Put in a tab, in order of ids. @param {number} id @param {string} finding what is said of this person */
  add(id, finding) {
    const attributes = {
      type: "button", role: "tab", id: this.idOf(id), "aria-controls": this.#panel, class: `tab ${hue(id)}`,
    };
    const text = element("span", { class: "tab-finding" }, finding);
    const tab = element("button", attributes, `Person ${id}`, text);
    mark(tab, false);
    tab.addEventListener("click", () => this.#onChoose(id));
    const next = Math.min(...[...this.#tabs.keys()].filter((other) => other > id));
    this.element.insertBefore(tab, this.#tabs.get(next)?.tab ?? null);
    this.#tabs.set(id, { tab, text });
  }

  /** Take away the tabs of everyone else; the chosen one has to stay. @param {Set<number>} ids */
  keep(ids) {
    for (const [id, { tab }] of this.#tabs) {
      if (ids.has(id)) continue;
      if (tab === document.activeElement) this.element.querySelector("[aria-selected='true']").focus();
      tab.remove();
      this.#tabs.delete(id);
    }
  }

  /** @param {number} id @param {string} finding */
  write(id, finding) {
    const { text } = this.#tabs.get(id);
    if (text.textContent !== finding) text.textContent = finding;
  }

  /** Mark the chosen one. @param {number} chosen */
  select(chosen) {
    for (const [id, { tab }] of this.#tabs) mark(tab, id === chosen);
  }
}

/**
 * Let the arrow keys, Home and End move among tabs.
 * @param {HTMLElement} list
 * @param {() => HTMLElement[]} tabs the tabs as they are now
 */
export function arrows(list, tabs) {
  list.addEventListener("keydown", (event) => {
    const now = tabs();
    const current = now.indexOf(document.activeElement);
    const targets = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: now.length - 1 };
    if (current < 0 || !Object.hasOwn(targets, event.key)) return;
    event.preventDefault();
    const next = now[(targets[event.key] + now.length) % now.length];
    next.focus();
    next.click();
  });
}

/**
 * Mark the chosen tab, the only one that the Tab key stops at.
 * @param {HTMLElement} tab
 * @param {boolean} chosen
 */
export function mark(tab, chosen) {
  tab.setAttribute("aria-selected", String(chosen));
  tab.tabIndex = chosen ? 0 : -1;
}
