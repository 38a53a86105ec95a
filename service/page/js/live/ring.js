/** What was sent and may have to be sent again: the recording's header, and everything from the last checkpoint on. */

/** Most bytes kept: about ten minutes without a checkpoint at the rate that the page records. */
const ROOM = 96 * 2 ** 20;
/** Bytes kept from the start until a checkpoint says how long the header is. */
const HEAD = 2 ** 16;

/** A stretch of the recording's bytes. Blobs, so that the browser may keep them where it likes. */
export class Ring {
  /** @type {{offset: number, blob: Blob}[]} */
  #pieces = [];
  #head = new Blob([]);
  #end = 0;
  #room;

  /** @param {number} [room] bytes */
  constructor(room = ROOM) {
    this.#room = room;
  }

  /** Bytes of the recording so far. */
  get end() {
    return this.#end;
  }

  /** Offset of the oldest byte that is kept, the header apart. */
  get start() {
    return this.#pieces[0]?.offset ?? this.#end;
  }

  /**
   * Keep the next bytes of the recording; the oldest go where there is no room.
   * @param {Blob} blob
   */
  append(blob) {
    if (this.#end < HEAD) this.#head = new Blob([this.#head, blob]);
    this.#pieces.push({ offset: this.#end, blob });
    this.#end += blob.size;
    while (this.#end - this.start > this.#room) this.#pieces.shift();
  }

  /**
   * Let go of what a checkpoint makes needless.
   * @param {{replay_from: number, init_bytes: number}} checkpoint one that `covers` says yes to
   */
  trim({ replay_from: from, init_bytes: header }) {
    if (header > this.#head.size) this.#head = new Blob(this.#pieces.map(({ blob }) => blob)).slice(0, header);
    const needless = (piece) => piece.offset + piece.blob.size <= from;
    while (this.#pieces.length && needless(this.#pieces[0])) this.#pieces.shift();
  }

  /**
   * Whether everything is still there that a session needs to go on.
   * @param {{replay_from: number, init_bytes: number}} checkpoint
   */
  covers({ replay_from: from, init_bytes: header }) {
    return from >= this.start && from <= this.#end && (header <= this.#head.size || this.start === 0);
  }

  /**
   * The header, then everything from the checkpoint on.
   * @param {{replay_from: number, init_bytes: number}} checkpoint the last one trimmed to; zeros where there was none
   * @returns {Blob[]} none empty
   */
  replay({ replay_from: from, init_bytes: header }) {
    const rest = this.#pieces.map(({ offset, blob }) => blob.slice(Math.max(from - offset, 0)));
    return [this.#head.slice(0, header), ...rest].filter((blob) => blob.size > 0);
  }
}

/**
 * Cut bytes so that none is larger than a message may be.
 * @param {Blob} blob
 * @param {number} most bytes
 * @returns {Blob[]}
 */
export function cut(blob, most) {
  const pieces = [];
  for (let from = 0; from < blob.size; from += most) pieces.push(blob.slice(from, from + most));
  return pieces;
}
