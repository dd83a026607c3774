// What the browser keeps: the account for this tab or for good, settings, never the password itself.

import { readAccount } from './address.js';

/**
 * @typedef {import('./account.js').Identity} Identity
 * @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Store
 * @typedef {{ tones: 'info' | 'rfc4733', microphone: string, camera: string, speaker: string, notify: boolean }} Settings
 *   ids of devices, '' = default
 */

const ACCOUNT = 'patchbay.phone.account';
const SETTINGS = 'patchbay.phone.settings';

/**
 * Some browsers refuse storage; then things live as long as the page.
 * @param {() => Storage} storage
 * @returns {Store}
 */
export function carefully(storage) {
  /** @template T @param {() => T} run @param {T} otherwise */
  const attempt = (run, otherwise) => {
    try {
      return run();
    } catch {
      return otherwise;
    }
  };
  return {
    getItem: (key) => attempt(() => storage().getItem(key), null),
    setItem: (key, value) => attempt(() => storage().setItem(key, value), undefined),
    removeItem: (key) => attempt(() => storage().removeItem(key), undefined)
  };
}

/** @param {string | null} text @returns {Record<string, unknown>} */
function parsed(text) {
  try {
    const value = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : '');

/**
 * @param {string | null} stored
 * @returns {Identity | null}
 */
function readIdentity(stored) {
  const { address, ha1, name } = parsed(stored);
  const account = readAccount(text(address));
  if (!account || !/^[0-9a-f]{32}$/.test(text(ha1))) return null;
  return { address: account.address, domain: account.domain, ha1: text(ha1), name: text(name) };
}

/**
 * @param {Store} tab
 * @param {Store} lasting
 */
export function createMemory(tab, lasting) {
  return {
    /** @returns {{ identity: Identity, remembered: boolean } | null} */
    account() {
      const own = readIdentity(tab.getItem(ACCOUNT));
      const kept = readIdentity(lasting.getItem(ACCOUNT));
      const identity = own ?? kept;
      return identity && { identity, remembered: kept?.address === identity.address };
    },

    /**
     * @param {Identity} identity
     * @param {boolean} remember beyond this tab
     */
    keep({ address, ha1, name }, remember) {
      const value = JSON.stringify({ address, ha1, name });
      tab.setItem(ACCOUNT, value);
      if (remember) lasting.setItem(ACCOUNT, value);
      else lasting.removeItem(ACCOUNT);
    },

    forget() {
      tab.removeItem(ACCOUNT);
      lasting.removeItem(ACCOUNT);
    },

    /** @returns {Settings} */
    settings() {
      const { tones, microphone, camera, speaker, notify } = parsed(lasting.getItem(SETTINGS));
      return {
        tones: tones === 'rfc4733' ? 'rfc4733' : 'info',
        microphone: text(microphone), camera: text(camera), speaker: text(speaker),
        notify: notify === true
      };
    },

    /** @param {Settings} settings */
    keepSettings({ tones, microphone, camera, speaker, notify }) {
      lasting.setItem(SETTINGS, JSON.stringify({ tones, microphone, camera, speaker, notify }));
    }
  };
}
