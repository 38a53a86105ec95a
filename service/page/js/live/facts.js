/** How the session goes: voice, delay, dropped pictures. */

import { element } from "../dom.js";
import { clock, count } from "../format.js";

/** Why pictures are dropped, in words that follow their number. */
const REASONS = { late: "late", invalid: "unreadable", absent: "behind the sound" };

/** Three facts, each a name and a value. */
export class Facts {
  element = element("dl", { class: "facts" });
  #voice = this.#add("Voice", "fact-voice");
  #delay = this.#add("Delay", "fact-delay");
  #dropped = this.#add("Dropped", "fact-dropped");

  constructor() {
    this.drop({});
  }

  /**
   * @param {boolean} speech whether somebody speaks
   * @param {number|null} speaker id of the person, where that is known among several
   */
  voice(speech, speaker) {
    this.#voice.classList.toggle("on", speech);
    this.#voice.textContent = !speech ? "silent" : speaker === null ? "speech" : `person ${speaker} speaks`;
  }

  /**
   * @param {number} seconds from a moment before the camera to its numbers on the page
   * @param {number|null} within seconds of it in the service
   */
  delay(seconds, within) {
    const part = within === null ? "" : ` (service ${clock(within)})`;
    this.#delay.textContent = `${clock(Math.max(seconds, within ?? 0), 1)}${part}`;
  }

  /** @param {Object<string, number>} dropped pictures by reason */
  drop(dropped) {
    this.#dropped.textContent = droppedInWords(dropped);
  }

  #add(name, id) {
    const value = element("dd", { class: id }, "–");
    this.element.append(element("div", {}, element("dt", {}, name), value));
    return value;
  }
}

/**
 * @param {Object<string, number>} dropped pictures by reason
 * @returns {string} such as "12 pictures (late)"
 */
export function droppedInWords(dropped) {
  const reasons = Object.entries(dropped).filter(([, number]) => number > 0);
  if (!reasons.length) return "none";
  const total = reasons.reduce((sum, [, number]) => sum + number, 0);
  const names = reasons.map(([reason, number]) => {
    const words = REASONS[reason] ?? reason;
    return reasons.length > 1 ? `${number} ${words}` : words;
  });
  return `${count(total, "picture", "pictures")} (${names.join(", ")})`;
}
