// One visit to a rendezvous server: shake hands, join a room, and hand messages to and from the media server that one was
// paired with there. No DOM and no WebRTC.

import { ACK, CONNECT, DISCONNECT, ERROR, EVENT, HEARTBEAT, ackOf, eventOf, eventPacket, handshakeOf, iceServersOf, parsePacket } from './packet.js';

/**
 * @typedef {'invalidToken' | 'invalidRoom' | 'other'} Refused
 * @typedef {{
 *   onPaired(partner: string, iceServers: RTCIceServer[]): void,
 *   onEmpty(): void, onRefused(why: Refused, said: string): void,
 *   onMessage(message: Record<string, any>): void, onRemoved(): void,
 *   onLost(): void
 * }} Heard `onEmpty`: nobody there could take us; `onLost`: the server cannot be reached, or is no longer
 * @typedef {{
 *   url: string, room: string, stream: string, token: string, transport?: string,
 *   fetch?: typeof globalThis.fetch, socket?: (url: string) => WebSocket,
 *   setTimer?: (run: () => void, ms: number) => number, clearTimer?: (timer: number) => void
 * }} Place `url`: of the page or server, below which `socket.io/1/` is
 */

/** An older server tells us no id of ours before we may join; longer waits in vain there. */
export const JOIN_ANYWAY_MS = 2_000;
/** The handshake's answer and the socket have to come within this; longer leaves the user before a dead server. */
export const REACH_MS = 8_000;

const JOIN = 1;

export class Rendezvous {
  #place;
  #heard;
  /** @type {WebSocket | null} */
  #socket = null;
  #stopped = false;
  #joined = false;
  #partner = '';
  #silence = 0;
  #timer = 0;
  /** @type {RTCIceServer[]} */
  #ice = [];
  #abort = new AbortController();

  /**
   * @param {Place} place
   * @param {Heard} heard
   */
  constructor(place, heard) {
    this.#place = place;
    this.#heard = heard;
  }

  /** Whom we were paired with; '' for nobody yet. */
  get partner() {
    return this.#partner;
  }

  async open() {
    const { url, fetch = globalThis.fetch } = this.#place;
    this.#after(REACH_MS, () => this.#lost());
    try {
      const address = new URL(`socket.io/1/?t=${Date.now()}`, url);
      const answer = await fetch(address, { cache: 'no-store', signal: this.#abort.signal });
      const shaken = answer.ok ? handshakeOf(await answer.text()) : null;
      if (this.#stopped) return;
      if (!shaken) return this.#lost();
      this.#silence = shaken.silence;
      this.#connect(shaken.sid);
    } catch {
      this.#lost();
    }
  }

  /** @param {string} sid */
  #connect(sid) {
    const address = new URL(`socket.io/1/websocket/${sid}`, this.#place.url);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = this.#place.socket?.(address.href) ?? new WebSocket(address.href);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(String(data));
    socket.onclose = () => this.#lost();
  }

  /** @param {string} text */
  #take(text) {
    if (this.#stopped) return;
    const packet = parsePacket(text);
    if (!packet) return;
    if (packet.kind === CONNECT) return this.#after(JOIN_ANYWAY_MS, () => this.#join());
    if (this.#joined) this.#watch();
    if (packet.kind === HEARTBEAT) this.#socket?.send('2::');
    else if (packet.kind === EVENT) this.#event(packet.data);
    else if (packet.kind === ACK) this.#ack(packet.data);
    else if (packet.kind === DISCONNECT || packet.kind === ERROR) this.#lost();
  }

  /** @param {string} data */
  #event(data) {
    const event = eventOf(data);
    const first = /** @type {any} */ (event?.args[0]);
    switch (event?.name) {
      case 'stunservers':
      case 'turnservers':
        this.#ice.push(...iceServersOf(first));
        break;
      case 'ersid':
        this.#join();
        break;
      case 'message':
        if (first && typeof first === 'object' && (!this.#partner || first.from === this.#partner)) this.#heard.onMessage(first);
        break;
      case 'remove':
        if (first?.id === this.#partner) this.#heard.onRemoved();
        break;
    }
  }

  #join() {
    if (this.#joined || this.#stopped) return;
    this.#joined = true;
    this.#watch();
    const { room, stream, token, transport = 'srtp' } = this.#place;
    this.#socket?.send(eventPacket('join', [room, { token: token || null, streamName: stream, transport }], JOIN));
  }

  /** @param {string} data */
  #ack(data) {
    const ack = ackOf(data);
    if (ack?.id !== JOIN || this.#partner) return;
    const [refusal, told] = /** @type {any[]} */ (ack.args);
    if (refusal) {
      const known = refusal === 'invalidToken' || refusal === 'invalidRoom';
      return this.#heard.onRefused(known ? refusal : 'other', String(refusal).slice(0, 100));
    }
    this.#partner = Object.keys(told?.clients ?? {})[0] ?? '';
    if (this.#partner) this.#heard.onPaired(this.#partner, this.#ice);
    else this.#heard.onEmpty();
  }

  /**
   * Sends the partner something.
   * @param {Record<string, unknown>} message
   */
  send(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(eventPacket('message', [{ to: this.#partner, ...message }]));
  }

  /** Leaves, and tells nothing more. */
  close() {
    this.#stopped = true;
    this.#after(0, () => {});
    this.#abort.abort();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    if (socket.readyState === 1) socket.send('0::');
    socket.close();
  }

  /** A server that promised heartbeats and is silent is gone. */
  #watch() {
    this.#after(this.#silence, () => this.#lost());
  }

  #lost() {
    if (this.#stopped) return;
    this.close();
    this.#heard.onLost();
  }

  /**
   * One timer for all, as each step waits for one thing.
   * @param {number} ms 0: for nothing
   * @param {() => void} run
   */
  #after(ms, run) {
    const { setTimer = (then, time) => window.setTimeout(then, time), clearTimer = (timer) => window.clearTimeout(timer) } = this.#place;
    clearTimer(this.#timer);
    this.#timer = ms > 0 ? setTimer(run, ms) : 0;
  }
}
