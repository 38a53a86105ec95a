/** The last minute in charts: the chosen person's emotions, and a strip of weight for everyone. */

import { element } from "../dom.js";
import { drawWeight } from "../emotion.js";
import { ranked } from "../format.js";
import { Rows } from "../rows.js";
import { recentSpan } from "../span.js";
import { hue } from "../tabs.js";
import { MINUTE } from "./history.js";

const LENGTHS = [15, 30, MINUTE]; // seconds on show, more as the session goes on

const CAPTION =
  "Line: the probability of each emotion, from 0 to 100 %. Strip below it: attention, the moments that weigh for this " +
  "emotion in the session so far; the deeper the colour, the more, and a strip fades as stronger moments come.";
const SEVERAL =
  " Each person’s own strip shows the same over all emotions. Voice: solid where it counts for the chosen person, faint " +
  "where it is another’s.";

/** Scrolls with the session. */
export class Minute {
  element = element("section", { class: "card timeline", "aria-label": "The last minute" });
  #history;
  #selected = null;
  #strips = new Map();
  #caption = element("p", { class: "hint caption" }, CAPTION);
  #rows = new Rows(() => this.#draw());

  /** @param {import("./history.js").History} history */
  constructor(history) {
    this.#history = history;
    const head = element("div", { class: "timeline-head" }, element("h3", {}, "The last minute"));
    this.element.append(head, this.#rows.element, this.#caption);
  }

  /** @param {import("./person.js").PersonHistory} person whose emotions are shown */
  show(person) {
    this.#selected = person;
    this.#draw();
  }

  /** Stop listening to what outlives the charts. */
  close() {
    this.#rows.close();
  }

  #draw() {
    const { people, newest, speech, onShow } = this.#history;
    const person = this.#selected;
    if (!person || !people.has(person.id)) return;
    const span = recentSpan(newest, LENGTHS.find((length) => length >= newest) ?? LENGTHS.at(-1));
    const columns = person.since(span.from);
    const segments = speech.segments(span.from);
    const last = columns.length - 1;
    const current = last >= 0 && columns.times[last] > newest - 2 * columns.interval ? last : -1;
    this.#rows.draw(columns, span, segments);
    this.#rows.show(columns, current, (segments.at(-1)?.end ?? -1) >= newest - columns.interval / 2);
    const several = onShow.length > 1 ? onShow : [];
    this.#keepStrips(new Set(several.map(({ id }) => id)));
    for (const one of several) this.#drawStrip(one, span, one === person);
    this.#caption.textContent = several.length ? CAPTION + SEVERAL : CAPTION;
  }

  #keepStrips(ids) {
    for (const id of this.#strips.keys()) {
      if (ids.has(id)) continue;
      this.#rows.remove(`person-${id}`);
      this.#strips.delete(id);
    }
  }

  #drawStrip(person, span, selected) {
    if (!this.#strips.has(person.id)) this.#addStrip(person.id);
    const { canvas, name, value } = this.#strips.get(person.id);
    const colour = getComputedStyle(canvas).getPropertyValue("--person").trim();
    drawWeight(canvas, person.since(span.from), span, colour);
    name.classList.toggle("leading", selected);
    value.textContent = ranked(person.step(person.length - 1).probabilities)[0][0];
  }

  #addStrip(id) {
    const next = Math.min(...[...this.#strips.keys()].filter((other) => other > id));
    const before = this.#strips.get(next)?.name ?? this.#rows.element.querySelector("[data-key='angry']");
    const parts = this.#rows.add(`person-${id}`, `Person ${id}`, "strip", before);
    for (const part of parts) part.classList.add(hue(id));
    const [name, canvas, value] = parts;
    this.#strips.set(id, { canvas, name, value });
  }
}
