/** Refusals and failures, told where everybody sees and hears them. */

import { byId, element } from "./dom.js";
import { count } from "./format.js";
import { keyForm } from "./key.js";

/** The page's one place for problems. */
export class Problems {
  #box = byId("problem");

  /**
   * @param {import("./api.js").Problem} problem
   * @param {{onKey?: () => void, more?: Node[]}} [options] `onKey` is told once a missing API key was given; `more` is put
   *   below the words
   */
  show(problem, { onKey, more = [] } = {}) {
    const { title, detail, code, retryAfter } = problem;
    const later = retryAfter === null ? "" : ` Try again in ${count(retryAfter, "second", "seconds")}.`;
    this.#box.replaceChildren(
      element("h2", {}, title),
      element("p", {}, `${detail}${later}`),
      ...more,
      element("p", { class: "hint" }, "Code: ", element("code", {}, code)),
    );
    if (code === "unauthorized" && onKey) this.#box.append(keyForm(onKey));
    this.#box.hidden = false;
    this.#box.focus();
  }

  /** Take it away. */
  hide() {
    this.#box.hidden = true;
    this.#box.replaceChildren();
  }
}
