/** Faces framed over a picture. */

import { element } from "./dom.js";
import { hue } from "./tabs.js";

/** One frame for each person, each with a name. */
export class Boxes {
  #stage;
  #mirrored;
  #boxes = new Map();

  /**
   * @param {HTMLElement} stage of the picture's very shape
   * @param {boolean} [mirrored] whether the picture is shown as in a mirror
   */
  constructor(stage, mirrored = false) {
    this.#stage = stage;
    this.#mirrored = mirrored;
  }

  /**
   * Frame a face, or none.
   * @param {number} id of the person
   * @param {{x: number, y: number, width: number, height: number}|null} box as fractions of the picture
   * @param {string} name
   * @param {boolean} selected
   */
  show(id, box, name, selected) {
    const { frame, text } = this.#boxes.get(id) ?? this.#add(id);
    frame.hidden = !box;
    frame.classList.toggle("selected", selected);
    if (!box) return;
    if (text.textContent !== name) text.textContent = name;
    const shown = within(this.#mirrored ? { ...box, x: 1 - box.x - box.width } : box);
    frame.classList.toggle("rightmost", shown.left > 0.6); // the name then ends where the box does
    for (const [side, share] of Object.entries(shown)) frame.style.setProperty(side, `${100 * share}%`);
  }

  /** Take away the frames of everyone else. @param {Set<number>} ids */
  keep(ids) {
    for (const [id, { frame }] of this.#boxes) {
      if (ids.has(id)) continue;
      frame.remove();
      this.#boxes.delete(id);
    }
  }

  /** Take all away. */
  clear() {
    this.keep(new Set());
  }

  #add(id) {
    const text = element("span");
    const frame = element("div", { class: `face ${hue(id)}`, "data-person": id }, text);
    const made = { frame, text };
    this.#boxes.set(id, made);
    this.#stage.append(frame);
    return made;
  }
}

/** The part of a box that lies inside the picture. */
function within({ x, y, width, height }) {
  const clip = (share) => Math.min(Math.max(share, 0), 1);
  const [left, top] = [clip(x), clip(y)];
  return { left, top, width: clip(x + width) - left, height: clip(y + height) - top };
}
