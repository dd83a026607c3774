// The connection to the gateway: requests and their answers, pings, reconnecting. Knows messages and time, no DOM and no WebRTC.

import { newId, readMessage } from './protocol.js';

/**
 * @typedef {'offline' | 'connecting' | 'online' | 'waiting'} LinkState `waiting`: a pause before the next attempt
 * @typedef {import('./protocol.js').RegistrationTold | import('./protocol.js').IncomingTold
 *   | import('./protocol.js').MissedTold | import('./protocol.js').SessionTold} Told
 * @typedef {{
 *   onState(state: LinkState): void,
 *   onReady(): void,
 *   onTold(event: Told): void
 * }} ClientEvents
 * @typedef {import('../app.signaling.js').Surroundings} Surroundings
 */

/** Often enough to find a dead network within half a minute; more often would wake phones for nothing. */
export const PING_MS = 5_000;
/** The server answers in order, so a slow request holds up pings: fewer would give up on a server that looks up a name. */
export const SILENT_PINGS = 6;
/** A proxy may accept the socket while the server behind it hangs. */
export const READY_TIMEOUT_MS = 10_000;
/** After sleep or a change of network somebody waits for the truth. */
export const PROBE_TIMEOUT_MS = 4_000;
export const DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];

/** A request was refused, or could not be made. */
export class RequestError extends Error {
  /**
   * @param {'refused' | 'offline'} kind `offline`: it may or may not have arrived
   * @param {string} detail the server's words
   */
  constructor(kind, detail = '') {
    super(detail || kind);
    this.name = 'RequestError';
    this.kind = kind;
    this.detail = detail;
  }
}

export class GatewayClient {
  /** @type {LinkState} */ state = 'offline';
  /** ms until the next attempt, while `waiting` */ delay = 0;
  /** What the server said when it closed; '' if nothing. */ closeReason = '';
  /** Was there ever a server that was ready? */ wasOnline = false;
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<string, { resolve(): void, reject(error: RequestError): void }>} */ #waiting = new Map();
  #silent = 0;
  #attempts = 0;
  #timer = 0;
  #probeTimer = 0;
  #events;
  #around;
  #newId;

  /**
   * @param {ClientEvents} events
   * @param {Surroundings} around
   * @param {() => string} [id]
   */
  constructor(events, around, id = newId) {
    this.#events = events;
    this.#around = around;
    this.#newId = id;
  }

  start() {
    this.stop();
    this.#attempts = 0;
    this.wasOnline = false;
    this.closeReason = '';
    this.#open();
  }

  /** The server forgets accounts and calls with the connection. */
  stop() {
    this.#drop();
    this.#set('offline');
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} [values]
   * @returns {Promise<void>} resolved by the ack; throws RequestError
   */
  request(type, values = {}) {
    const socket = this.#socket;
    if (this.state !== 'online' || socket?.readyState !== 1) return Promise.reject(new RequestError('offline'));
    const transaction = this.#newId();
    return new Promise((resolve, reject) => {
      this.#waiting.set(transaction, { resolve, reject });
      socket.send(JSON.stringify({ sylkrtc: type, transaction, ...values }));
    });
  }

  /** Is the line still there? If it is waited for, the next attempt is made at once. */
  probe() {
    if (this.state === 'waiting') {
      this.#around.clearTimer(this.#timer);
      this.#open();
    } else if (this.state === 'online') {
      this.#ping();
      this.#around.clearTimer(this.#probeTimer);
      this.#probeTimer = this.#around.setTimer(() => this.#lost(), PROBE_TIMEOUT_MS);
    }
  }

  #open() {
    this.#set('connecting');
    let socket;
    try {
      socket = this.#around.createSocket();
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ reason } = /** @type {CloseEvent} */ ({})) => this.#lost(reason);
    this.#timer = this.#around.setTimer(() => this.#lost(), READY_TIMEOUT_MS);
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#silent = 0;
    this.#around.clearTimer(this.#probeTimer);
    const message = readMessage(data);
    if (!message) return;
    if (message.kind === 'ready') return this.#ready();
    if (message.kind === 'ack' || message.kind === 'error') {
      const asked = this.#waiting.get(message.transaction);
      this.#waiting.delete(message.transaction);
      if (message.kind === 'ack') asked?.resolve();
      else asked?.reject(new RequestError('refused', message.error));
      return;
    }
    if (this.state === 'online') this.#events.onTold(message);
  }

  #ready() {
    if (this.state === 'online') return;
    this.#around.clearTimer(this.#timer);
    this.#attempts = 0;
    this.wasOnline = true;
    this.closeReason = '';
    this.#silent = 0;
    this.#set('online');
    this.#watch();
    this.#events.onReady();
  }

  #watch() {
    this.#timer = this.#around.setTimer(() => {
      if (this.#silent >= SILENT_PINGS) return this.#lost();
      this.#silent += 1;
      this.#ping();
      this.#watch();
    }, PING_MS);
  }

  #ping() {
    // Its failure is told by the loss of the connection.
    void this.request('ping').catch(() => {});
  }

  /** @param {string} [reason] */
  #lost(reason = '') {
    this.#drop();
    this.closeReason = reason;
    this.delay = DELAYS_MS[Math.min(this.#attempts, DELAYS_MS.length - 1)];
    this.#attempts += 1;
    this.#timer = this.#around.setTimer(() => this.#open(), this.delay);
    this.#set('waiting');
  }

  /** Handlers go first: a dead network would deliver `close` only after the browser's own time-out. */
  #drop() {
    this.#around.clearTimer(this.#timer);
    this.#around.clearTimer(this.#probeTimer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const asked = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of asked) reject(new RequestError('offline'));
  }

  /** @param {LinkState} state */
  #set(state) {
    if (this.state === state && state !== 'waiting') return;
    this.state = state;
    this.#events.onState(state);
  }
}
