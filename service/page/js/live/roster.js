/** Who is on show in a running session, and whose numbers are. */

import { element, uniqueId } from "../dom.js";
import { ranked } from "../format.js";
import { Tabs } from "../tabs.js";

/** A tab for everyone of the last minute, where they are several. */
export class Roster {
  /** What shows the chosen person's numbers. */
  panel = element("div", { class: "person", id: uniqueId("person") });
  #history;
  #chosen = null;
  #tabs;

  /**
   * @param {import("./history.js").History} history
   * @param {() => void} onChoose told when somebody chooses
   */
  constructor(history, onChoose) {
    this.#history = history;
    this.#tabs = new Tabs("People on camera", this.panel.id, (id) => {
      this.#chosen = id;
      onChoose();
    });
    this.#tabs.element.hidden = true;
  }

  /** The tabs. */
  get element() {
    return this.#tabs.element;
  }

  /**
   * The chosen person; unless somebody chose one who is on show, the last to be measured.
   * @returns {import("./person.js").PersonHistory} to be asked only where anybody was measured
   */
  get selected() {
    const people = this.#history.onShow;
    const last = () => people.reduce((best, one) => (one.newest > best.newest ? one : best));
    return people.find(({ id }) => id === this.#chosen) ?? last();
  }

  /** @param {import("./person.js").PersonHistory} selected whose numbers are in the panel */
  show(selected) {
    const people = this.#history.onShow;
    for (const person of people) {
      const finding = ranked(person.step(person.length - 1).probabilities)[0][0];
      if (this.#tabs.has(person.id)) this.#tabs.write(person.id, finding);
      else this.#tabs.add(person.id, finding);
    }
    this.#tabs.select(selected.id);
    this.#tabs.keep(new Set(people.map(({ id }) => id)));
    const several = people.length > 1;
    this.#tabs.element.hidden = !several;
    const attributes = { role: "tabpanel", "aria-labelledby": this.#tabs.idOf(selected.id) };
    for (const [name, value] of Object.entries(attributes)) {
      if (several) this.panel.setAttribute(name, value);
      else this.panel.removeAttribute(name);
    }
  }
}
