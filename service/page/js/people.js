/** Choosing a person (tabs after the ARIA pattern), and what is said of one over the whole recording. */

import { element } from "./dom.js";
import { evidence, explanation, headline, LABELS, percent } from "./format.js";

/**
 * Tabs, one for each person.
 * @param {import("./track.js").Track[]} tracks at least one
 * @param {string} panel id of the element that shows the chosen person
 * @param {(track: import("./track.js").Track) => void} onChoose
 * @returns {HTMLElement}
 */
export function personTabs(tracks, panel, onChoose) {
  const tabs = tracks.map((track) =>
    element(
      "button",
      { type: "button", role: "tab", id: tabId(track), "aria-controls": panel, class: "tab" },
      `Person ${track.id}`,
      element("span", { class: "tab-finding" }, headline(track.summary)),
    ),
  );
  const choose = (index) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
    });
    onChoose(tracks[index]);
  };
  const list = element("div", { role: "tablist", "aria-label": "People in the recording", class: "tabs" }, ...tabs);
  tabs.forEach((tab, i) => tab.addEventListener("click", () => choose(i)));
  list.addEventListener("keydown", (event) => {
    const current = tabs.indexOf(document.activeElement);
    const targets = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: tabs.length - 1 };
    if (current < 0 || !Object.hasOwn(targets, event.key)) return;
    event.preventDefault();
    const next = (targets[event.key] + tabs.length) % tabs.length;
    tabs[next].focus();
    choose(next);
  });
  choose(0);
  return list;
}

/**
 * @param {import("./track.js").Track} track
 * @returns {string} id of a person's tab
 */
export function tabId(track) {
  return `person-${track.id}`;
}

/**
 * The summary of a person in words and as one bar for each emotion.
 * @param {import("./track.js").Track} track
 * @returns {HTMLElement}
 */
export function summaryCard(track) {
  const { summary } = track;
  const card = element(
    "div",
    { class: "summary" },
    element(
      "p",
      { class: "finding" },
      element("span", { class: "finding-lead" }, "Expressed: "),
      element("strong", { class: "finding-label", "data-expressed": summary.expressed }, headline(summary)),
      summary.reason === null ? element("span", { class: "finding-share" }, percent(summary.confidence)) : "",
    ),
    element("p", { class: "explanation" }, explanation(summary)),
    element("p", { class: "evidence" }, "Evidence: ", element("strong", {}, evidence(summary.modalities))),
  );
  if (summary.probabilities) card.append(bars(summary.probabilities));
  return card;
}

function bars(probabilities) {
  const top = Math.max(...LABELS.map((label) => probabilities[label]));
  const rows = LABELS.map((label) => {
    const bar = element("span", { class: "bar" });
    bar.style.setProperty("--share", String(probabilities[label]));
    bar.style.setProperty("--colour", `var(--${label})`);
    const strongest = probabilities[label] === top ? "leading" : null;
    return element(
      "li",
      { class: strongest, "data-label": label },
      element("span", { class: "bar-label" }, label),
      bar,
      element("span", { class: "bar-value" }, percent(probabilities[label])),
    );
  });
  return element("ul", { class: "bars", "aria-label": "Probabilities over the whole recording" }, ...rows);
}
