/** A session as one document, in the form of an upload's result. */

import { LABELS } from "../format.js";

/**
 * @param {object} summary the service's `session.summary`
 * @param {import("./history.js").History} history
 * @param {object[]} utterances what the service said of each
 * @returns {object} a result; `media`, `speech` and `people` hold a session's own fields beside those of an upload
 */
export function record(summary, history, utterances) {
  const { model, media, speech, people } = summary;
  const segments = history.speech.segments().map(({ start, end }) => ({ start, end: Math.min(end, media.duration) }));
  return {
    model,
    media,
    speech: { ...speech, segments },
    people: people.map((person) => ({ ...person, ...steps(history.people.get(person.id), person.normaliser) })),
    utterances,
  };
}

/**
 * What is known of a session that broke off.
 * @param {import("./history.js").History} history
 * @param {object[]} utterances
 * @returns {object} without what only the service's summary says
 */
export function fragment(history, utterances) {
  const people = [...history.people.values()].map((person) => ({ id: person.id, ...steps(person) }));
  return { speech: { segments: history.speech.segments() }, people, utterances };
}

/** @param {import("./person.js").PersonHistory|undefined} person */
function steps(person, normaliser) {
  const indices = Array.from({ length: person?.length ?? 0 }, (_, i) => i);
  return {
    timeline: indices.map((i) => person.step(i)),
    attention: Object.fromEntries(
      LABELS.map((label, i) => [label, person ? [...person.attention(i, normaliser?.[label])] : []]),
    ),
    alignment: indices.map((i) => person.alignment(i)),
  };
}
