// A client of the sid protocol: a name, at most one session, reconnecting. Knows messages and time, no DOM and no WebRTC.

import { reconnectDelay } from '../app.backoff.js';
import { SESSION, readMessage } from './protocol.js';

/**
 * @typedef {'idle' | 'connecting' | 'joined' | 'reconnecting'} Phase
 * @typedef {{
 *   id: string,
 *   opponent: string,
 *   outgoing: boolean,
 *   state: number
 * }} Session `id` is '' until the server has created it, `opponent` is '' until the caller's `call` has come
 * @typedef {{
 *   onPhase(phase: Phase): void,
 *   onClients(list: import('./protocol.js').Listed[]): void,
 *   onSession(session: Session): void,
 *   onCall(session: Session, offer: RTCSessionDescriptionInit): void,
 *   onAccept(session: Session, answer: RTCSessionDescriptionInit): void,
 *   onCandidate(session: Session, candidate: RTCIceCandidateInit | null): void,
 *   onEnded(session: Session, why: import('./texts.js').Ended | number): void,
 *   onNotify(from: string, type: unknown): void,
 *   onError(code: number, who: string): void,
 *   onRetry(delayMs: number, cause: 'lost' | 'taken'): void
 * }} ClientEvents
 */

/** Every `sId` and `session` is answered; a server that is silent for this long is lost. */
export const ANSWER_TIMEOUT_MS = 10_000;

const NAME_TAKEN = 9102;
const NAMED_ALREADY = 9101;
const SESSION_UNKNOWN = 9204;
/** The answers to `session` that are no session. */
const NO_SESSION = new Set([9200, 9201, 9202, 9203]);

export class SidClient {
  /** @type {Phase} */ phase = 'idle';
  id = '';
  /** @type {Session | null} */ session = null;
  /** @type {WebSocket | null} */ #socket = null;
  #attempts = 0;
  #retryTimer = 0;
  #answerTimer = 0;
  #wasRegistered = false;
  /** A `session` is on its way; until its answer there is no second one. */
  #asking = false;
  /** The session we stopped last: what the server still says about it is old. */
  #over = '';
  #notified = '';
  #events;
  #around;

  /**
   * @param {ClientEvents} events
   * @param {import('../app.signaling.js').Surroundings} around
   */
  constructor(events, around) {
    this.#events = events;
    this.#around = around;
  }

  /** @param {string} id */
  register(id) {
    this.leave();
    this.id = id;
    this.#attempts = 0;
    this.#wasRegistered = false;
    this.#setPhase('connecting');
    this.#open();
  }

  /** The protocol has no goodbye: who closes is gone, and the other end of a session is told `leave`. */
  leave() {
    if (this.phase === 'idle') return;
    this.#dropSocket();
    this.#around.clearTimer(this.#retryTimer);
    this.session = null;
    this.#setPhase('idle');
  }

  /**
   * Asks for a session; `onSession` with its id, or `onEnded` with an error, is the answer.
   * @param {string} opponentId
   * @returns {boolean} whether it could be asked for
   */
  call(opponentId) {
    if (this.session || this.#asking || !this.#send({ cmd: 'session', opponentId })) return false;
    this.#asking = true;
    this.#expectAnswer();
    this.session = { id: '', opponent: opponentId, outgoing: true, state: 0 };
    return true;
  }

  /** The first offer rings at the other side; a later one, by either side, changes the running call. @param {RTCSessionDescriptionInit} offer */
  offer(offer) {
    return this.#inSession('call', { offer });
  }

  /** @param {RTCSessionDescriptionInit} answer */
  answer(answer) {
    return this.#inSession('accept', { answer });
  }

  /** @param {RTCIceCandidateInit | null} icecandidate null after the last one */
  candidate(icecandidate) {
    return this.#inSession('icecandidate', { icecandidate });
  }

  stop() {
    this.#finish('stop');
  }

  reject() {
    this.#finish('reject');
  }

  /**
   * @param {string} opponentId
   * @param {string} type
   */
  notify(opponentId, type) {
    this.#notified = opponentId;
    return this.#send({ cmd: 'notify', opponentId, type });
  }

  /**
   * After sleep or a change of network: is the line still there? A second sId changes nothing and is answered 9101.
   * The browser answers the server's pings by itself and tells nobody when they stay away.
   */
  probe() {
    if (this.#send({ cmd: 'sId', sId: this.id })) this.#expectAnswer();
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
    socket.onopen = () => socket.send(JSON.stringify({ cmd: 'sId', sId: this.id }));
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#retry('lost');
    this.#expectAnswer();
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.phase === 'joined') this.#around.clearTimer(this.#answerTimer);
    const message = readMessage(data);
    if (!message) return;
    switch (message.cmd) {
      case 'sId':
        return this.#registered(message.sId);
      case 'clu':
        return this.#events.onClients(message.list);
      case 'session':
        return this.#created(message.sessionId);
      case 'ssu':
        return this.#changed(message.sessionId, message.state);
      case 'notify':
        return this.#events.onNotify(message.opponentId, message.type);
      case 'error':
        return this.#refused(message.code);
    }
    const { session } = this;
    if (!session || message.sessionId !== session.id) return;
    session.opponent = message.opponentId;
    const { cmd, offer, answer, icecandidate } = message;
    if (cmd === 'call' && offer) this.#events.onCall(session, offer);
    else if (cmd === 'accept' && answer) this.#events.onAccept(session, answer);
    else if (cmd === 'icecandidate' && icecandidate !== undefined) this.#events.onCandidate(session, icecandidate);
    else if (cmd === 'stop' || cmd === 'reject' || cmd === 'leave') this.#end(cmd);
  }

  /** @param {string} id as the server writes it */
  #registered(id) {
    this.id = id;
    this.#attempts = 0;
    this.#wasRegistered = true;
    this.#around.clearTimer(this.#answerTimer);
    this.#setPhase('joined');
  }

