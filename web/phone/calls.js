// All calls of the page: who speaks, who waits, who rings. At most one is heard. No DOM, no WebRTC.

import { sameAddress } from './address.js';
import { Call } from './call.js';
import { codeOf, newId } from './protocol.js';

/**
 * @typedef {import('./call.js').CallOptions} CallOptions
 * @typedef {{ audio: boolean, video: boolean }} Kinds
 * @typedef {{
 *   call: Pick<CallOptions, 'request' | 'createLeg' | 'now' | 'random' | 'setTimer' | 'clearTimer' | 'onUnchanged' | 'onToneFailed'>,
 *   devices: { tracks(): import('./leg.js').Tracks, ensure(wanted: Kinds): Promise<void>, close(): void },
 *   history: Pick<import('./history.js').History, 'add'>,
 *   onChange(): void, onEnded(call: Call): void
 * }} CallsOptions
 */

/** More than anybody can have an eye on; the server itself lets two ring at once. */
export const MOST_CALLS = 6;

/** @param {Call} call */
const waits = (call) => call.phase === 'incoming';
/** @param {Call} call */
const unanswered = ({ phase }) => phase === 'preparing' || phase === 'calling' || phase === 'ringing' || phase === 'early';

/**
 * What became of it.
 * @param {Call} call that has ended
 * @returns {import('./history.js').Outcome}
 */
export function outcomeOf(call) {
  if (call.startedAt > 0) return 'answered';
  const code = codeOf(call.reason);
  if (!call.outgoing) {
    if (call.endedBy === 'us') return 'declined';
    if (call.endedBy === 'lost') return 'missed';
    // Another telephone of the same account took it.
    if (call.endedBy === 'them' && code >= 200 && code < 300) return 'elsewhere';
    return call.endedBy === 'them' ? 'unanswered' : 'failed';
  }
  if (call.endedBy === 'us' || [408, 480, 486, 487, 600, 603].includes(code)) return 'unanswered';
  return 'failed';
}

export class Calls {
  /** In the order they began. @type {Call[]} */ list = [];
  /** The one that is heard and seen. @type {Call | null} */ current = null;
  #options;

  /** @param {CallsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** The call that has been ringing here longest. @returns {Call | null} */
  get incoming() {
    return this.list.find(waits) ?? null;
  }

  /** Those that have been answered, or are to be. */
  get running() {
    return this.list.filter((call) => !waits(call));
  }

  /**
   * @param {string} account
   * @param {string} uri
   * @param {boolean} video
   * @returns {Promise<boolean>} false: there are enough
   */
  async dial(account, uri, video) {
    if (this.list.length >= MOST_CALLS) return false;
    this.#makeRoom();
    const call = this.#create({ id: newId(), account, uri, name: '', video, offer: '' });
    this.current = call;
    this.#options.onChange();
    // First: the question for permission should not keep the other side waiting.
    await this.#options.devices.ensure({ audio: true, video });
    call.start();
    return true;
  }

  /** @param {import('./protocol.js').IncomingTold} told */
  ring({ account, session, from, sdp }) {
    if (this.list.some(({ id }) => id === session)) return;
    const call = this.#create({ id: session, account, uri: from.uri, name: from.name, video: false, offer: sdp });
    if (this.list.length > MOST_CALLS) call.hangUp();
    this.#options.onChange();
  }

  /**
   * @param {Call} call that rings
   * @param {boolean} video
   */
  async answer(call, video) {
    if (!waits(call)) return;
    // Both called each other: this is the call that both want.
    for (const other of this.list.filter((item) => unanswered(item) && sameAddress(item.uri, call.uri))) other.hangUp();
    this.#makeRoom();
    call.answer(video);
    this.current = call;
    this.#options.onChange();
    await this.#options.devices.ensure({ audio: true, video: call.video });
    call.accept();
  }

  /** Another one is to be heard. @param {Call} call */
  switchTo(call) {
    if (call !== this.current) this.#makeRoom();
    this.current = call;
    call.hold(false);
    this.#options.onChange();
  }

  /** Who speaks is put on hold, and a call that nobody has answered is given up: it cannot be held. */
  hold() {
    this.#makeRoom();
    this.#options.onChange();
  }

  #makeRoom() {
    for (const call of [...this.list]) {
      if (unanswered(call)) call.hangUp();
      else call.hold(true);
    }
  }

  /** The camera is turned on in a call without a picture. @param {Call} call */
  async addVideo(call) {
    await this.#options.devices.ensure({ audio: true, video: true });
    if (this.#options.devices.tracks().video) call.addVideo();
  }

  /** Other tracks are to be sent. */
  sync() {
    for (const call of this.list) call.sync();
  }

  /** @param {import('./protocol.js').SessionTold} told */
  event(told) {
    this.list.find(({ id }) => id === told.session)?.event(told);
  }

  /** The connection to the server is gone, and with it all calls. */
  lose() {
    for (const call of [...this.list]) call.lose();
  }

  hangUpAll() {
    for (const call of [...this.list]) call.hangUp();
  }

  /** @param {import('./call.js').CallStart} start */
  #create(start) {
    const call = new Call(start, {
      ...this.#options.call,
      tracks: this.#options.devices.tracks,
      onChange: this.#options.onChange,
      onEnd: (ended) => this.#ended(ended)
    });
    this.list.push(call);
    return call;
  }

  /** @param {Call} call */
  #ended(call) {
    this.list = this.list.filter((item) => item !== call);
    if (this.current === call) this.current = this.running.at(-1) ?? null;
    const outcome = outcomeOf(call);
    this.#options.history.add(
      {
        account: call.account,
        uri: call.uri,
        name: call.name,
        outgoing: call.outgoing,
        video: call.video || call.offersVideo,
        at: call.createdAt,
        seconds: call.startedAt > 0 ? Math.round((call.endedAt - call.startedAt) / 1000) : 0,
        outcome,
        seen: outcome !== 'missed'
      },
      call.endedAt
    );
    if (this.running.length === 0) this.#options.devices.close();
    this.#options.onEnded(call);
    this.#options.onChange();
  }
}
