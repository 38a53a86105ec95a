/** The recording itself, played by the browser, with the faces framed in step with it. */

import { Boxes } from "./boxes.js";
import { element } from "./dom.js";
import { headline } from "./format.js";
import { transport } from "./transport.js";

/** Shows a picture with face boxes, or a sound, and keeps them in step with a time. */
export class Player {
  #media;
  #stage;
  #transport;
  /** @type {Boxes|null} null where there is no picture to frame faces in */
  #boxes = null;
  #tracks;
  #requested = null;
  #target = null;
  #url;

  /**
   * @param {HTMLElement} container
   * @param {Blob} recording
   * @param {object} result
   * @param {import("./track.js").Track[]} tracks
   * @param {(time: number) => void} onTime told as the recording plays or is sought by its own controls
   */
  constructor(container, recording, result, tracks, onTime) {
    this.#tracks = tracks;
    this.#url = URL.createObjectURL(recording);
    const video = result.media.has_video;
    this.#media = element(video ? "video" : "audio", {
      playsinline: video, preload: "auto", disablepictureinpicture: video, "aria-label": "The recording",
    });
    this.#stage = element("div", { class: video ? "stage" : "stage stage-sound" }, this.#media);
    if (video) {
      this.#shape(result.media.width, result.media.height);
      this.#boxes = new Boxes(this.#stage);
    } else this.#stage.append(element("p", {}, "Sound without a picture"));
    this.#transport = transport(this.#media, result.media, (time) => {
      this.seek(time);
      onTime(time);
    });
    container.append(this.#stage, this.#transport);
    this.#listen(video, onTime);
    this.#media.src = this.#url;
  }

  /** Whether the recording is running now. */
  get playing() {
    return !this.#media.paused && !this.#media.ended;
  }

  /**
   * Show the picture of a moment. Of the moments asked for while the browser is busy, only the newest is sought.
   * @param {number} time in seconds
   */
  seek(time) {
    if (this.#media.seeking || this.#media.readyState < HTMLMediaElement.HAVE_METADATA) {
      this.#target = time;
      return;
    }
    this.#target = null;
    this.#requested = time;
    this.#media.currentTime = time;
  }

  /**
   * Frame the faces of a moment.
   * @param {number} time in seconds
   * @param {number} selected id of the person on show
   */
  frame(time, selected) {
    for (const track of this.#boxes ? this.#tracks : []) {
      const index = track.indexAt(time);
      const name = `${track.id} · ${headline(track.summary)}`;
      this.#boxes.show(track.id, index < 0 ? null : track.steps[index].box, name, track.id === selected);
    }
  }

  /** Stop, and let go of the recording. */
  close() {
    this.#media.pause();
    this.#media.removeAttribute("src");
    this.#media.load();
    URL.revokeObjectURL(this.#url);
  }

  /** Width and height set the frame's shape, so that fractions of the picture are fractions of the frame. */
  #shape(width, height) {
    this.#stage.style.setProperty("--aspect", String(width / height));
  }

  #listen(video, onTime) {
    const media = this.#media;
    const tell = () => {
      if (this.#target === null) onTime(media.currentTime);
    };
    media.addEventListener("loadedmetadata", () => {
      if (this.#target !== null) this.seek(this.#target);
      if (!video) return;
      if (media.videoWidth) this.#shape(media.videoWidth, media.videoHeight);
      else this.#explain("This browser cannot show the picture, whose format it lacks. Sound and charts are complete.");
    });
    media.addEventListener("error", () => {
      if (!media.hasAttribute("src")) return;
      this.#transport.remove();
      this.#explain("This browser cannot play the recording, whose format it lacks. The charts are complete.");
    });
    media.addEventListener("timeupdate", () => this.playing && tell());
    media.addEventListener("seeked", () => {
      // Whoever asked for this moment shows it already; media keys, say, are another matter.
      const own = this.#requested !== null && Math.abs(media.currentTime - this.#requested) < 0.1;
      if (this.#target !== null) this.seek(this.#target);
      else if (!this.playing && !own) tell();
    });
    const run = () => {
      if (!this.playing) return;
      tell();
      requestAnimationFrame(run);
    };
    media.addEventListener("play", run);
  }

  /** Put words where the picture would be. */
  #explain(text) {
    this.#boxes = null;
    this.#stage.classList.add("stage-unplayable");
    this.#stage.replaceChildren(element("p", {}, text));
  }
}
