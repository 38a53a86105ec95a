/** What a lost connection means: whether another attempt may go better, when, and what to tell where none may. */

import { Problem } from "../api.js";

const FIRST_WAIT = 200; // milliseconds before the first new attempt; twice as long before each further one
const LONGEST_WAIT = 3_000;
const RESTARTING = 1012;
const PATIENCE = 120_000; // milliseconds without progress after which a session is given up

/** Closings after which another attempt may go better: gone, nobody said why, a failure, a restart, too much to do. */
const PASSING = new Set([1001, 1005, 1006, 1011, RESTARTING, 1013]);
/**
 * Refusals that end a connection but not what its checkpoint holds: of a computer that slept, say; or by one replica of
 * several, which another does not repeat while a new version is rolled out.
 */
const PASSING_ERRORS = new Set(["idle_timeout", "slow_client", "token_invalid", "token_foreign_model"]);

/**
 * @param {import("./connection.js").Loss} loss
 * @returns {boolean} whether another attempt may go better
 */
export function isPassing({ code, error }) {
  return PASSING.has(code) || (error !== null && PASSING_ERRORS.has(error.code));
}

/**
 * @param {import("./connection.js").Loss} loss
 * @returns {boolean} whether this server leaves, and others stay
 */
export function isLeaving({ code }) {
  return code === RESTARTING;
}

/**
 * @param {import("./connection.js").Loss} loss
 * @returns {Problem} what to tell where there is no other attempt
 */
export function problemOf({ code, error }) {
  if (error) {
    return new Problem({ title: error.title, detail: error.detail, code: error.code, retryAfter: error.retry_after });
  }
  if (PASSING.has(code)) {
    const detail = "The service could not be reached for so long that the session cannot go on.";
    return new Problem({ title: "Connection lost", detail, code: "connection_lost" });
  }
  const detail = `The service closed the session without saying why (${code}).`;
  return new Problem({ title: "Session ended", detail, code: "session_closed" });
}

/** How long to wait, and when to give up. */
export class Patience {
  #furthest = -1;
  #attempts = 0;
  #since = null;
  #standing = null;

  /**
   * Only a moment never reached before is progress: a service that fails on the same bytes again and again makes none.
   * @param {number} time of a measurement or a checkpoint, in seconds of media
   */
  note(time) {
    if (time <= this.#furthest) return;
    this.#furthest = time;
    this.#renew();
  }

  /** The session has begun or gone on. That alone is no progress, but to stand for long is: a pause measures nothing. */
  stand() {
    this.#standing = performance.now();
  }

  /**
   * @param {import("./connection.js").Loss} loss
   * @returns {number|null} milliseconds until the next attempt; null to give up
   */
  wait(loss) {
    const now = performance.now();
    if (this.#standing !== null && now - this.#standing >= PATIENCE) this.#renew();
    this.#standing = null;
    this.#since ??= now;
    if (now - this.#since > PATIENCE) return null;
    const attempt = this.#attempts++;
    // Not all clients of a dead service at the same moment; one that leaves sends them away one by one.
    const wait = attempt === 0 && isLeaving(loss) ? 0 : Math.min(FIRST_WAIT * 2 ** attempt, LONGEST_WAIT);
    return Math.max(wait * (0.8 + 0.4 * Math.random()), 1000 * (loss.error?.retry_after ?? 0));
  }

  #renew() {
    this.#attempts = 0;
    this.#since = null;
  }
}
