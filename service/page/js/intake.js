/** Choosing a recording: by the file dialogue, by dropping it anywhere on the page, or the sample. */

import { byId } from "./dom.js";
import { Problem } from "./api.js";

const SAMPLE = "sample.mp4";

/**
 * Listen for recordings.
 * @param {{onFile: (file: File) => void, onProblem: (problem: Problem) => void, ready: () => boolean}} handlers `ready` says
 *   whether a recording is welcome now
 */
export function listenForRecordings({ onFile, onProblem, ready }) {
  const input = /** @type {HTMLInputElement} */ (byId("file"));
  input.addEventListener("change", () => {
    const file = input.files[0];
    input.value = ""; // so that the same file can be chosen again
    if (file && ready()) onFile(file);
  });
  listenForDrops(onFile, onProblem, ready);
  byId("sample").addEventListener("click", async () => {
    if (!ready()) return;
    try {
      onFile(await fetchSample());
    } catch {
      onProblem(new Problem({ title: "No sample", detail: "The sample clip could not be fetched.", code: "sample_missing" }));
    }
  });
}

function listenForDrops(onFile, onProblem, ready) {
  const zone = byId("drop");
  const holdsFile = (event) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault(); // otherwise the browser would open the file and leave the page
    event.dataTransfer.dropEffect = ready() ? "copy" : "none";
    zone.classList.toggle("over", ready());
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!holdsFile(event)) return;
    event.preventDefault();
    if (!ready()) return;
    const { files } = event.dataTransfer;
    if (files.length === 1) onFile(files[0]);
    else onProblem(new Problem({ title: "One at a time", detail: "Drop a single file.", code: "one_file_only" }));
  });
}

async function fetchSample() {
  const answer = await fetch(SAMPLE);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return new File([await answer.blob()], SAMPLE, { type: "video/mp4" });
}
