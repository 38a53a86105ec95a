/** Play, position and sound of a recording, under the picture and not over it, where the faces are. */

import { element } from "./dom.js";
import { clock } from "./format.js";

/**
 * @param {HTMLMediaElement} media
 * @param {{duration: number, has_audio: boolean}} facts `duration` in seconds, as analysed: a browser does not know that of
 *   every file
 * @param {(time: number) => void} onSeek told the seconds that somebody slides to
 * @returns {HTMLElement}
 */
export function transport(media, facts, onSeek) {
  const play = element("button", { type: "button", class: "button quiet small", id: "play" }, "Play");
  const position = element("input", {
    type: "range", min: 0, max: facts.duration, step: 0.04, value: 0, class: "position", "aria-label": "Position",
  });
  const time = element("span", { class: "position-text" });
  const bar = element("div", { class: "transport" }, play, position, time);

  const follow = () => {
    position.value = String(media.currentTime);
    position.setAttribute("aria-valuetext", clock(media.currentTime, 1));
    time.textContent = `${clock(media.currentTime, 1)} / ${clock(facts.duration, 1)}`;
  };
  play.addEventListener("click", () => (media.paused ? startPlaying(media) : media.pause()));
  position.addEventListener("input", () => onSeek(Number(position.value)));
  for (const event of ["play", "pause", "ended"]) {
    media.addEventListener(event, () => {
      play.textContent = media.paused || media.ended ? "Play" : "Pause";
    });
  }
  for (const event of ["timeupdate", "seeking"]) media.addEventListener(event, follow);
  follow();
  if (facts.has_audio) bar.append(muteButton(media));
  return bar;
}

/** @param {HTMLMediaElement} media */
export function startPlaying(media) {
  media.play().catch((error) => {
    // Paused again, or taken away, before it began: what the person asked for. An unplayable file has its own message.
    if (error.name !== "AbortError" && error.name !== "NotSupportedError") throw error;
  });
}

function muteButton(media) {
  const mute = element("button", { type: "button", class: "button quiet small", "aria-pressed": "false" }, "Mute");
  mute.addEventListener("click", () => {
    media.muted = !media.muted;
    mute.setAttribute("aria-pressed", String(media.muted));
  });
  return mute;
}
