// A viewer: visits the rendezvous server until a media server offers the stream, answers, and starts anew when it ends. No DOM.

import { reconnectDelay } from '../app.backoff.js';
import { Rendezvous } from './rendezvous.js';

/**
 * @typedef {'idle' | 'connecting' | 'waiting' | 'opening' | 'live' | 'retrying' | 'failed'} PlayerState
 *   `waiting`: nobody serves the room, or not this stream; `opening`: the offer is answered; `failed`: only the user can help
 * @typedef {'' | 'room' | 'stream' | 'ended' | 'lost' | 'unreachable' | 'token' | 'forbidden' | 'other' | 'browser'} Reason
 * @typedef {{ room: string, stream: string, token: string, transport?: string }} Wish `transport`: `fmp4` for fragments on a data
 *   channel, as players of 2015 have it; media as any browser has them otherwise
 * @typedef {{
 *   url: string, create(iceServers: RTCIceServer[]): RTCPeerConnection,
 *   onState(state: PlayerState, reason: Reason, delay: number): void,
 *   onStream(stream: MediaStream | null): void,
 *   onCommand?: (command: string, argument: string) => void,
 *   onFragments?: (channel: RTCDataChannel) => void,
 *   visit?: (place: import('./rendezvous.js').Place, heard: import('./rendezvous.js').Heard) => Rendezvous,
 *   setTimer?: (run: () => void, ms: number) => number, clearTimer?: (timer: number) => void
 * }} Options
 */

/** A room without a media server, or a stream that is not there, is asked for again after this. */
export const WAIT_MS = 2_000;
/** A media server makes its offer at once; longer leaves the viewer before one that never will. */
export const OFFER_MS = 8_000;
/** From the answer to the first connection; a blocked network shows itself by this. */
export const CONNECT_MS = 12_000;
/** Short gaps heal by themselves; longer lets the viewer look at a frozen picture. */
export const GAP_MS = 6_000;
/** The channel that fragments come on. */
const FRAGMENTS = 'emsStreamChannel';
/** What a media server says of a stream that it cannot give; it has no type. */
const NO_STREAM = /^Unable to (retrieve stream|parse stream field)/;

export class Player {
  #options;
  /** @type {Wish} */
  #wish = { room: '', stream: '', token: '' };
  /** @type {Rendezvous | null} */
  #visit = null;
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** @type {PlayerState} */
  #state = 'idle';
  #session = '';
  #attempts = 0;
  #timer = 0;
  /** Candidates that came before the offer was taken. @type {RTCIceCandidateInit[]} */
  #early = [];

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  get state() {
    return this.#state;
  }

  get connection() {
    return this.#pc;
  }

  /** @param {Wish} wish */
  start(wish) {
    this.#end();
    this.#wish = wish;
    this.#attempts = 0;
    this.#go();
  }

  stop() {
    this.#end();
    this.#enter('idle');
  }

  #go() {
    this.#end();
    this.#enter('connecting');
    const { visit = (place, heard) => new Rendezvous(place, heard) } = this.#options;
    const mine = visit({ url: this.#options.url, ...this.#wish }, {
      onPaired: (_, iceServers) => {
        this.#attempts = 0;
        this.#open(iceServers);
        this.#after(OFFER_MS, () => this.#again('waiting', 'stream', WAIT_MS));
      },
      onEmpty: () => this.#again('waiting', 'room', WAIT_MS),
      onRefused: (why) => this.#fail(why === 'invalidToken' ? 'token' : why === 'invalidRoom' ? 'forbidden' : 'other'),
      onMessage: (message) => void this.#message(message),
      onRemoved: () => this.#again('waiting', 'ended', WAIT_MS),
      onLost: () => {
        // What flows goes on without the rendezvous.
        if (this.#visit === mine && this.#state === 'live') this.#visit = null;
        else this.#again('retrying', 'lost', reconnectDelay(this.#attempts++));
      }
    });
    this.#visit = mine;
    void mine.open();
  }

