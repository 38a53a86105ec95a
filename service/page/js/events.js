/** Server-sent events (WHATWG HTML, 9.2.6), read from text that arrives in pieces. */

/**
 * @typedef {{event: string, data: string}} ServerEvent
 */

/** Keeps an unfinished event until the rest of it arrives. */
export class EventParser {
  #rest = "";
  #searched = 0;

  /**
   * Add text and take the events that it completed.
   * @param {string} text any piece of the stream
   * @returns {ServerEvent[]}
   */
  push(text) {
    this.#rest += text;
    const events = [];
    const blank = /\r\n\r\n|\n\n|\r\r/g;
    for (;;) {
      // A result may be many megabytes in one event: what was searched is not searched again.
      blank.lastIndex = this.#searched;
      const end = blank.exec(this.#rest);
      if (!end) {
        this.#searched = Math.max(0, this.#rest.length - 3);
        return events;
      }
      const event = parse(this.#rest.slice(0, end.index));
      if (event) events.push(event);
      this.#rest = this.#rest.slice(blank.lastIndex);
      this.#searched = 0;
    }
  }
}

/**
 * @param {string} block the lines of one event
 * @returns {ServerEvent|null} null for one without data, such as a comment that keeps the connection open
 */
function parse(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length ? { event, data: data.join("\n") } : null;
}
