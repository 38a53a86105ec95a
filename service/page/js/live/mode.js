/** Live: consent, a session with camera and microphone, its summary. */

import { Problem } from "../api.js";
import { byId, element } from "../dom.js";
import { clock, count } from "../format.js";
import { ResultView } from "../result.js";
import { openDevices } from "./capture.js";
import { droppedInWords } from "./facts.js";
import { Live } from "./live.js";
import { fragment, record } from "./record.js";
import { utteranceList } from "./utterances.js";

/** Which part is on show: consent, a session, a summary. */
export class LiveMode {
  #problems;
  /** @type {Live|null} */
  #live = null;
  #hidden = false;
  /** @type {ResultView|null} */
  #view = null;

  /** @param {import("../problems.js").Problems} problems */
  constructor(problems) {
    this.#problems = problems;
    byId("live-host").textContent = location.host;
    byId("agree").addEventListener("click", () => this.#start());
  }

  /** The page shows this again; a session stays paused until somebody lets it go on. */
  show() {
    this.#hidden = false;
  }

  /** The page shows something else: nobody is filmed who does not see it. */
  hide() {
    this.#hidden = true;
    this.#live?.pause();
  }

  async #start() {
    this.#problems.hide();
    const agree = byId("agree");
    agree.disabled = true;
    try {
      const stream = await openDevices();
      if (this.#hidden) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      display("session");
      this.#live = new Live(byId("session"), stream, {
        onSummary: (summary) => this.#summarise(summary),
        onProblem: (problem) => this.#fail(problem),
        onLeave: () => this.#again(),
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#problems.show(error);
    } finally {
      agree.disabled = false;
    }
  }

  #summarise(summary) {
    const { history, utterances, began } = this.#live;
    const result = record(summary, history, utterances);
    this.#close();
    display("live-result");
    this.#view = new ResultView(byId("live-result"), { result, json: JSON.stringify(result) }, {
      name: `Session of ${began.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`,
      facts: [frames(summary.media), `${clock(summary.speech.seconds, 1)} of speech`],
      recording: null,
      aside: utteranceList(utterances) ?? element("p", { class: "hint" }, "Nothing was said."),
      file: fileName(began),
      again: "New session",
      onAgain: () => this.#again(),
    });
    byId("live-result-title").focus();
  }

  #fail(problem) {
    const { history, utterances, began } = this.#live;
    this.#again();
    const more = [];
    if (history.people.size) {
      const json = JSON.stringify(fragment(history, utterances));
      const href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
      more.push(element("p", {}, element("a", { href, download: fileName(began) }, "Download what was measured until then")));
    }
    this.#problems.show(problem, { more, onKey: () => this.#start() });
  }

  #again() {
    this.#close();
    display("consent");
    byId("agree").focus();
  }

  #close() {
    this.#live?.close();
    this.#live = null;
    this.#view?.close();
    this.#view = null;
    byId("session").replaceChildren();
    byId("live-result").replaceChildren();
  }
}

/** @param {"consent"|"session"|"live-result"} state */
function display(state) {
  document.body.classList.toggle("running", state === "session");
  for (const id of ["consent", "session", "live-result"]) byId(id).hidden = id !== state;
}

function frames({ frames: received, measured, off_grid: offGrid, dropped }) {
  const parts = [`${measured} measured`, `${offGrid} between two steps`, `dropped: ${droppedInWords(dropped)}`];
  return `${count(received, "picture", "pictures")}: ${parts.join(", ")}`;
}

function fileName(began) {
  return `session-${began.toISOString().slice(0, 16).replaceAll(/[:T]/g, "-")}.attune.json`;
}
