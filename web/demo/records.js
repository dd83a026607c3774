// Fragments of MP4 on a media server's stream channel: records of a type, a length and what there is, cut into messages
// wherever it may be. No DOM.

const BEGIN = 0xf9;
const INIT = 0xfa;
const MOOF = 0xfb;
const VIDEO = 0xfc;
const AUDIO = 0xfd;
const MDAT_HEAD = 0xfe;
const END = 0xff;

/** Longer than any record of ours; what says more is no such stream. */
const MOST = 8 * 1024 * 1024;

/**
 * @typedef {{ onInit(type: string, boxes: Uint8Array<ArrayBuffer>): void, onFragment(boxes: Uint8Array<ArrayBuffer>): void, onNonsense(): void }} Heard
 *   `type`: as `MediaSource.addSourceBuffer` takes it
 */

export class Records {
  #heard;
  /** @type {Uint8Array<ArrayBuffer>} */
  #rest = new Uint8Array(0);
  /** Of the fragment that is coming. @type {Record<number, Uint8Array<ArrayBuffer>[]>} */
  #parts = {};

  /** @param {Heard} heard */
  constructor(heard) {
    this.#heard = heard;
  }

  /** @param {ArrayBuffer} message */
  push(message) {
    let bytes = this.#rest.length ? join([this.#rest, new Uint8Array(message)]) : new Uint8Array(message);
    while (bytes.length >= 4) {
      const length = (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
      if (bytes[0] < BEGIN || length > MOST) {
        this.#rest = new Uint8Array(0);
        return this.#heard.onNonsense();
      }
      if (bytes.length < 4 + length) break;
      this.#take(bytes[0], bytes.subarray(4, 4 + length));
      bytes = bytes.subarray(4 + length);
    }
    this.#rest = bytes.slice();
  }

  /**
   * @param {number} kind
   * @param {Uint8Array<ArrayBuffer>} payload
   */
  #take(kind, payload) {
    if (kind === INIT) this.#heard.onInit(typeOf(payload), payload.slice(4));
    else if (kind === BEGIN) this.#parts = {};
    else if (kind !== END) (this.#parts[kind] ??= []).push(payload.slice());
    else {
      const of = (/** @type {number} */ part) => this.#parts[part] ?? [];
      this.#heard.onFragment(join([MOOF, MDAT_HEAD, VIDEO, AUDIO].flatMap(of)));
      this.#parts = {};
    }
  }
}

/**
 * What is told before `ftyp`: what there is, and the pictures' profile, constraints and level.
 * @param {Uint8Array} payload
 */
function typeOf([kinds, ...profile]) {
  const codecs = [];
  if (kinds & 1) codecs.push(`avc1.${profile.slice(0, 3).map((byte) => byte.toString(16).padStart(2, '0')).join('')}`);
  if (kinds & 2) codecs.push('mp4a.40.2');
  return `video/mp4; codecs="${codecs.join(',')}"`;
}

/** @param {Uint8Array[]} parts */
function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
