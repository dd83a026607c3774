// Keeping a stream up: waits until it is live, restarts ICE when the connection breaks, starts anew when that does not help.
// No DOM and no WebRTC: a session is opened by the caller, who reports how its connection does.

import { reconnectDelay } from '../app.backoff.js';
import { StreamError } from './whip.js';

/**
 * @typedef {'publish' | 'watch'} Mode
 * @typedef {'idle' | 'connecting' | 'waiting' | 'live' | 'restoring' | 'retrying' | 'failed'} LineState
 *   `waiting`: the stream is not live yet; `restoring`: ICE restart; `retrying`: a pause before the next attempt;
 *   `failed`: only the user can help
 * @typedef {'connected' | 'disconnected' | 'failed' | 'gone'} Report `gone`: the other end closed it
 * @typedef {{ open(): Promise<unknown>, restart(): Promise<boolean>, close(options?: { keepalive?: boolean }): Promise<boolean> }} LineSession
 * @typedef {{
 *   mode: Mode, create(report: (what: Report) => void): LineSession,
 *   onState(state: LineState): void,
 *   setTimer?: (run: () => void, ms: number) => number, clearTimer?: (timer: number) => void
 * }} LineOptions
 */

/** After the answer the first packets take a few round trips; longer leaves the user before a blocked network. */
export const CONNECT_TIMEOUT_MS = 12_000;
/** Short gaps heal by themselves; longer lets the viewer look at a frozen picture. */
export const DISCONNECTED_MS = 2_000;
/** How long a restart may take before a new session is quicker. */
export const RESTART_TIMEOUT_MS = 8_000;
/** A connection that holds this long was good: the next loss starts again with the shortest delay. */
export const STABLE_MS = 10_000;
/** A stream that is not live is asked for this often if the server does not say how often. */
export const WAIT_MS = 2_000;
/** The longest wait a server may ask for. */
const MAX_WAIT_MS = 60_000;

/** @typedef {'unreachable' | 'lost'} LineTrouble no connection came about, or it broke */

/**
 * What to do about a refusal.
 * @param {number} status 0 for a network error, -1 for a failure of the browser itself
 * @param {Mode} mode
 * @param {boolean} wasLive
 * @returns {'wait' | 'retry' | 'stop'}
 */
export function verdict(status, mode, wasLive) {
  if (status === 404 && mode === 'watch') return 'wait';
  // 501: it is not built or set up for this, and will not be in a minute.
  if (status === 501) return 'stop';
  if (status === 0 || status === 429 || status >= 500) return 'retry';
  // Most likely our own session before the loss, which the server has not given up yet.
  if (status === 409 && mode === 'publish' && wasLive) return 'retry';
  return 'stop';
}

export class Line {
  /** @type {LineState} */ state = 'idle';
  /** Why it is not live. @type {unknown} */ error = null;
  /** @type {LineTrouble | ''} */ trouble = '';
  /** ms until the next attempt, while `waiting` or `retrying` */ delay = 0;
  wasLive = false;
  #options;
  #setTimer;
  #clearTimer;
  /** @type {LineSession | null} */ #session = null;
  /** Sessions whose end the server has not heard of. @type {LineSession[]} */ #unclosed = [];
  #attempts = 0;
  #timer = 0;
  #stable = 0;

  /** @param {LineOptions} options */
  constructor(options) {
    this.#options = options;
    this.#setTimer = options.setTimer ?? ((run, ms) => window.setTimeout(run, ms));
    this.#clearTimer = options.clearTimer ?? ((timer) => window.clearTimeout(timer));
  }

  start() {
    this.stop();
    this.#attempts = 0;
    this.wasLive = false;
    void this.#attempt();
  }

  /** @param {{ keepalive?: boolean }} [options] */
  stop(options) {
    this.#pause();
    void this.#drop(options);
    this.error = null;
    this.trouble = '';
    if (this.state !== 'idle') this.#set('idle');
  }

