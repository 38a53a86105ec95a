/** A result on the page: the recording, the people in it, and one moment that everything shows. */

import { Charts } from "./charts.js";
import { element, oncePerFrame } from "./dom.js";
import { clock, count, describeMedia, evidence, percent, ranked } from "./format.js";
import { personTabs, summaryCard, tabId } from "./people.js";
import { Player } from "./player.js";
import { timelineTable } from "./table.js";
import { Track } from "./track.js";

const PANEL = "person";
const ANNOUNCE = 700; // milliseconds between two announcements of the moment

const CAPTION =
  "Line: the probability of each emotion, from 0 to 100 %, following the person over the last seconds. Strip below it: " +
  "attention, the moments that weighed for this emotion over the whole recording; the deeper the colour, the more. Sound " +
  "lag: how far back the sound lies that each moment leaned on most, from now (bottom) to a second ago (top). Pass over the " +
  "charts, or use the arrow keys, to move through the recording.";

/** Everything about one analysed recording. */
export class ResultView {
  #tracks;
  #selected;
  #player;
  #charts = null;
  #moment = element("p", { class: "moment", id: "moment" });
  #spoken = element("p", { class: "visually-hidden", "aria-live": "polite", id: "announcement" });
  #announceTimer = null;
  #download;

  /**
   * @param {HTMLElement} container emptied first
   * @param {{result: object, json: string}} answer
   * @param {File} recording
   * @param {() => void} onAgain told when somebody wants to choose another recording
   */
  constructor(container, { result, json }, recording, onAgain) {
    this.#tracks = result.people.map((person) => new Track(person));
    this.#selected = this.#tracks[0] ?? null;
    this.#download = URL.createObjectURL(new Blob([json], { type: "application/json" }));
    const screen = element("div", { class: "screen" });
    const person = element("div", { id: PANEL, class: "person" });
    const timeline = element("div", { class: "card timeline" });
    const several = this.#tracks.length > 1;

    container.replaceChildren(this.#heading(result, recording, onAgain));
    container.append(element("div", { class: "card overview" }, screen, person));
    const onTime = oncePerFrame((time) => this.#show(time));
    this.#player = new Player(screen, recording, result, this.#tracks, onTime);
    if (!this.#selected) {
      person.append(nobody());
      return;
    }
    this.#addTimeline(timeline, result);
    container.append(timeline, this.#spoken);
    const choose = (track) => this.#choose(track, person, timeline, several);
    if (several) {
      person.setAttribute("role", "tabpanel");
      container.insertBefore(personTabs(this.#tracks, PANEL, choose), container.children[1]);
      screen.append(element("p", { class: "hint" }, "Attune cannot tell who speaks: the voice counts for everyone on show."));
    } else choose(this.#selected);
  }

  /** Let go of the recording and of everything drawn. */
  close() {
    clearTimeout(this.#announceTimer);
    this.#player.close();
    this.#charts?.close();
    URL.revokeObjectURL(this.#download);
  }

  #heading(result, recording, onAgain) {
    const again = element("button", { type: "button", class: "button quiet", id: "again" }, "New recording");
    again.addEventListener("click", onAgain);
    const name = `${recording.name.replace(/\.[^.]*$/, "") || "recording"}.attune.json`;
    const download = element("a", { class: "button", id: "download", href: this.#download, download: name }, "Download JSON");
    const facts = `${describeMedia(result.media)} · ${count(result.people.length, "person", "people")}`;
    const model = `Model ${result.model.name} ${result.model.version} (${result.model.provider})`;
    return element(
      "div",
      { class: "result-head" },
      element(
        "div",
        {},
        element("h2", { id: "result-title", tabindex: -1 }, recording.name),
        element("p", { class: "hint" }, facts),
        element("p", { class: "hint" }, model),
      ),
      element("div", { class: "actions" }, download, again),
    );
  }

  #addTimeline(timeline, result) {
    timeline.append(
      element("div", { class: "timeline-head" }, element("h3", {}, "Over time"), this.#moment),
    );
    this.#charts = new Charts(timeline, result, (time, kind) => {
      if (kind === "hover" && this.#player.playing) return;
      this.#player.seek(time);
      this.#show(time);
      this.#announce();
    });
    timeline.append(element("p", { class: "hint caption" }, CAPTION));
  }

  #choose(track, person, timeline, several) {
    this.#selected = track;
    person.replaceChildren(summaryCard(track));
    if (several) person.setAttribute("aria-labelledby", tabId(track));
    timeline.querySelector(".table-view")?.remove();
    timeline.append(timelineTable(track));
    this.#charts.show(track);
    const known = this.#time !== null && track.indexAt(this.#time) >= 0;
    if (!known && !this.#player.playing) this.#player.seek(track.times[0]);
    this.#show(known ? this.#time : track.times[0]);
  }

  #time = null;

  #show(time) {
    this.#time = time;
    if (!this.#selected) return;
    this.#charts.setTime(time);
    this.#player.frame(time, this.#selected.id);
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