  /** @param {string} id */
  #created(id) {
    this.#asking = false;
    const { session } = this;
    if (session && !session.id) {
      session.id = id;
      session.state = SESSION.NEW;
      this.#events.onSession(session);
      return;
    }
    // Hung up while the answer was on its way.
    this.#over = id;
    this.#send({ cmd: 'stop', sessionId: id });
  }

  /**
   * @param {string} id
   * @param {number} state
   */
  #changed(id, state) {
    if (id === this.#over) return;
    if (id === this.session?.id) {
      this.session.state = state;
      if (state === SESSION.CLOSED) this.#end('closed');
      else this.#events.onSession(this.session);
    } else if (state === SESSION.NEW) {
      // Somebody calls. If we were asking, too, they were first and our answer will be 9202.
      this.session = { id, opponent: '', outgoing: false, state };
      this.#events.onSession(this.session);
    }
  }

  /** @param {number} code */
  #refused(code) {
    if (this.phase !== 'joined') {
      // Again under the same name: most likely our own dead connection, which the server drops within 6 s.
      if (code === NAME_TAKEN && this.#wasRegistered) return this.#retry('taken');
      this.#dropSocket();
      this.#setPhase('idle');
      return this.#events.onError(code, this.id);
    }
    if (this.#asking && NO_SESSION.has(code)) {
      this.#asking = false;
      if (this.session && !this.session.id) this.#end(code);
      return;
    }
    // Both ends hung up at once, or a candidate crossed a stop; the end itself is told by stop, leave or ssu.
    if (code === SESSION_UNKNOWN || code === NAMED_ALREADY) return;
    this.#events.onError(code, code === 9301 ? this.#notified : (this.session?.opponent ?? ''));
  }

  /** @param {import('./texts.js').Ended | number} why */
  #end(why) {
    const { session } = this;
    if (!session) return;
    this.session = null;
    this.#events.onEnded(session, why);
  }

  /** @param {'stop' | 'reject'} cmd */
  #finish(cmd) {
    this.#inSession(cmd);
    if (this.session?.id) this.#over = this.session.id;
    this.session = null;
  }

  /**
   * @param {string} cmd
   * @param {object} [payload]
   */
  #inSession(cmd, payload) {
    const sessionId = this.session?.id;
    return sessionId ? this.#send({ cmd, sessionId, ...payload }) : false;
  }

  /**
   * @param {{ cmd: string, [key: string]: unknown }} message
   * @returns {boolean} whether it could be handed to an open connection
   */
  #send(message) {
    if (this.phase !== 'joined' || this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #expectAnswer() {
    this.#around.clearTimer(this.#answerTimer);
    this.#answerTimer = this.#around.setTimer(() => this.#retry('lost'), ANSWER_TIMEOUT_MS);
  }

  /** @param {'lost' | 'taken'} cause */
  #retry(cause) {
    this.#end('lost');
    this.#dropSocket();
    const delay = reconnectDelay(this.#attempts);
    this.#attempts += 1;
    this.#retryTimer = this.#around.setTimer(() => this.#open(), delay);
    this.#setPhase('reconnecting');
    this.#events.onRetry(delay, cause);
  }

  /** Handlers go first: a dead network would deliver `close` only after the browser's own time-out. */
  #dropSocket() {
    this.#around.clearTimer(this.#answerTimer);
    this.#asking = false;
    this.#over = '';
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#socket = null;
  }

  /** @param {Phase} phase */
  #setPhase(phase) {
    if (this.phase === phase) return;
    this.phase = phase;
    this.#events.onPhase(phase);
  }
}