  /** The network is back: no use in waiting longer. */
  probe() {
    if (!this.#session && (this.state === 'retrying' || this.state === 'waiting')) void this.#attempt();
  }

  async #attempt() {
    this.#pause();
    // Attempts in a row are one state: it would only flicker.
    const again = this.state === 'waiting' || this.state === 'retrying';
    if (!again) this.#set('connecting');
    /** @type {LineSession | null} */
    let session = null;
    try {
      const created = this.#options.create((what) => {
        if (this.#session === created) this.#report(what);
      });
      this.#session = session = created;
      // A name that our dead session still holds would be refused.
      for (const old of [...this.#unclosed]) if (!(await old.close())) throw new StreamError(0);
      if (this.#session !== session) return;
      this.#unclosed = [];
      await session.open();
    } catch (error) {
      if (this.#session === session) this.#refused(error);
      return;
    }
    // It may be connected already.
    if (this.#session !== session || this.state === 'live') return;
    if (again) this.#set('connecting');
    this.#wait(CONNECT_TIMEOUT_MS, () => this.#again('unreachable'));
  }

  /** @param {Report} what */
  #report(what) {
    if (what === 'connected') {
      this.#pause();
      this.wasLive = true;
      this.error = null;
      this.trouble = '';
      this.#stable = this.#setTimer(() => (this.#attempts = 0), STABLE_MS);
      this.#set('live');
    } else if (what === 'gone') {
      this.#again('lost');
    } else if (this.state === 'live') {
      this.#clearTimer(this.#timer);
      if (what === 'failed') void this.#restart();
      else this.#timer = this.#setTimer(() => void this.#restart(), DISCONNECTED_MS);
    } else if (what === 'failed') {
      this.#again(this.state === 'restoring' ? 'lost' : 'unreachable');
    }
  }

  async #restart() {
    const session = this.#session;
    if (!session) return;
    this.trouble = 'lost';
    this.#set('restoring');
    this.#wait(RESTART_TIMEOUT_MS, () => this.#again('lost'));
    const done = await session.restart();
    if (!done && this.#session === session && this.state === 'restoring') this.#again('lost');
  }

  /** @param {LineTrouble} trouble */
  #again(trouble) {
    this.trouble = trouble;
    this.error = null;
    // What broke after it had worked is worth an attempt at once.
    this.#retry('retrying', this.#attempts === 0 && trouble === 'lost' ? 0 : reconnectDelay(Math.max(0, this.#attempts - 1)));
  }

  /** @param {unknown} error */
  #refused(error) {
    const known = error instanceof StreamError ? error : null;
    const asked = known?.retryAfter ?? null;
    this.error = error;
    this.trouble = '';
    switch (verdict(known?.status ?? -1, this.#options.mode, this.wasLive)) {
      case 'wait':
        return this.#retry('waiting', asked ?? WAIT_MS);
      case 'retry':
        return this.#retry('retrying', asked ?? reconnectDelay(this.#attempts));
      case 'stop':
        this.#pause();
        void this.#drop();
        return this.#set('failed');
    }
  }

  /**
   * @param {'waiting' | 'retrying'} state
   * @param {number} delay
   */
  #retry(state, delay) {
    this.#pause();
    void this.#drop();
    // Not being live yet is no failure.
    this.#attempts = state === 'waiting' ? 0 : this.#attempts + 1;
    this.delay = Math.min(delay, MAX_WAIT_MS);
    this.#timer = this.#setTimer(() => void this.#attempt(), this.delay);
    this.#set(state);
  }

  /** @param {{ keepalive?: boolean }} [options] */
  async #drop(options) {
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    this.#unclosed.push(session);
    if (await session.close(options)) this.#unclosed = this.#unclosed.filter((item) => item !== session);
  }

  /**
   * @param {number} ms
   * @param {() => void} run
   */
  #wait(ms, run) {
    this.#clearTimer(this.#timer);
    this.#timer = this.#setTimer(run, ms);
  }

  #pause() {
    this.#clearTimer(this.#timer);
    this.#clearTimer(this.#stable);
  }

  /** @param {LineState} state */
  #set(state) {
    this.state = state;
    this.#options.onState(state);
  }
}
