/** The API key, where the service wants one. It lasts as long as the tab. */

import { element } from "./dom.js";

const NAME = "attune.key";
const PROTOCOL = "attune.v1";

/** @returns {Object<string, string>} headers of a request */
export function authorization() {
  const key = sessionStorage.getItem(NAME);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** @returns {string[]} subprotocols of a WebSocket, which in browsers can carry no header */
export function protocols() {
  const key = sessionStorage.getItem(NAME);
  return key ? [PROTOCOL, `attune.key.${base64url(key)}`] : [PROTOCOL];
}

/**
 * Asks for the key.
 * @param {() => void} onKey told once it is kept
 * @returns {HTMLElement}
 */
export function keyForm(onKey) {
  const field = element("input", { type: "password", id: "key", required: true, autocomplete: "current-password" });
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

function base64url(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
