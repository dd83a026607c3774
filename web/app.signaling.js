// The connection to the server: join, leave, keep trying. Knows messages and time, no DOM and no WebRTC.

import { reconnectDelay } from './app.backoff.js';
import { formatMessage, parseMessage } from './app.protocol.js';

/**
 * @typedef {'idle' | 'connecting' | 'joined' | 'reconnecting'} Phase
 * @typedef {{
 *   onPhase(phase: Phase): void,
 *   onSocket(socket: WebSocket | null): void,
 *   onJoined(again: boolean): void,
 *   onMembers(ids: string[]): void,
 *   onRelay(message: Message & { from: string }): void,
 *   onRefused(code: string, text: string, final: boolean): void,
 *   onRetry(delayMs: number, cause: 'lost' | 'duplicate_id'): void
 * }} SignalingEvents
 * @typedef {{
 *   createSocket(): WebSocket,
 *   setTimer(run: () => void, ms: number): number,
 *   clearTimer(timer: number): void
 * }} Surroundings
 */

/** A proxy may accept the socket while the server behind it hangs: no answer to `join` in this time is a lost server. */
export const JOIN_TIMEOUT_MS = 10_000;
/** Browsers do not report a silently dead network. Two unanswered pings (40 to 60 s) do; more often would wake phones. */
export const PING_INTERVAL_MS = 20_000;
const SILENT_PINGS = 2;

const RELAYED = new Set(['offer', 'answer', 'candidate', 'hangup']);

export class Signaling {
  /** @type {Phase} */ phase = 'idle';
  room = '';
  id = '';
  /** @type {WebSocket | null} */ #socket = null;
  #attempts = 0;
  #retryTimer = 0;
  #watchTimer = 0;
  #silentPings = 0;
  #wasJoined = false;
  #events;
  #around;

  /**
   * @param {SignalingEvents} events
   * @param {Surroundings} around
   */
  constructor(events, around) {
    this.#events = events;
    this.#around = around;
  }

  /**
   * @param {string} room
   * @param {string} id
   */
  join(room, id) {
    this.leave();
    this.room = room;
    this.id = id;
    this.#attempts = 0;
    this.#wasJoined = false;
    this.#setPhase('connecting');
    this.#open();
  }

  /** Says goodbye as far as the socket allows and forgets the room. */
  leave() {
    if (this.phase === 'idle') return;
    this.send({ type: 'leave' });
    this.#dropSocket();
    this.#around.clearTimer(this.#retryTimer);
    this.room = '';
    this.#setPhase('idle');
  }

  /**
   * @param {Message} message
   * @returns {boolean} whether it could be handed to an open connection
   */
  send(message) {
    if (this.phase !== 'joined' || this.#socket?.readyState !== 1) return false;
    this.#socket.send(formatMessage(this.room, this.id, message));
    return true;
  }

  #open() {
    let socket;
    try {
      socket = this.#around.createSocket();
    } catch {
      this.#retry('lost');
      return;
    }
    this.#socket = socket;
    this.#events.onSocket(socket);
    socket.onopen = () => socket.send(formatMessage(this.room, this.id, { type: 'join' }));
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#retry('lost');
    this.#watchTimer = this.#around.setTimer(() => this.#retry('lost'), JOIN_TIMEOUT_MS);
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#silentPings = 0;
    const message = parseMessage(data);
    if (!message) return;
    if (message.type === 'joined') this.#joined();
    else if (message.type === 'room_members') this.#events.onMembers(message.members ?? []);
    else if (message.type === 'error') this.#refused(message);
    else if (RELAYED.has(message.type) && message.from) this.#events.onRelay({ ...message, from: message.from });
  }

  #joined() {
    if (this.phase === 'joined') return;
    const again = this.#wasJoined;
    this.#wasJoined = true;
    this.#attempts = 0;
    this.#around.clearTimer(this.#watchTimer);
    this.#watch();
    this.#setPhase('joined');
    this.#events.onJoined(again);
  }

  /** @param {Message} message */
  #refused({ code = '', error = '' }) {
    const joining = this.phase === 'connecting' || this.phase === 'reconnecting';
    if (joining && code === 'duplicate_id') {
      // Most likely our own dead connection, which the server drops after its 20 s without a pong.
      this.#retry('duplicate_id');
      return;
    }
    if (joining) {
      this.#dropSocket();
      this.room = '';
      this.#setPhase('idle');
    }
    this.#events.onRefused(code, error, joining);
  }

  /** @param {'lost' | 'duplicate_id'} cause */
  #retry(cause) {
    this.#dropSocket();
    const delay = reconnectDelay(this.#attempts);
    this.#attempts += 1;
    this.#retryTimer = this.#around.setTimer(() => this.#open(), delay);
    this.#setPhase('reconnecting');
    this.#events.onRetry(delay, cause);
  }

  #watch() {
    this.#silentPings = 0;
    const tick = () => {
      if (this.#silentPings >= SILENT_PINGS) {
        this.#retry('lost');
        return;
      }
      this.#silentPings += 1;
      this.send({ type: 'ping' });
      this.#watchTimer = this.#around.setTimer(tick, PING_INTERVAL_MS);
    };
    this.#watchTimer = this.#around.setTimer(tick, PING_INTERVAL_MS);
  }

  /** Handlers go first: a dead network would deliver `close` only after the browser's own time-out. */
  #dropSocket() {
    this.#around.clearTimer(this.#watchTimer);
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#socket = null;
    this.#events.onSocket(null);
  }

  /** @param {Phase} phase */
  #setPhase(phase) {
    if (this.phase === phase) return;
    this.phase = phase;
    this.#events.onPhase(phase);
  }
}
