/** A result on the page: the recording, the people in it, and one moment that everything shows. */

import { Charts } from "./charts.js";
import { element, oncePerFrame, uniqueId } from "./dom.js";
import { clock, count, describeMedia, evidence, headline, percent, ranked } from "./format.js";
import { summaryCard } from "./people.js";
import { Player } from "./player.js";
import { timelineTable } from "./table.js";
import { Tabs } from "./tabs.js";
import { Track } from "./track.js";

const ANNOUNCE = 700; // milliseconds between two announcements of the moment

const CAPTION =
  "Line: the probability of each emotion, from 0 to 100 %, following the person over the last seconds. Strip below it: " +
  "attention, the moments that weighed for this emotion over the whole recording; the deeper the colour, the more. Sound " +
  "lag: how far back the sound lies that each moment leaned on most, from now (bottom) to a second ago (top). Pass over the " +
  "charts, or use the arrow keys, to move through the recording.";
const WHOSE_VOICE =
  "With several faces the voice counts for the one whose mouth moves with it; until that is clear, for everyone on show.";

/**
 * @typedef {object} Subject
 * @property {string} name the heading
 * @property {string[]} facts lines below it, besides the model
 * @property {File|null} recording what the browser plays; null for a session, whose pictures nobody kept
 * @property {HTMLElement|null} aside in place of the recording
 * @property {string} file name of the download
 * @property {string} again words of the button that leads on
 * @property {() => void} onAgain
 */

/** Everything about one analysed recording or session. */
export class ResultView {
  #tracks;
  #selected = null;
  #player = null;
  #charts = null;
  #tabs;
  #person = element("div", { class: "person", id: uniqueId("person") });
  #timeline = element("div", { class: "card timeline" });
  #moment = element("p", { class: "moment" });
  #spoken = element("p", { class: "visually-hidden announcement", "aria-live": "polite" });
  #announceTimer = null;
  #time = null;
  #download;

  /**
   * @param {HTMLElement} container emptied first
   * @param {{result: object, json: string}} answer
   * @param {Subject} subject
   */
  constructor(container, { result, json }, subject) {
    this.#tracks = result.people.filter(({ timeline }) => timeline.length).map((person) => new Track(person));
    this.#download = URL.createObjectURL(new Blob([json], { type: "application/json" }));
    const screen = element("div", { class: "screen" }, subject.aside ?? "");
    const overview = element("div", { class: "card overview" }, screen, this.#person);
    container.replaceChildren(this.#heading(container, result, subject), overview);
    if (subject.recording) {
      const onTime = oncePerFrame((time) => this.#show(time));
      this.#player = new Player(screen, subject.recording, result, this.#tracks, onTime);
    }
    if (!this.#tracks.length) {
      this.#person.append(nobody());
      return;
    }
    this.#addTimeline(result);
    container.append(this.#timeline, this.#spoken);
    if (this.#tracks.length > 1) {
      this.#addTabs();
      container.insertBefore(this.#tabs.element, overview);
      screen.append(element("p", { class: "hint" }, WHOSE_VOICE));
    }
    this.#choose(this.#tracks[0]);
  }

  /** Let go of the recording and of everything drawn. */
  close() {
    clearTimeout(this.#announceTimer);
    this.#player?.close();
    this.#charts?.close();
    URL.revokeObjectURL(this.#download);
  }

  #heading(container, result, { name, facts, file, again, onAgain }) {
    const leave = element("button", { type: "button", class: "button quiet again" }, again);
    leave.addEventListener("click", onAgain);
    const download = element("a", { class: "button download", href: this.#download, download: file }, "Download JSON");
    const { model } = result;
    const lines = [
      [describeMedia(result.media), count(result.people.length, "person", "people")].join(" · "),
      ...facts,
      `Model ${model.name} ${model.version} (${model.provider})`,
    ];
    return element(
      "div",
      { class: "result-head" },
      element(
        "div",
        {},
        element("h2", { id: `${container.id}-title`, tabindex: -1 }, name),
        ...lines.map((line) => element("p", { class: "hint" }, line)),
      ),
      element("div", { class: "actions" }, download, leave),
    );
  }

  #addTabs() {
    const choose = (id) => this.#choose(this.#tracks.find((track) => track.id === id));
    this.#tabs = new Tabs("People in the recording", this.#person.id, choose);
    for (const { id, summary } of this.#tracks) this.#tabs.add(id, headline(summary));
    this.#person.setAttribute("role", "tabpanel");
  }

  #addTimeline(result) {
    const head = element("div", { class: "timeline-head" }, element("h3", {}, "Over time"), this.#moment);
    this.#timeline.append(head);
    this.#charts = new Charts(this.#timeline, result, (time, kind) => {
      if (kind === "hover" && this.#player?.playing) return;
      this.#player?.seek(time);
      this.#show(time);
      this.#announce();
    });
    this.#timeline.append(element("p", { class: "hint caption" }, CAPTION));
  }

  #choose(track) {
    this.#selected = track;
    this.#tabs?.select(track.id);
    if (this.#tabs) this.#person.setAttribute("aria-labelledby", this.#tabs.idOf(track.id));
    this.#person.replaceChildren(summaryCard(track.summary));
    this.#timeline.querySelector(".table-view")?.remove();
    this.#timeline.append(timelineTable(track));
    this.#charts.show(track);
    const known = this.#time !== null && track.indexAt(this.#time) >= 0;
    if (!known && !this.#player?.playing) this.#player?.seek(track.times[0]);
    this.#show(known ? this.#time : track.times[0]);
  }

  #show(time) {
    this.#time = time;
    if (!this.#selected) return;
    this.#charts.setTime(time);
    this.#player?.frame(time, this.#selected.id);
    this.#moment.textContent = this.#inWords(time);
  }

  #inWords(time) {
    const index = this.#selected.indexAt(time);
    if (index < 0) return `At ${clock(time)}: nothing of this person`;
    const { probabilities, modalities } = this.#selected.steps[index];
    const [[label, probability]] = ranked(probabilities);
    const basis = modalities.length ? `by ${evidence(modalities)}` : "by what came before";
    return `At ${clock(time)}: ${label} ${percent(probability)}, ${basis}`;
  }

  /** Tell assistive technology, at most so often and only where somebody moves the cursor: not as the recording plays. */
  #announce() {
    this.#announceTimer ??= setTimeout(() => {
      this.#announceTimer = null;
      this.#spoken.textContent = this.#inWords(this.#time);
    }, ANNOUNCE);
  }
}

function nobody() {
  return element(
    "div",
    { class: "summary" },
    element("p", { class: "finding" }, element("strong", { class: "finding-label" }, "Nobody found")),
    element("p", { class: "explanation" }, "There is no face for long enough and no speech here, so nothing is said."),
  );
}
