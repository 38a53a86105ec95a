/** The timeline as a table: the same numbers for those who cannot use the charts. */

import { element, uniqueId } from "./dom.js";
import { clock, evidence, LABELS, percent } from "./format.js";

const MOST_ROWS = 300;
const DISTANCES = [0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

/**
 * Which steps a table shows: about one each so many seconds, so few that a page can hold them.
 * @param {import("./track.js").Track} track
 * @returns {{distance: number, indices: number[]}} `distance` in seconds
 */
export function tableRows(track) {
  const length = track.length ? track.times[track.length - 1] - track.times[0] : 0;
  const distance = DISTANCES.find((candidate) => length / candidate < MOST_ROWS) ?? length / MOST_ROWS;
  const indices = [];
  let next = -Infinity;
  track.times.forEach((time, i) => {
    if (time < next - 1e-6) return;
    indices.push(i);
    next = (Math.floor(time / distance + 1e-6) + 1) * distance;
  });
  return { distance, indices };
}

/**
 * A table that is built when it is first opened.
 * @param {import("./track.js").Track} track
 * @returns {HTMLElement}
 */
export function timelineTable(track) {
  const details = element("details", { class: "table-view" }, element("summary", {}, "The timeline as a table"));
  details.addEventListener("toggle", () => details.append(...build(track)), { once: true });
  return details;
}

function build(track) {
  const { distance, indices } = tableRows(track);
  const described = uniqueId("table");
  const head = ["Time", ...LABELS, "Attention to", "Sound lag", "Evidence"];
  const body = indices.map((i) => {
    const { time, probabilities, modalities } = track.steps[i];
    const lag = track.lags[i];
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, clock(time)),
      ...LABELS.map((label) => element("td", {}, percent(probabilities[label]))),
      element("td", {}, attended(track, i)),
      element("td", {}, Number.isNaN(lag) ? "–" : clock(lag)),
      element("td", {}, evidence(modalities)),
    );
  });
  const explanation =
    `Person ${track.id}: probabilities of what is expressed, about every ${distance} s. “Attention to” names the ` +
    "emotions for which the moment weighs at least twice the average. The JSON holds every step.";
  const table = element(
    "table",
    { "aria-describedby": described },
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...body),
  );
  return [
    element("p", { class: "hint", id: described }, explanation),
    element("div", { class: "table-scroll", role: "region", tabindex: 0, "aria-label": "Timeline" }, table),
  ];
}

function attended(track, index) {
  const names = LABELS.filter((_, l) => track.attention[l][index] * track.length >= 2);
  return names.join(", ") || "–";
}
