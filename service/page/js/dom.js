/** Building elements. Text only ever enters as text, never as markup. */

/**
 * Create an element.
 * @param {string} tag name of the HTML element
 * @param {Object<string, string|number|boolean|null|undefined>} [attributes] `true` sets an empty attribute; `false`, `null`
 *   and `undefined` leave it out
 * @param {...(Node|string)} children strings become text nodes
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * The element with an id that the page is known to have.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Call `work` at most once a frame, with the newest arguments.
 * @template {unknown[]} A
 * @param {(...args: A) => void} work
 * @returns {(...args: A) => void}
 */
export function oncePerFrame(work) {
  let newest = null;
  return (...args) => {
    if (newest === null) {
      requestAnimationFrame(() => {
        const now = newest;
        newest = null;
        work(...now);
      });
    }
    newest = args;
  };
}

let made = 0;

/**
 * An id that no other element has.
 * @param {string} name what it begins with
 * @returns {string}
 */
export function uniqueId(name) {
  made += 1;
  return `${name}-${made}`;
}
