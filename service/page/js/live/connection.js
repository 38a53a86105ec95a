/** One WebSocket to the service: JSON messages and media out, JSON messages in, and a word when it is lost. */

import { Problem } from "../api.js";

const OPENING = 10_000; // milliseconds until an attempt counts as failed
const SILENCE = 30_000; // milliseconds without any message after which an open connection counts as dead

/**
 * @typedef {object} Loss
 * @property {number} code of the closing, as RFC 6455 numbers it; 1006 where nobody said anything
 * @property {object|null} error the service's last `error` message that ended the session
 */

/** Tells of nothing any more once it is lost or left. */
export class Connection {
  #socket = null;
  #handlers;
  #error = null;
  #timer = null;

  /**
   * @param {string} url
   * @param {() => Promise<string[]>} protocols asked for the subprotocols to offer; may fail with a Problem
   * @param {{onOpen: () => void, onMessage: (message: object) => void, onLost: (loss: Loss) => void}} handlers
   */
  constructor(url, protocols, handlers) {
    this.#handlers = handlers;
    this.#expect(OPENING);
    protocols().then(
      (offered) => this.#open(url, offered),
      (reason) => this.#fail(reason),
    );
  }

  #open(url, offered) {
    if (!this.#handlers) return; // lost or left meanwhile
    this.#socket = new WebSocket(url, offered);
    this.#socket.addEventListener("open", () => {
      this.#expect(SILENCE);
      this.#handlers?.onOpen();
    });
    this.#socket.addEventListener("message", ({ data }) => this.#hear(data));
    this.#socket.addEventListener("close", ({ code }) => this.#lose(code));
  }

  /** Bytes that the network has not taken yet. */
  get waiting() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** @param {object} message as one JSON text */
  tell(message) {
    this.#put(JSON.stringify(message));
  }

  /** @param {Blob} media */
  send(media) {
    this.#put(media);
  }

  /** Close it, and hear nothing more. */
  leave() {
    clearTimeout(this.#timer);
    this.#handlers = null;
    this.#socket?.close(1000);
  }

  /** One that is being closed takes nothing more: the next is told all of it. */
  #put(data) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  #hear(data) {
    if (!this.#handlers) return;
    this.#expect(SILENCE);
    const message = JSON.parse(data);
    if (message.type === "error" && message.fatal) this.#error = message;
    else this.#handlers.onMessage(message);
  }

  /** There is nothing to offer: for good where the key is refused, else as a connection that cannot be made. */
  #fail(reason) {
    if (reason instanceof Problem) {
      const { code, title, detail, retryAfter } = reason;
      this.#error = { code, title, detail, retry_after: retryAfter };
    }
    this.#lose(this.#error?.code === "unauthorized" ? 1008 : 1006);
  }

  /** A dead machine closes nothing, so that the clock has to tell. */
  #expect(within) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(1006), within);
  }

  #lose(code) {
    const handlers = this.#handlers;
    this.leave();
    handlers?.onLost({ code, error: this.#error });
  }
}
