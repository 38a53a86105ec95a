/** What a session measured of one person, step by step. */

import { LABELS } from "../format.js";
import { firstAfter } from "../track.js";
import { Column } from "./columns.js";
import { Normaliser, weight } from "./normaliser.js";

const STEP = 0.04; // seconds from one step of the grid to the next
const HALF = STEP / 2;
const [SPEECH, AUDIO, VIDEO, SPEAKS, LISTENS] = [1, 2, 4, 8, 16];
const SIDES = ["x", "y", "width", "height"];

/** One person's steps in columns, and the attention that each has won so far. */
export class PersonHistory {
  #times = new Column();
  #probabilities = LABELS.map(() => new Column());
  #scores = LABELS.map(() => new Column());
  #box = SIDES.map(() => new Column());
  #lags = new Column();
  #leans = new Column();
  #flags = new Column();
  #normalisers = LABELS.map(() => new Normaliser());
  #weighing = 0;

  /** @param {number} id */
  constructor(id) {
    this.id = id;
  }

  get length() {
    return this.#times.length;
  }

  /** Seconds of media of the newest step. */
  get newest() {
    return this.length ? this.#times.at(this.length - 1) : -Infinity;
  }

  /** @param {object} measurement later than all before it */
  add({ time, box, probabilities, scores, alignment, speech, modalities, speaking }) {
    const audio = modalities.includes("audio");
    const video = modalities.includes("video");
    this.#times.push(time);
    LABELS.forEach((label, i) => {
      this.#probabilities[i].push(probabilities[label]);
      this.#scores[i].push(scores[label]);
    });
    SIDES.forEach((side, i) => this.#box[i].push(box ? box[side] : NaN));
    this.#lags.push(alignment ? alignment.lag : NaN);
    this.#leans.push(alignment ? alignment.weight : NaN);
    const speaker = speaking === true ? SPEAKS : speaking === false ? LISTENS : 0;
    this.#flags.push((speech ? SPEECH : 0) | (audio ? AUDIO : 0) | (video ? VIDEO : 0) | speaker);
    this.#weigh(this.length - 1);
  }

  /** Forget everything from a time on. @param {number} time in seconds of media */
  rewind(time) {
    const kept = firstAfter(this.#times.from(), time - HALF);
    if (kept === this.length) return;
    const columns = [this.#times, ...this.#probabilities, ...this.#scores, ...this.#box, this.#lags, this.#leans];
    for (const column of [...columns, this.#flags]) column.truncate(kept);
    this.#normalisers = LABELS.map(() => new Normaliser());
    this.#weighing = 0;
    for (let i = 0; i < kept; i++) this.#weigh(i);
  }

  /**
   * A step as an upload's timeline has it.
   * @param {number} index
   */
  step(index) {
    const flags = this.#flags.at(index);
    const [x, y, width, height] = this.#box.map((column) => column.at(index));
    return {
      time: this.#times.at(index),
      box: Number.isNaN(x) ? null : { x, y, width, height },
      probabilities: Object.fromEntries(LABELS.map((label, i) => [label, this.#probabilities[i].at(index)])),
      speech: Boolean(flags & SPEECH),
      speaking: flags & SPEAKS ? true : flags & LISTENS ? false : null,
      modalities: [...(flags & AUDIO ? ["audio"] : []), ...(flags & VIDEO ? ["video"] : [])],
    };
  }

  /** The sound that a step leaned on most. @param {number} index */
  alignment(index) {
    const lag = this.#lags.at(index);
    return Number.isNaN(lag) ? null : { lag, weight: this.#leans.at(index) };
  }

  /**
   * How much each step weighed for one emotion; with the normaliser of the whole session it sums to 1 over the session.
   * @param {number} label index of the emotion
   * @param {{m: number, l: number}} [normaliser] that of the session so far where none is given
   * @param {number} [from] index of the first step
   * @returns {Float64Array}
   */
  attention(label, normaliser = this.#normalisers[label], from = 0) {
    const flags = this.#flags.from(from);
    return this.#scores[label]
      .from(from)
      .map((score, i) => (flags[i] & (AUDIO | VIDEO) ? weight(score, normaliser) : 0));
  }

  /**
   * The newest steps, for the charts.
   * @param {number} from seconds of media
   * @returns {import("../track.js").Columns}
   */
  since(from) {
    const first = firstAfter(this.#times.from(), from - HALF);
    const flags = this.#flags.from(first);
    return {
      length: this.length - first,
      interval: STEP,
      times: this.#times.from(first),
      probabilities: this.#probabilities.map((column) => column.from(first)),
      attention: LABELS.map((_, label) => this.attention(label, undefined, first)),
      strongest: this.#normalisers.map(({ l }) => Math.max(1 / l, 3 / this.#weighing)),
      lags: this.#lags.from(first),
      leans: this.#leans.from(first),
      faces: Uint8Array.from(flags, (flag) => (flag & VIDEO ? 1 : 0)),
      heard: Uint8Array.from(flags, (flag) => (flag & SPEECH && !(flag & LISTENS) ? 1 : 0)),
    };
  }

  #weigh(index) {
    if (!(this.#flags.at(index) & (AUDIO | VIDEO))) return;
    this.#weighing += 1;
    this.#normalisers.forEach((normaliser, i) => normaliser.add(this.#scores[i].at(index)));
  }
}
