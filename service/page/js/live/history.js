/** What a session measured: everyone met, and when there was speech. */

import { PersonHistory } from "./person.js";

const RATE = 25; // steps of the grid in a second

/** Seconds of media that a running session shows. */
export const MINUTE = 60;

/** Everyone met in a session, and when there was speech. */
export class History {
  /** @type {Map<number, PersonHistory>} */
  people = new Map();
  speech = new Stretches();
  /** Seconds of media of the newest measurement ever, also of one that is to be measured again. */
  newest = 0;

  /** @param {object} measurement */
  add(measurement) {
    const { id, time, speech } = measurement;
    if (!this.people.has(id)) this.people.set(id, new PersonHistory(id));
    this.people.get(id).add(measurement);
    if (speech) this.speech.add(Math.round(time * RATE));
    this.newest = Math.max(this.newest, time);
  }

  /**
   * @param {number} time of a step, in seconds of media
   * @returns {number|null} id of the person to whom the speech of that step is given; null where that is not known
   */
  speakerAt(time) {
    for (const person of this.people.values()) {
      if (person.newest === time && person.step(person.length - 1).speaking) return person.id;
    }
    return null;
  }

  /**
   * Those whom a running session shows: everyone measured within its last minute, in order of ids. Whoever is gone for
   * longer stays in the document.
   */
  get onShow() {
    const people = [...this.people.values()].sort((a, b) => a.id - b.id);
    // Not since the newest ever: what is measured again after a loss may lie long before it.
    const newest = Math.max(...people.map((person) => person.newest));
    return people.filter((person) => person.newest >= newest - MINUTE);
  }

  /** Forget everything from a time on. @param {number} time in seconds of media */
  rewind(time) {
    for (const person of this.people.values()) {
      person.rewind(time);
      if (!person.length) this.people.delete(person.id);
    }
    this.speech.rewind(Math.round(time * RATE));
  }
}

/** Steps with speech, as stretches from the first to the one after the last. */
class Stretches {
  #stretches = [];

  /** @param {number} step */
  add(step) {
    const last = this.#stretches.at(-1);
    if (last && step < last[1]) return; // heard already, of another person
    if (last && step === last[1]) last[1] = step + 1;
    else this.#stretches.push([step, step + 1]);
  }

  /** @param {number} step the first that is forgotten */
  rewind(step) {
    while (this.#stretches.length && this.#stretches.at(-1)[0] >= step) this.#stretches.pop();
    const last = this.#stretches.at(-1);
    if (last) last[1] = Math.min(last[1], step);
  }

  /**
   * @param {number} [from] leave out what ended before, in seconds of media
   * @returns {{start: number, end: number}[]} in seconds; a step hears the 40 ms before it
   */
  segments(from = 0) {
    const seconds = (step) => Math.max(step - 1, 0) / RATE;
    return this.#stretches
      .map(([first, end]) => ({ start: seconds(first), end: seconds(end) }))
      .filter(({ end }) => end >= from);
  }
}
