/** What the camera shows, as in a mirror, with the faces framed. */

import { Boxes } from "../boxes.js";
import { element } from "../dom.js";
import { ranked } from "../format.js";
import { startPlaying } from "../transport.js";

/** Seconds of media after which a frame without news is taken away. */
const STALE = 0.3;

/** The camera's picture; for sound alone, words. */
export class Preview {
  element;
  #video = null;
  #boxes = null;
  #veil = element("p", { class: "veil" }, "Paused: nothing is sent");

  /** @param {MediaStream} stream */
  constructor(stream) {
    const [camera] = stream.getVideoTracks();
    this.element = element("div", { class: camera ? "stage" : "stage stage-sound" });
    this.#veil.hidden = true;
    if (camera) this.#showCamera(stream, camera.getSettings().facingMode !== "environment");
    else this.element.append(element("p", {}, "Sound without a picture"));
    this.element.append(this.#veil);
  }

  /**
   * Frame everyone on show.
   * @param {import("./history.js").History} history
   * @param {number|null} selected id of the person whose numbers are on show
   */
  frame(history, selected) {
    if (!this.#boxes) return;
    const people = history.onShow;
    this.#boxes.keep(new Set(people.map(({ id }) => id)));
    for (const person of people) {
      const { box, probabilities, speaking } = person.step(person.length - 1);
      const there = box && person.newest > history.newest - STALE;
      const name = `${person.id} · ${ranked(probabilities)[0][0]}${speaking ? " · speaks" : ""}`;
      this.#boxes.show(person.id, there ? box : null, name, person.id === selected);
    }
  }

  /** Take all frames away. */
  clear() {
    this.#boxes?.clear();
  }

  /** Hold the picture, or let it run. @param {boolean} paused */
  pause(paused) {
    if (this.#veil.hidden === !paused) return;
    this.#veil.hidden = !paused;
    if (paused) this.#video?.pause();
    else if (this.#video) startPlaying(this.#video);
  }

  /** Let go of the camera. */
  close() {
    if (this.#video) this.#video.srcObject = null;
  }

  #showCamera(stream, mirrored) {
    const video = element("video", {
      autoplay: true, playsinline: true, disablepictureinpicture: true, "aria-label": "The camera",
      class: mirrored ? "mirrored" : null,
    });
    video.muted = true; // nobody wants to hear themselves
    video.srcObject = stream;
    // The shape of the frame is that of the picture, so that fractions of the one are fractions of the other.
    video.addEventListener("resize", () => {
      if (video.videoWidth) this.element.style.setProperty("--aspect", String(video.videoWidth / video.videoHeight));
    });
    this.#video = video;
    this.element.append(video);
    this.#boxes = new Boxes(this.element, mirrored);
  }
}
