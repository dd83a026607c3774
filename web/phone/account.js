// The one account of the page: added, registered, registered again after every reconnect. No DOM, no WebRTC.

import { RequestError } from './client.js';
import { codeOf } from './protocol.js';
import { isFinal } from './reasons.js';

/**
 * @typedef {'none' | 'registering' | 'registered' | 'failed'} Registration
 * @typedef {{ address: string, domain: string, ha1: string, name: string }} Identity `ha1` stands for the password
 * @typedef {{
 *   client: Pick<import('./client.js').GatewayClient, 'request' | 'start' | 'stop'>,
 *   onChange(): void,
 *   setTimer(run: () => void, ms: number): number, clearTimer(timer: number): void
 * }} AccountOptions
 */

/** The server itself looks after a registrar that fails; this is for one that has given up. Sooner would add to its load. */
export const AGAIN_MS = [10_000, 30_000, 60_000];
const USER_AGENT = 'Patchbay Phone';

export class PhoneAccount {
  /** @type {Registration} */ state = 'none';
  /** Why it failed, in the server's words. */ reason = '';
  /** @type {Identity | null} */ identity = null;
  /** The server knows the account: calls can be made. */ added = false;
  #options;
  #timer = 0;
  #failures = 0;

  /** @param {AccountOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Identity} identity */
  signIn(identity) {
    this.#options.client.stop();
    this.#reset();
    this.identity = identity;
    this.#options.client.start();
  }

  /** The server unregisters an account whose connection ends; saying so is politeness towards the registrar. */
  signOut() {
    const { client } = this.#options;
    const account = this.identity?.address;
    if (account && this.added) {
      void client.request('account-unregister', { account }).catch(() => {});
      void client.request('account-remove', { account }).catch(() => {});
    }
    this.identity = null;
    this.#reset();
    client.stop();
    this.#options.onChange();
  }

  /** The connection is ready and knows nothing of us. */
  async ready() {
    const { identity } = this;
    if (!identity) return;
    this.#reset();
    this.#set('registering');
    try {
      await this.#options.client.request('account-add', {
        account: identity.address,
        password: identity.ha1,
        ...(identity.name && { display_name: identity.name }),
        user_agent: USER_AGENT
      });
    } catch (error) {
      return this.#refused(identity, error);
    }
    if (this.identity !== identity) return;
    this.added = true;
    await this.register();
  }

  /** (Again.) */
  async register() {
    const { identity } = this;
    if (!identity) return;
    this.#options.clearTimer(this.#timer);
    if (!this.added) return this.ready();
    this.#set('registering');
    try {
      await this.#options.client.request('account-register', { account: identity.address });
    } catch (error) {
      this.#refused(identity, error);
    }
  }

  /** Without the connection there is no registration. */
  lost() {
    this.#reset();
    this.#options.onChange();
  }

  /** @param {import('./protocol.js').RegistrationTold} told */
  told({ account, state, reason }) {
    if (account !== this.identity?.address) return;
    if (state === 'registered') {
      this.#options.clearTimer(this.#timer);
      this.#failures = 0;
      this.#set('registered');
    } else if (state === 'registering') {
      this.#set('registering');
    } else if (state === 'failed') {
      this.#fail(reason);
    }
  }

  /**
   * @param {Identity} identity whom the request was for
   * @param {unknown} error
   */
  #refused(identity, error) {
    // The connection's own state says more than a request that was lost with it.
    if (this.identity !== identity || !(error instanceof RequestError) || error.kind === 'offline') return;
    this.#fail(error.detail || 'refused');
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#options.clearTimer(this.#timer);
    // What only the user can mend is not tried again.
    if (codeOf(reason) !== 0 && !isFinal(codeOf(reason))) {
      const delay = AGAIN_MS[Math.min(this.#failures, AGAIN_MS.length - 1)];
      this.#failures += 1;
      this.#timer = this.#options.setTimer(() => void this.register(), delay);
    }
    this.#set('failed', reason);
  }

  #reset() {
    this.#options.clearTimer(this.#timer);
    this.#failures = 0;
    this.added = false;
    this.state = 'none';
    this.reason = '';
  }

  /**
   * @param {Registration} state
   * @param {string} [reason]
   */
  #set(state, reason = '') {
    this.state = state;
    this.reason = reason;
    this.#options.onChange();
  }
}
