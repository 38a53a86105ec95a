/** A live session (protocol attune.v1, docs/streaming.md): one recording's bytes out, messages in, across connections. */

import { explainRefusal, protocols } from "../api.js";
import { Connection } from "./connection.js";
import { isLeaving, isPassing, Patience, problemOf } from "./losses.js";
import { cut, Ring } from "./ring.js";

const USUAL_LIMIT = 2 ** 20; // bytes of a message, until the service says what it takes
const START = { replay_from: 0, init_bytes: 0 };

/**
 * @typedef {object} SessionHandlers
 * @property {(message: object) => void} onMessage told measurements, utterances and other news
 * @property {(time: number) => void} onRewind the session begins, or goes on from a checkpoint: what was told of this media
 *   time (in seconds) and later counts no more, and is told again
 * @property {(state: "connecting"|"open"|"lost") => void} onState
 * @property {(summary: object) => void} onSummary the end, as wanted
 * @property {(problem: import("../api.js").Problem) => void} onProblem the end, for good
 */

/** Goes on by itself on a new connection, at any server that shares the key of the tokens. */
export class Session {
  #url;
  #config;
  #handlers;
  #ring = new Ring();
  #patience = new Patience();
  /** @type {Connection|null} */
  #connection = null;
  #ready = false;
  #checkpoint = null;
  #limits = null;
  #finishing = false;
  #left = false;
  #retry = null;
  #keepalive = null;

  /**
   * Connect.
   * @param {string} url of `/v1/stream`
   * @param {object} config fields of `session.update`
   * @param {SessionHandlers} handlers
   */
  constructor(url, config, handlers) {
    this.#url = url;
    this.#config = config;
    this.#handlers = handlers;
    addEventListener("online", this.#hurry);
    this.#connect();
  }

  /** Bytes sent that the network has not taken yet. */
  get waiting() {
    return this.#ready ? this.#connection.waiting : 0;
  }

  /** @param {Blob} media the next bytes of the recording */
  send(media) {
    this.#ring.append(media);
    if (this.#ready) this.#pass(media);
  }

  /** The recording ends here; the summary follows. */
  finish() {
    this.#finishing = true;
    clearInterval(this.#keepalive);
    if (this.#ready) this.#connection.tell({ type: "session.close" });
  }

  /** End at once, without a summary. */
  leave() {
    this.#left = true;
    clearTimeout(this.#retry);
    removeEventListener("online", this.#hurry);
    this.#disconnect();
  }

  #connect() {
    this.#handlers.onState("connecting");
    this.#connection = new Connection(this.#url, protocols, {
      onOpen: () => this.#begin(),
      onMessage: (message) => this.#hear(message),
      onLost: (loss) => this.#lose(loss),
    });
  }

  #disconnect() {
    clearInterval(this.#keepalive);
    this.#ready = false;
    this.#connection?.leave();
    this.#connection = null;
  }

  /** The service need not be waited for: all that is to be said is said at once, so that the first answer comes soon. */
  #begin() {
    if (this.#checkpoint) this.#connection.tell({ type: "session.resume", token: this.#checkpoint.token });
    else this.#connection.tell({ type: "session.update", ...this.#config });
    for (const media of this.#ring.replay(this.#checkpoint ?? START)) this.#pass(media);
    this.#ready = true;
    if (this.#finishing) this.finish();
  }

  #pass(media) {
    for (const piece of cut(media, this.#limits?.max_message_bytes ?? USUAL_LIMIT)) this.#connection.send(piece);
  }

  #hear(message) {
    switch (message.type) {
      case "session.created":
        this.#limits = message.limits;
        if (!this.#finishing) this.#keepAlive();
        if (!this.#checkpoint) this.#goOn(0);
        break;
      case "session.resumed":
        this.#goOn(message.resume_at);
        break;
      case "session.checkpoint":
        this.#patience.note(message.resume_at);
        if (!this.#ring.covers(message)) break; // its media could not be sent again: the one before stays
        this.#checkpoint = message;
        this.#ring.trim(message);
        break;
      case "session.summary":
        this.leave();
        this.#handlers.onSummary(message);
        break;
      case "session.updated":
      case "session.closing": // the end of this connection says all that is to be done
      case "keepalive":
        break;
      default:
        if (message.type === "measurement") this.#patience.note(message.time);
        this.#handlers.onMessage(message);
    }
  }

  #goOn(time) {
    this.#patience.stand();
    this.#handlers.onRewind(time);
    this.#handlers.onState("open");
  }

  #lose(loss) {
    this.#disconnect();
    if (!this.#limits && !isLeaving(loss)) {
      this.#refuse(loss);
      return;
    }
    const goesOn = isPassing(loss) && this.#ring.covers(this.#checkpoint ?? START);
    const wait = goesOn ? this.#patience.wait(loss) : null;
    if (wait === null) {
      this.leave();
      this.#handlers.onProblem(problemOf(loss));
      return;
    }
    if (wait > 0) this.#handlers.onState("lost");
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  /** It never began. */
  async #refuse(loss) {
    removeEventListener("online", this.#hurry);
    const problem = loss.error ? problemOf(loss) : await explainRefusal();
    if (!this.#left) this.#handlers.onProblem(problem);
  }

  #hurry = () => {
    if (this.#connection) return;
    clearTimeout(this.#retry);
    this.#connect();
  };

  /** A pause sends no media, and an empty room gives no measurements: both sides still hear of each other. */
  #keepAlive() {
    clearInterval(this.#keepalive);
    const often = Math.min(1000 * this.#limits.idle_timeout, 30_000) / 3;
    this.#keepalive = setInterval(() => this.#connection.tell({ type: "keepalive" }), often);
  }
}
