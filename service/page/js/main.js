/** What the page shows when: choosing, working, a result, a problem. */

import { analyse, Problem } from "./api.js";
import { byId, element } from "./dom.js";
import { clock, count, size } from "./format.js";
import { listenForRecordings } from "./intake.js";
import { ResultView } from "./result.js";

/** @type {AbortController|null} */
let running = null;
/** @type {ResultView|null} */
let view = null;

/**
 * Show one state and hide the others.
 * @param {"intake"|"status"|"result"} state
 */
function display(state) {
  for (const id of ["intake", "status", "result"]) byId(id).hidden = id !== state;
}

async function start(file) {
  closeResult();
  running = new AbortController();
  byId("problem").hidden = true;
  byId("status-name").textContent = `Analysing ${file.name}`;
  follow("Starting", null);
  display("status");
  byId("cancel").focus();
  try {
    const answer = await analyse(file, {
      signal: running.signal,
      onUpload: (sent, total) => {
        if (sent < total) follow(`Sent ${size(sent)} of ${size(total)}`, sent / total);
        else follow(`Sent ${size(total)}, analysing`, null);
      },
      onProgress: ({ seconds, people }) => {
        follow(`Analysed ${clock(seconds, 1)} · ${count(people, "person", "people")} so far`, null);
      },
    });
    showResult(answer, file);
  } catch (error) {
    display("intake");
    if (error.name === "AbortError") byId("file").focus();
    else if (error instanceof Problem) showProblem(error);
    else {
      showProblem(new Problem({ title: "The page failed", detail: String(error), code: "page_failed" }));
      throw error;
    }
  } finally {
    running = null;
  }
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

function showResult(answer, file) {
  display("result");
  view = new ResultView(byId("result"), answer, file, chooseAnother);
  byId("result-title").focus();
}

function closeResult() {
  view?.close();
  view = null;
  byId("result").replaceChildren();
}

function chooseAnother() {
  closeResult();
  display("intake");
  byId("file").focus();
}

function showProblem(problem) {
  const box = byId("problem");
  const later = problem.retryAfter === null ? "" : ` Try again in ${count(problem.retryAfter, "second", "seconds")}.`;
  box.replaceChildren(
    element("h2", {}, problem.title),
    element("p", {}, `${problem.detail}${later}`),
    element("p", { class: "hint" }, "Code: ", element("code", {}, problem.code)),
  );
  box.hidden = false;
  box.focus();
}

byId("cancel").addEventListener("click", () => running?.abort());
listenForRecordings({ onFile: start, onProblem: showProblem, ready: () => running === null });
