// One call from the first digit to its end: what the server tells and what the user wants, in whatever order. No DOM, no WebRTC: the
// media is the leg's.

import { RequestError } from './client.js';
import { DIGIT_MS } from './leg.js';
import { codeOf } from './protocol.js';
import { hasVideo, holdsUs, sectionOf } from './sdp.js';

/**
 * @typedef {'preparing' | 'calling' | 'ringing' | 'early' | 'incoming' | 'answering' | 'active' | 'ended'} Phase
 *   `preparing`: devices and offer; `early`: they are heard before they answer
 * @typedef {'us' | 'them' | 'refused' | 'browser' | 'network' | 'lost'} EndedBy
 *   `refused` by the gateway itself; `network`: no media; `lost`: the connection to the gateway
 * @typedef {Pick<import('./leg.js').Leg, 'offer' | 'answer' | 'takeAnswer' | 'rollback' | 'put' | 'tone' | 'close' | 'pc' | 'remote'>} CallLeg
 * @typedef {'hold' | 'resume' | 'video'} Change
 * @typedef {{
 *   request(type: string, values: Record<string, unknown>): Promise<void>,
 *   createLeg(events: import('./leg.js').LegEvents): CallLeg,
 *   tracks(): import('./leg.js').Tracks,
 *   onChange(): void, onEnd(call: Call): void,
 *   onUnchanged(call: Call, what: Change, reason: string): void, onToneFailed(reason: string): void,
 *   now(): number, random(): number, setTimer(run: () => void, ms: number): number, clearTimer(timer: number): void
 * }} CallOptions
 * @typedef {{ id: string, account: string, uri: string, name: string, video: boolean, offer: string }} CallStart
 *   `offer` is '' for calls of ours; `video`: we want to send a picture
 */

/** A changed call is answered within SIP's 32 s, or never. */
export const UPDATE_TIMEOUT_MS = 36_000;
const UPDATE_ATTEMPTS = 3;

export class Call {
  /** @type {Phase} */ phase;
  /** On hold by us: nothing goes out, whatever the other side knows. */ held = false;
  heldByThem = false;
  /** We send a picture, or want to. */ video;
  /** The other side offers a picture. */ offersVideo;
  /** The last provisional code. */ code = 0;
  startedAt = 0;
  endedAt = 0;
  /** @type {EndedBy | ''} */ endedBy = '';
  reason = '';
  /** @type {CallLeg | null} */ leg = null;
  #options;
  #start;
  /** The server knows the session. */ #known;
  /** It has our description, so it knows what candidates are for. */ #described = false;
  #established = false;
  /** @type {(RTCIceCandidateInit | null)[]} */ #candidates = [];
  /** One description at a time. @type {Promise<void>} */ #queue = Promise.resolve();
  /** What the other side has been told. */ #told = { held: false, video: false };
  /** Our offer that is on its way. @type {{ held: boolean, video: boolean } | null} */ #pending = null;
  #attempts = 0;
  /** The other side will not have it: not asked again until the user wants something else. */ #gaveUp = false;
  #timer = 0;

  /**
   * @param {CallStart} start
   * @param {CallOptions} options
   */
  constructor(start, options) {
    this.#start = start;
    this.#options = options;
    this.#known = start.offer !== '';
    this.phase = start.offer ? 'incoming' : 'preparing';
    this.video = start.video;
    this.offersVideo = start.offer !== '' && hasVideo(start.offer);
    this.createdAt = options.now();
  }

  get id() {
    return this.#start.id;
  }

  get uri() {
    return this.#start.uri;
  }

  get account() {
    return this.#start.account;
  }

  get name() {
    return this.#start.name;
  }

  get outgoing() {
    return this.#start.offer === '';
  }

  /** A change is being agreed upon. */
  get changing() {
    return this.#pending !== null;
  }

  /** What is sent, and what the other side is told of it. @returns {import('./leg.js').Wish} */
  get #wish() {
    return { ...(this.#pending ?? this.#told), silent: this.held, heldByThem: this.heldByThem };
  }

  /** Calls, as soon as the devices are open. */
  start() {
    const leg = this.#open();
    if (!leg || this.phase !== 'preparing') return;
    this.#enqueue(async () => {
      this.#sendable();
      const sdp = await leg.offer(this.#options.tracks(), this.#wish);
      if (this.phase !== 'preparing') return;
      const { id: session, account, uri } = this.#start;
      this.#set('calling');
      this.#ask('session-create', { session, account, uri, sdp }, (detail) => this.#finish('refused', detail));
      this.#trickle(true);
    });
  }

  /** @param {boolean} video */
  answer(video) {
    if (this.phase !== 'incoming') return;
    this.video = video && this.offersVideo;
    this.#set('answering');
  }

