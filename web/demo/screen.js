// Fragments of MP4 in a video element, by Media Source Extensions, close to what comes in.

import { Records } from './records.js';

/** Seconds between what is shown and what has come at which the rest is skipped; and what is left between them then. */
const BEHIND = 1.5;
const LEFT = 0.2;
/** Seconds of what was shown that are kept; and how much more is let come before they are cut to that. */
const KEPT = 10;
const SLACK = 20;
/** Fragments that wait for the element. At this many it does not keep up, and takes the next stream from its beginning. */
const WAITING = 300;

export class Screen {
  #video;
  #onFault;
  #url = '';
  /** @type {MediaSource | null} */
  #source = null;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  #type = '';
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #waiting = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {(words: string) => void} onFault the stream cannot be shown
   */
  constructor(video, onFault) {
    this.#video = video;
    this.#onFault = onFault;
  }

  /** @param {RTCDataChannel} channel */
  listen(channel) {
    channel.binaryType = 'arraybuffer';
    const records = new Records({
      onInit: (type, boxes) => this.#begin(type, boxes),
      onFragment: (boxes) => this.#queue(boxes),
      onNonsense: () => this.#onFault('The stream is not one of fragments.')
    });
    channel.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) records.push(data);
    });
  }

  close() {
    if (this.#url) {
      URL.revokeObjectURL(this.#url);
      this.#video.removeAttribute('src');
      this.#video.load();
    }
    this.#url = this.#type = '';
    this.#source = this.#buffer = null;
    this.#waiting = [];
  }

  /**
   * @param {string} type
   * @param {Uint8Array<ArrayBuffer>} boxes
   */
  #begin(type, boxes) {
    if (typeof MediaSource !== 'function' || !MediaSource.isTypeSupported(type)) {
      return this.#onFault(`This browser cannot show ${type}.`);
    }
    this.#type = type;
    this.#queue(boxes);
    if (this.#source) return this.#buffer?.changeType?.(type);
    const source = new MediaSource();
    this.#source = source;
    this.#url = URL.createObjectURL(source);
    this.#video.src = this.#url;
    source.addEventListener('sourceopen', () => {
      if (this.#source !== source) return;
      this.#buffer = source.addSourceBuffer(this.#type);
      this.#buffer.addEventListener('updateend', () => this.#feed());
      this.#feed();
    }, { once: true });
    void this.#video.play().catch(() => {});
  }

  /** @param {Uint8Array<ArrayBuffer>} boxes */
  #queue(boxes) {
    this.#waiting.push(boxes);
    if (this.#waiting.length > WAITING) return this.#onFault('This browser does not keep up with the stream.');
    this.#feed();
  }

  #feed() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source?.readyState !== 'open') return;
    this.#follow(buffer);
    if (buffer.updating) return;
    const next = this.#waiting.shift();
    if (next) buffer.appendBuffer(next);
  }

  /**
   * Stays close to the end, and lets go of what was shown.
   * @param {SourceBuffer} buffer
   */
  #follow(buffer) {
    const { buffered } = buffer;
    if (!buffered.length) return;
    const video = this.#video;
    const end = buffered.end(buffered.length - 1);
    if (end - video.currentTime > BEHIND || video.currentTime < buffered.start(0)) video.currentTime = Math.max(end - LEFT, buffered.start(0));
    if (video.currentTime - buffered.start(0) > SLACK) buffer.remove(0, video.currentTime - KEPT);
  }
}
