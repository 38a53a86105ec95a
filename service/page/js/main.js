/** The page: a recording, or live from camera and microphone. */

import { byId } from "./dom.js";
import { FileMode } from "./file.js";
import { LiveMode } from "./live/mode.js";
import { Problems } from "./problems.js";
import { arrows, mark } from "./tabs.js";

const NAMES = ["file", "live"];

const problems = new Problems();
const modes = { file: new FileMode(problems), live: new LiveMode(problems) };
let shown = null;

/** Show one of the two, and write it into the address, so that a reload keeps it. */
function show(name) {
  if (name === shown) return;
  if (shown) problems.hide();
  shown = name;
  for (const one of NAMES) {
    mark(byId(`tab-${one}`), one === name);
    byId(`${one}-mode`).hidden = one !== name;
  }
  if (name === "live") modes.live.show();
  else modes.live.hide();
}

const named = () => NAMES.find((name) => location.hash === `#${name}`);

for (const name of NAMES) {
  byId(`tab-${name}`).addEventListener("click", () => {
    history.replaceState(null, "", `#${name}`);
    show(name);
  });
}
arrows(byId("modes"), () => NAMES.map((name) => byId(`tab-${name}`)));
addEventListener("hashchange", () => named() && show(named()));
show(named() ?? "file");
