/** File: a recording chosen, sent and analysed, and its result. */

import { analyse, Problem } from "./api.js";
import { byId } from "./dom.js";
import { clock, count, size } from "./format.js";
import { listenForRecordings } from "./intake.js";
import { ResultView } from "./result.js";

/** Which part is on show: choosing, working, a result. */
export class FileMode {
  #problems;
  /** @type {AbortController|null} */
  #running = null;
  /** @type {ResultView|null} */
  #view = null;

  /** @param {import("./problems.js").Problems} problems */
  constructor(problems) {
    this.#problems = problems;
    const panel = byId("file-mode");
    byId("cancel").addEventListener("click", () => this.#running?.abort());
    listenForRecordings({
      onFile: (file) => this.#start(file),
      onProblem: (problem) => problems.show(problem),
      ready: () => this.#running === null && !panel.hidden,
    });
  }

  async #start(file) {
    this.#close();
    this.#running = new AbortController();
    this.#problems.hide();
    byId("status-name").textContent = `Analysing ${file.name}`;
    follow("Starting", null);
    display("status");
    byId("cancel").focus();
    try {
      const answer = await analyse(file, {
        signal: this.#running.signal,
        onUpload: (sent, total) => {
          if (sent < total) follow(`Sent ${size(sent)} of ${size(total)}`, sent / total);
          else follow(`Sent ${size(total)}, analysing`, null);
        },
        onProgress: ({ seconds, people }) => {
          follow(`Analysed ${clock(seconds, 1)} · ${count(people, "person", "people")} so far`, null);
        },
      });
      this.#showResult(answer, file);
    } catch (error) {
      display("intake");
      if (error.name === "AbortError") byId("file").focus();
      else if (error instanceof Problem) this.#problems.show(error, { onKey: () => this.#start(file) });
      else {
        this.#problems.show(new Problem({ title: "The page failed", detail: String(error), code: "page_failed" }));
        throw error;
      }
    } finally {
      this.#running = null;
    }
  }

  #showResult(answer, file) {
    display("result");
    this.#view = new ResultView(byId("result"), answer, {
      name: file.name,
      facts: [],
      recording: file,
      aside: null,
      file: `${file.name.replace(/\.[^.]*$/, "") || "recording"}.attune.json`,
      again: "New recording",
      onAgain: () => this.#chooseAnother(),
    });
    byId("result-title").focus();
  }

  #close() {
    this.#view?.close();
    this.#view = null;
    byId("result").replaceChildren();
  }

  #chooseAnother() {
    this.#close();
    display("intake");
    byId("file").focus();
  }
}

/**
 * Show one state and hide the others.
 * @param {"intake"|"status"|"result"} state
 */
function display(state) {
  for (const id of ["intake", "status", "result"]) byId(id).hidden = id !== state;
}

/**
 * @param {string} text
 * @param {number|null} share of the work done; null where that is not known
 */
function follow(text, share) {
  byId("status-text").textContent = text;
  const bar = byId("progress");
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}
