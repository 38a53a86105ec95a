/** Numbers and findings in words. */

export const LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

const MODALITIES = [
  ["video", "face"],
  ["audio", "voice"],
];

/**
 * @param {number} probability from 0 to 1
 * @returns {string} such as "71 %"
 */
export function percent(probability) {
  if (probability > 0 && probability < 0.005) return "< 1\u202f%";
  return `${Math.round(probability * 100)}\u202f%`;
}

/**
 * @param {number} time in seconds
 * @param {number} [digits] after the point
 * @returns {string} such as "3.20 s" or "12:03.20"
 */
export function clock(time, digits = 2) {
  // Rounded before it is split, so that 59.999 never reads "0:60.00".
  const rounded = Number(time.toFixed(digits));
  if (rounded < 60) return `${rounded.toFixed(digits)}\u202fs`;
  const minutes = Math.floor(rounded / 60);
  const seconds = (rounded - 60 * minutes).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return minutes < 60
    ? `${minutes}:${seconds}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
}

/**
 * @param {number} bytes
 * @returns {string} such as "3.2 MB"
 */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))}\u202fkB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)}\u202fMB` : `${(bytes / 1e9).toFixed(2)}\u202fGB`;
}

/**
 * @param {number} number
 * @param {string} singular
 * @param {string} plural
 * @returns {string} such as "2 faces"
 */
export function count(number, singular, plural) {
  return `${number} ${number === 1 ? singular : plural}`;
}

/**
 * @param {string[]} modalities of a summary or a timeline step
 * @returns {string} "face and voice", "face", "voice" or "none"
 */
export function evidence(modalities) {
  const words = MODALITIES.filter(([name]) => modalities.includes(name)).map(([, word]) => word);
  return words.join(" and ") || "none";
}

/**
 * @param {Object<string, number>} probabilities by label
 * @returns {[string, number][]} labels with probabilities, the most probable first
 */
export function ranked(probabilities) {
  return LABELS.map((label) => [label, probabilities[label]]).sort((a, b) => b[1] - a[1]);
}

/**
 * @param {{expressed: string|null}} summary
 * @returns {string} what is expressed, in a word or two
 */
export function headline(summary) {
  return summary.expressed ?? "no evidence";
}

/**
 * Why the summary says what it says.
 * @param {{expressed: string|null, reason: string|null, probabilities: object|null, confidence: number|null}} summary
 * @returns {string}
 */
export function explanation(summary) {
  if (summary.reason === "no_evidence") {
    return "There was neither a face nor a voice to go by, so nothing is said.";
  }
  if (summary.reason === "low_confidence") {
    const [label, probability] = ranked(summary.probabilities)[0];
    return `The most probable, ${label}, reaches only ${percent(probability)}: too little to name one.`;
  }
  return `Confidence ${percent(summary.confidence)}: the model’s estimate that this is the right one of the seven.`;
}

/**
 * What a container held, on one line.
 * @param {{duration: number, width: number, height: number, has_audio: boolean, has_video: boolean}} media
 * @returns {string}
 */
export function describeMedia(media) {
  const picture = media.has_video ? `${media.width}\u202f×\u202f${media.height}` : "no picture";
  return [clock(media.duration, 1), picture, media.has_audio ? "with sound" : "no sound"].join(" · ");
}
