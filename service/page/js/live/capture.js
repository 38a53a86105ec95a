/** Camera and microphone, in the pieces that the browser's own recorder makes. */

import { Problem } from "../api.js";

const SLICE = 100; // milliseconds of media in a piece
const KEY_FRAMES = 2_000; // milliseconds between pictures that decoding can start from
const RATE = 1_500_000; // bits of video in a second
const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 } };
/** The cheapest to make and to decode first. All can be read as they grow. */
const FORMATS = {
  video: ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/webm", "video/mp4"],
  audio: ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"],
};

/** One recording of what camera and microphone give. */
export class Capture {
  stream;
  #recorder;
  #began = null;
  #before = 0;
  #stopped;
  #asked = false;

  /**
   * @param {MediaStream} stream
   * @param {{onMedia: (media: Blob) => void, onEnd: () => void}} handlers `onEnd` is told where the devices or
   *   their recorder end by themselves
   */
  constructor(stream, { onMedia, onEnd }) {
    this.stream = stream;
    const kind = stream.getVideoTracks().length ? "video" : "audio";
    this.#recorder = new MediaRecorder(stream, {
      mimeType: FORMATS[kind].find((format) => MediaRecorder.isTypeSupported(format)),
      videoBitsPerSecond: RATE,
      videoKeyFrameIntervalDuration: KEY_FRAMES,
    });
    this.#recorder.addEventListener("dataavailable", ({ data }) => data.size && onMedia(data));
    this.#recorder.addEventListener("start", () => (this.#began = performance.now()));
    this.#stopped = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve));
    for (const track of stream.getTracks()) track.addEventListener("ended", onEnd);
    for (const end of ["error", "stop"]) this.#recorder.addEventListener(end, () => this.#asked || onEnd());
    this.#recorder.start(SLICE);
  }

  /** Seconds recorded so far. */
  get elapsed() {
    return this.#before + (this.#began === null ? 0 : (performance.now() - this.#began) / 1000);
  }

  /** Record nothing for a while. */
  pause() {
    this.#before = this.elapsed;
    this.#began = null;
    this.#recorder.requestData();
    this.#recorder.pause();
  }

  /** Record again. */
  resume() {
    this.#began = performance.now();
    this.#recorder.resume();
  }

  /**
   * End, and let go of the devices.
   * @returns {Promise<void>} once the last piece is handed on
   */
  async stop() {
    this.#asked = true;
    this.#before = this.elapsed;
    this.#began = null;
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    await this.#stopped;
    for (const track of this.stream.getTracks()) track.stop();
  }
}

/**
 * Ask for camera and microphone; for one of them where the other does not exist.
 * @returns {Promise<MediaStream>}
 * @throws {Problem} where the browser gives neither
 */
export async function openDevices() {
  if (!navigator.mediaDevices || !window.MediaRecorder) throw problem("unsupported");
  let missing = null;
  for (const wanted of [{ video: PICTURE, audio: true }, { video: PICTURE }, { audio: true }]) {
    try {
      return await navigator.mediaDevices.getUserMedia(wanted);
    } catch (error) {
      if (error.name !== "NotFoundError") throw problem(error.name);
      missing = error;
    }
  }
  throw problem(missing.name);
}

const REASONS = {
  unsupported: ["No camera here", "Browsers give camera and microphone only to pages from HTTPS or from this machine."],
  NotAllowedError: ["Not allowed", "The browser keeps camera and microphone from this page. Allow them and try again."],
  NotFoundError: ["No camera, no microphone", "Connect a camera or a microphone and try again."],
  NotReadableError: ["Camera in use", "Another program seems to use the camera or the microphone. End it and try again."],
};

function problem(name) {
  const [title, detail] = REASONS[name] ?? ["No camera", `The browser gives neither camera nor microphone (${name}).`];
  return new Problem({ title, detail, code: "no_devices" });
}