  /** @param {RTCIceServer[]} iceServers */
  #open(iceServers) {
    const pc = this.#options.create(iceServers);
    this.#pc = pc;
    const stream = new MediaStream();
    pc.ontrack = ({ track }) => {
      stream.addTrack(track);
      this.#options.onStream(stream);
    };
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.#say('candidate', { candidate: { candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex } });
    };
    pc.onconnectionstatechange = () => {
      if (this.#pc !== pc) return;
      const now = pc.connectionState;
      if (now === 'connected') {
        this.#after(0, () => {});
        this.#enter('live');
      } else if (now === 'disconnected') {
        this.#after(GAP_MS, () => this.#again('waiting', 'ended', WAIT_MS));
      } else if (now === 'failed' || now === 'closed') {
        const flowed = this.#state === 'live';
        this.#again(flowed ? 'waiting' : 'retrying', flowed ? 'ended' : 'unreachable', WAIT_MS);
      }
    };
    pc.ondatachannel = ({ channel }) => {
      if (channel.label === FRAGMENTS) this.#options.onFragments?.(channel);
      this.#listen(channel);
    };
  }

  /** @param {Record<string, any>} message */
  async #message({ type, payload, message, sid }) {
    const pc = this.#pc;
    if (!pc) return;
    if (typeof message === 'string' && NO_STREAM.test(message)) return this.#again('waiting', 'stream', WAIT_MS);
    try {
      if (type === 'offer' && typeof payload?.sdp === 'string') {
        this.#session = typeof sid === 'string' ? sid : String(Date.now());
        this.#enter('opening');
        this.#after(CONNECT_MS, () => this.#again('retrying', 'unreachable', WAIT_MS));
        await pc.setRemoteDescription({ type: 'offer', sdp: payload.sdp });
        if (/^m=application /m.test(payload.sdp)) this.#listen(pc.createDataChannel('emsCommandChannel'));
        const answer = await pc.createAnswer();
        if (this.#pc !== pc) return;
        // It has to be there before the first candidate: media servers begin to connect with that.
        this.#say('answer', { type: 'answer', sdp: answer.sdp });
        await pc.setLocalDescription(answer);
        for (const candidate of this.#early.splice(0)) await pc.addIceCandidate(candidate).catch(() => {});
      } else if (type === 'candidate' && payload?.candidate) {
        if (!pc.remoteDescription) this.#early.push(payload.candidate);
        // One of a kind that this browser does not know is no reason to give up the others.
        else await pc.addIceCandidate(payload.candidate).catch(() => {});
      }
    } catch (error) {
      if (this.#pc !== pc) return;
      console.warn('the offer could not be answered:', error);
      this.#fail('browser');
    }
  }

  /** @param {RTCDataChannel} channel */
  #listen(channel) {
    channel.onmessage = ({ data }) => {
      if (typeof data !== 'string') return;
      try {
        const { type, payload, command, argument } = JSON.parse(data);
        if (type === 'heartbeat') channel.send(data);
        else if (typeof (payload?.command ?? command) === 'string') {
          this.#options.onCommand?.(payload?.command ?? command, String(payload?.argument ?? argument ?? ''));
        }
      } catch {
        // No text of the command channel.
      }
    };
  }

  /**
   * @param {string} type
   * @param {unknown} payload
   */
  #say(type, payload) {
    this.#visit?.send({ sid: this.#session, roomType: 'video', type, payload, prefix: 'webkit' });
  }

  /** @param {Reason} reason */
  #fail(reason) {
    this.#end();
    this.#enter('failed', reason);
  }

  /**
   * @param {PlayerState} state
   * @param {Reason} reason
   * @param {number} delay
   */
  #again(state, reason, delay) {
    this.#end();
    this.#enter(state, reason, delay);
    this.#after(delay, () => this.#go());
  }

  /**
   * @param {PlayerState} state
   * @param {Reason} [reason]
   */
  #enter(state, reason = '', delay = 0) {
    this.#state = state;
    this.#options.onState(state, reason, delay);
  }

  #end() {
    this.#after(0, () => {});
    this.#visit?.close();
    this.#visit = null;
    this.#early = [];
    const pc = this.#pc;
    this.#pc = null;
    if (!pc) return;
    pc.onconnectionstatechange = pc.ontrack = pc.onicecandidate = pc.ondatachannel = null;
    pc.close();
    this.#options.onStream(null);
  }

  /**
   * @param {number} ms 0: nothing
   * @param {() => void} run
   */
  #after(ms, run) {
    const { setTimer = (then, time) => window.setTimeout(then, time), clearTimer = (timer) => window.clearTimeout(timer) } = this.#options;
    clearTimer(this.#timer);
    this.#timer = ms > 0 ? setTimer(run, ms) : 0;
  }
}
