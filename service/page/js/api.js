/** The service's HTTP interface: one recording up, progress and a result down. */

import { EventParser } from "./events.js";
import { authorization } from "./key.js";

const ANALYSES = "v1/analyses";
const MODEL = "v1/model";
const TOKENS = "v1/tokens";
const PROTOCOL = "attune.v1";

/** A refusal or failure, as the service's problem document (RFC 9457) or the network gave it. */
export class Problem extends Error {
  /**
   * @param {{title: string, detail: string, code: string, retryAfter?: number|null}} parts `retryAfter` in seconds
   */
  constructor({ title, detail, code, retryAfter = null }) {
    super(detail);
    this.title = title;
    this.detail = detail;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/**
 * Send a recording and follow its analysis.
 *
 * XMLHttpRequest and not fetch, since only it reports the bytes sent.
 * @param {Blob} recording
 * @param {{onUpload: (sent: number, total: number) => void, onProgress: (progress: object) => void,
 *   signal: AbortSignal}} options `onUpload` in bytes
 * @returns {Promise<{result: object, json: string}>} the result, and the same as the text that arrived
 * @throws {Problem} when the service refuses or fails, or the connection does
 * @throws {DOMException} AbortError when `signal` aborts
 */
export function analyse(recording, { onUpload, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const parser = new EventParser();
    let read = 0;
    let answer = null;

    const isStream = () => (request.getResponseHeader("Content-Type") ?? "").startsWith("text/event-stream");
    const readMore = () => {
      if (request.status !== 200 || !isStream()) return;
      const text = request.responseText;
      const fresh = text.slice(read);
      read = text.length;
      for (const { event, data } of parser.push(fresh)) {
        if (event === "progress") onProgress(JSON.parse(data));
        else if (event === "result") answer = { result: JSON.parse(data), json: data };
        else if (event === "error") reject(problemFrom(data, request.status, request.getResponseHeader("Retry-After")));
      }
    };
    const finish = () => {
      readMore();
      if (answer) resolve(answer);
      else if (request.status === 200 && isStream()) reject(brokenOff());
      else reject(problemFrom(request.responseText, request.status, request.getResponseHeader("Retry-After")));
    };

    request.upload.addEventListener("progress", (event) => onUpload(event.loaded, event.total));
    request.addEventListener("progress", guarded(readMore, reject));
    request.addEventListener("load", guarded(finish, reject));
    request.addEventListener("error", () => reject(unreachable()));
    request.addEventListener("abort", () => reject(new DOMException("Cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort(), { once: true });

    request.open("POST", ANALYSES);
    request.setRequestHeader("Accept", "text/event-stream");
    request.setRequestHeader("Content-Type", contentType(recording.type));
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.send(recording);
  });
}

/** Failures inside an event handler would otherwise leave the promise open for ever. */
function guarded(work, reject) {
  return () => {
    try {
      work();
    } catch (error) {
      reject(error);
    }
  };
}

/** The service takes video, audio and bytes of no stated type, and looks at the bytes in any case. */
function contentType(type) {
  return /^(video|audio)\//.test(type) ? type : "application/octet-stream";
}

/**
 * What to offer when a WebSocket is opened. In browsers it can carry no header, and a key has no business where proxies
 * write logs: a token that the key opens for some minutes stands for it.
 * @returns {Promise<string[]>} subprotocols
 * @throws {Problem} when the service gives no token
 */
export async function protocols() {
  const headers = authorization();
  if (!headers.Authorization) return [PROTOCOL];
  let answer, text;
  try {
    answer = await fetch(TOKENS, { method: "POST", headers, cache: "no-store" });
    text = await answer.text();
  } catch {
    throw unreachable();
  }
  if (!answer.ok) throw problemFrom(text, answer.status, answer.headers.get("Retry-After"));
  return [PROTOCOL, `attune.token.${JSON.parse(text).token}`];
}

/**
 * Why a live session was refused: a browser does not tell what answered a WebSocket's handshake, so that the same
 * service is asked another way.
 * @returns {Promise<Problem>}
 */
export async function explainRefusal() {
  let answer;
  try {
    answer = await fetch(MODEL, { headers: authorization(), cache: "no-store" });
  } catch {
    return unreachable();
  }
  if (!answer.ok) return problemFrom(await answer.text(), answer.status, answer.headers.get("Retry-After"));
  return new Problem({
    title: "No live session",
    detail: "The service answers but opens no live session. Something between, a proxy say, may not pass WebSockets.",
    code: "websocket_refused",
  });
}

function problemFrom(text, status, retryAfter) {
  let document = null;
  try {
    document = JSON.parse(text);
  } catch {
    // Not the service's own answer: a proxy's page, say. The status says what there is to say.
  }
  if (!document || typeof document.code !== "string") {
    return new Problem({
      title: "Unexpected answer",
      detail: `The service, or something between, answered with status ${status}.`,
      code: `http_${status}`,
    });
  }
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new Problem({
    title: document.title ?? "The analysis failed",
    detail: document.detail ?? "",
    code: document.code,
    retryAfter: Number.isNaN(seconds) ? null : seconds,
  });
}

function unreachable() {
  return new Problem({
    title: "Connection lost",
    detail: "The service cannot be reached, or the connection broke off. Check the network and try again.",
    code: "connection_lost",
  });
}

function brokenOff() {
  return new Problem({
    title: "Connection lost",
    detail: "The answer broke off before the result was there. Try again.",
    code: "connection_lost",
  });
}