  /** Answers, as soon as the devices are open. */
  accept() {
    if (this.phase !== 'answering') return;
    const leg = this.#open();
    if (!leg) return;
    this.#enqueue(async () => {
      this.#sendable();
      const sdp = await leg.answer(this.#start.offer, this.#options.tracks(), this.#wish);
      if (this.phase !== 'answering') return;
      this.heldByThem = holdsUs(this.#start.offer);
      this.#ask('session-answer', { session: this.id, sdp }, (detail) => this.#finish('refused', detail));
      this.#trickle(true);
    });
  }

  /** Without a camera there is no picture to speak of. */
  #sendable() {
    this.video &&= this.#options.tracks().video !== null;
    this.#told.video = this.video;
  }

  /** Hangs up, cancels or declines. */
  hangUp() {
    if (this.phase === 'ended') return;
    if (this.#known) this.#ask('session-terminate', { session: this.id }, () => {});
    this.#finish('us', '');
  }

  /** The connection to the server is gone, and with it all that it knew. */
  lose() {
    this.#finish('lost', '');
  }

  /** @param {import('./protocol.js').SessionTold} told */
  event(told) {
    if (this.phase === 'ended') return;
    if (told.event === 'state') this.#state(told);
    else if (told.state === 'received') this.#theirs(told.sdp);
    else if (told.state === 'accepted') this.#agreed(told.sdp);
    else if (told.state === 'failed' && this.#pending) this.#refused(this.#pending, told.reason);
  }

  /** @param {import('./protocol.js').SessionTold} told */
  #state({ state, sdp, code, reason }) {
    const waiting = this.phase === 'calling' || this.phase === 'ringing';
    switch (state) {
      case 'proceeding':
        this.code = code;
        return this.#options.onChange();
      case 'ringing':
        if (this.phase === 'calling') this.#set('ringing');
        return;
      case 'early-media':
        if (!waiting) return;
        this.#takeAnswer(sdp, false);
        return this.#set('early');
      case 'accepted':
        if (this.phase === 'active' || this.phase === 'incoming') return;
        // After early media the description is the one we have.
        if (this.outgoing && sdp) this.#takeAnswer(sdp, true);
        else if (this.outgoing && this.phase !== 'early') return this.#broken(new Error('accepted without a description'));
        this.startedAt = this.#options.now();
        this.#set('active');
        return this.#reconcile();
      case 'established':
        this.#established = true;
        this.#options.onChange();
        return this.#reconcile();
      case 'terminated':
        return this.#finish('them', reason);
    }
  }

  /**
   * @param {string} sdp
   * @param {boolean} answered an announcement that does not listen is no hold
   */
  #takeAnswer(sdp, answered) {
    this.#enqueue(async () => {
      await this.leg?.takeAnswer(sdp);
      this.heldByThem = answered && holdsUs(sdp);
      if (this.video && !hasVideo(sdp)) this.#noVideo('');
      this.#options.onChange();
    });
  }

  /** @param {boolean} held */
  hold(held) {
    if ((this.phase !== 'active' && this.phase !== 'answering') || this.held === held) return;
    this.held = held;
    this.#gaveUp = false;
    this.#attempts = 0;
    this.sync();
    this.#reconcile();
    this.#options.onChange();
  }

  /** The picture is added to a call without one. */
  addVideo() {
    if (this.phase !== 'active' || this.video) return;
    this.video = true;
    this.#gaveUp = false;
    this.#attempts = 0;
    this.#reconcile();
    this.#options.onChange();
  }

  /** Other tracks are to be sent, or none. */
  sync() {
    this.#enqueue(async () => this.leg?.put(this.#options.tracks(), this.#wish));
  }

  /**
   * @param {string} digit
   * @param {'info' | 'rfc4733'} method
   * @returns {'info' | 'rfc4733' | ''} how it was sent; '' if nobody listens
   */
  tone(digit, method) {
    if (this.held || (this.phase !== 'active' && this.phase !== 'early')) return '';
    if (method === 'rfc4733' && this.leg?.tone(digit)) return 'rfc4733';
    this.#ask('session-dtmf-info', { session: this.id, digit, duration: DIGIT_MS }, this.#options.onToneFailed);
    return 'info';
  }

  /** Tells the other side what it does not know yet. */
  #reconcile() {
    if (this.phase !== 'active' || !this.#established || this.#pending || this.#gaveUp) return;
    if (this.held === this.#told.held && this.video === this.#told.video) return;
    const pending = { held: this.held, video: this.video };
    this.#pending = pending;
    this.#enqueue(async () => {
      if (this.#pending !== pending || !this.leg) return;
      const sdp = await this.leg.offer(this.#options.tracks(), this.#wish);
      this.#ask('session-update', { session: this.id, sdp }, (detail) => this.#refused(pending, detail));
      this.#timer = this.#options.setTimer(() => this.#refused(pending, '408 Request Timeout'), UPDATE_TIMEOUT_MS);
    });
  }

  /** @param {string} sdp */
  #agreed(sdp) {
    const pending = this.#pending;
    if (!pending) return;
    this.#options.clearTimer(this.#timer);
    this.#enqueue(async () => {
      if (this.#pending !== pending) return;
      await this.leg?.takeAnswer(sdp);
      const asked = pending.video && !this.#told.video;
      // If we offered silence, the answer cannot but agree.
      if (!(pending.held && this.heldByThem)) this.heldByThem = holdsUs(sdp);
      this.#told = { ...pending };
      this.#pending = null;
      this.#attempts = 0;
      if (asked && !(sectionOf(sdp, 'video')?.accepted ?? false)) this.#noVideo('');
      this.#options.onChange();
      this.#reconcile();
    });
  }

  /**
   * @param {{ held: boolean, video: boolean }} pending
   * @param {string} reason
   */
  #refused(pending, reason) {
    if (this.#pending !== pending) return;
    this.#options.clearTimer(this.#timer);
    this.#enqueue(async () => {
      if (this.#pending !== pending) return;
      await this.leg?.rollback();
      this.#pending = null;
      this.#attempts += 1;
      // Both sides changed the call at once: who waits a little less is heard (RFC 3261 section 14.1).
      const crossed = codeOf(reason) === 491 || /^Invalid state/i.test(reason);
      if (crossed && this.#attempts < UPDATE_ATTEMPTS) {
        const [least, most] = this.outgoing ? [2100, 4000] : [0, 2000];
        this.#timer = this.#options.setTimer(() => this.#reconcile(), least + this.#options.random() * (most - least));
        return;
      }
      this.#gaveUp = true;
      if (pending.video && !this.#told.video) this.#noVideo(reason || 'refused');
      if (pending.held !== this.#told.held) this.#options.onUnchanged(this, pending.held ? 'hold' : 'resume', reason);
      this.#options.onChange();
    });
  }

  /** @param {string} reason */
  #noVideo(reason) {
    this.video = this.#told.video = false;
    this.#options.onUnchanged(this, 'video', reason);
  }

  /** They change the call. If both sides do at once, theirs comes first. @param {string} sdp */
  #theirs(sdp) {
    if (!sdp || !this.leg) return;
    this.#enqueue(async () => {
      const leg = this.leg;
      if (!leg) return;
      if (this.#pending) {
        this.#options.clearTimer(this.#timer);
        this.#pending = null;
        await leg.rollback();
      }
      this.heldByThem = holdsUs(sdp);
      const answer = await leg.answer(sdp, this.#options.tracks(), this.#wish);
      this.#ask('session-update', { session: this.id, sdp: answer }, (detail) => console.warn('update not taken', detail));
      this.#options.onChange();
      this.#reconcile();
    });
  }

  #open() {
    try {
      this.leg = this.#options.createLeg({
        onCandidate: (candidate) => this.#found(candidate),
        onChange: this.#options.onChange,
        onFailed: () => {
          if (this.#known) this.#ask('session-terminate', { session: this.id }, () => {});
          this.#finish('network', 'ICE failed');
        }
      });
    } catch (error) {
      this.#broken(error);
    }
    return this.leg;
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  #found(candidate) {
    this.#candidates.push(candidate);
    this.#trickle(this.#described);
  }

  /** @param {boolean} described */
  #trickle(described) {
    this.#described = described;
    if (!described) return;
    this.#known = true;
    for (const candidate of this.#candidates.splice(0)) {
      // The server finds our address by itself in most networks, so a refusal alone is no reason to end the call.
      this.#ask('session-trickle', { session: this.id, candidates: candidate ? [candidate] : [] }, (detail) => console.warn('candidate not taken', detail));
    }
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} values
   * @param {(detail: string) => void} refused
   */
  #ask(type, values, refused) {
    this.#options.request(type, values).catch((error) => {
      // Without the connection the call is lost anyway, and that is told elsewhere.
      if (this.phase !== 'ended' && error instanceof RequestError && error.kind === 'refused') refused(error.detail);
    });
  }

  /** @param {() => Promise<unknown>} task */
  #enqueue(task) {
    this.#queue = this.#queue.then(async () => {
      if (this.phase === 'ended') return;
      try {
        await task();
      } catch (error) {
        if (/** @type {Phase} */ (this.phase) !== 'ended') this.#broken(error);
      }
    });
  }

  /** @param {unknown} error */
  #broken(error) {
    console.error('negotiation failed', error);
    if (this.#known) this.#ask('session-terminate', { session: this.id }, () => {});
    this.#finish('browser', error instanceof Error ? error.name : '');
  }

  /** @param {Phase} phase */
  #set(phase) {
    this.phase = phase;
    this.#options.onChange();
  }

  /**
   * @param {EndedBy} by
   * @param {string} reason
   */
  #finish(by, reason) {
    if (this.phase === 'ended') return;
    this.#options.clearTimer(this.#timer);
    this.phase = 'ended';
    this.endedBy = by;
    this.reason = reason;
    this.endedAt = this.#options.now();
    this.leg?.close();
    this.leg = null;
    this.#options.onEnd(this);
  }
}
