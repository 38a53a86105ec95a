/** A session with camera and microphone, from the first picture to its end. */

import { Board } from "./board.js";
import { Capture } from "./capture.js";
import { History } from "./history.js";
import { Session } from "./session.js";

/** Every face, every step; a picture that would come late is rather left out than measured late. */
const CONFIG = { input: "container", late: "drop" };

/** Joins what is recorded, sent, measured and shown. */
export class Live {
  history = new History();
  began = new Date();
  #board;
  #session;
  #capture;
  #paused = false;
  #ending = false;
  #connection = "connecting";
  #clock;

  /**
   * @param {HTMLElement} container
   * @param {MediaStream} stream
   * @param {{onSummary: (summary: object) => void, onProblem: (problem: import("../api.js").Problem) => void,
   *   onLeave: () => void}} handlers
   */
  constructor(container, stream, { onSummary, onProblem, onLeave }) {
    this.#board = new Board(container, stream, this.history, {
      onPause: () => (this.#paused ? this.#goOn() : this.pause()),
      onStop: () => this.#stop(),
      onLeave,
    });
    this.#session = new Session(streamUrl(), CONFIG, {
      onMessage: (message) => this.#hear(message),
      onRewind: (time) => this.history.rewind(time),
      onState: (state) => this.#show(state),
      onSummary,
      onProblem,
    });
    const onMedia = (media) => this.#session.send(media);
    this.#capture = new Capture(stream, { onMedia, onEnd: () => this.#stop() });
    this.#clock = setInterval(() => (this.#board.elapsed = this.#capture.elapsed), 500);
  }

  /** What was said so far, in order. */
  get utterances() {
    return this.#board.utterances.all;
  }

  /** Record and send nothing for a while. */
  pause() {
    if (this.#paused || this.#ending) return;
    this.#paused = true;
    this.#capture.pause();
    this.#show();
  }

  /** End at once. */
  close() {
    clearInterval(this.#clock);
    this.#session.leave();
    this.#capture.stop();
    this.#board.close();
  }

  #goOn() {
    this.#paused = false;
    this.#capture.resume();
    this.#show();
  }

  async #stop() {
    if (this.#ending) return;
    this.#ending = true;
    this.#show();
    await this.#capture.stop();
    this.#session.finish();
  }

  #show(connection = this.#connection) {
    this.#connection = connection;
    this.#board.state = this.#ending ? "ending" : this.#paused ? "paused" : connection;
  }

  #hear(message) {
    if (message.type === "measurement") this.#measure(message);
    else if (message.type === "utterance.end") this.#board.utterances.add(message);
    else if (message.type === "frames.dropped") this.#board.facts.drop(message.dropped);
  }

  #measure(measurement) {
    this.history.add(measurement);
    this.#board.update(measurement, this.#capture.elapsed - measurement.time);
  }
}

function streamUrl() {
  const url = new URL("v1/stream", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  return url.href;
}
