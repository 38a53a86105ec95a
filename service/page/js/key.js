/** The API key, where the service wants one. It lasts as long as the tab. */

import { element } from "./dom.js";

const NAME = "attune.key";

/** @returns {Object<string, string>} headers of a request */
export function authorization() {
  const key = sessionStorage.getItem(NAME);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/**
 * Asks for the key.
 * @param {() => void} onKey told once it is kept
 * @returns {HTMLElement}
 */
export function keyForm(onKey) {
  const field = element("input", {
    type: "password", id: "key", required: true, autocomplete: "current-password",
    pattern: "\\s*[!-~]+\\s*", title: "Letters, digits and signs as on an English keyboard", // as a header may hold
  });
  const form = element(
    "form",
    { class: "key" },
    element("label", { for: "key" }, "API key"),
    field,
    element("button", { type: "submit", class: "button small" }, "Use this key"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(NAME, field.value.trim());
    onKey();
  });
  return form;
}
