// The calls of the past, kept by the browser. No DOM.

import { sameAddress } from './address.js';

/**
 * @typedef {'answered' | 'missed' | 'declined' | 'unanswered' | 'failed' | 'elsewhere'} Outcome
 *   `unanswered`: nobody took it; `missed`: we did not
 * @typedef {{
 *   account: string, uri: string, name: string, outgoing: boolean, video: boolean, at: number, seconds: number, outcome: Outcome, seen: boolean
 * }} Entry `at`: ms since 1970, when it began; `seen`: false for a missed call that nobody has looked at
 */

/** More than anybody scrolls through; the storage has room for a hundred times as many. */
export const MOST = 100;
export const KEY = 'patchbay.phone.history';
/** The word that a call was missed follows its end at once; a later one is about another call. */
const SAME_CALL_MS = 10_000;

/** @type {readonly Outcome[]} */
const OUTCOMES = ['answered', 'missed', 'declined', 'unanswered', 'failed', 'elsewhere'];

/**
 * @param {unknown} value
 * @returns {value is Entry}
 */
function isEntry(value) {
  const entry = /** @type {Entry} */ (value);
  return (
    typeof entry === 'object' && entry !== null &&
    [entry.account, entry.uri, entry.name].every((text) => typeof text === 'string') &&
    [entry.outgoing, entry.video, entry.seen].every((flag) => typeof flag === 'boolean') &&
    [entry.at, entry.seconds].every(Number.isFinite) && OUTCOMES.includes(entry.outcome)
  );
}

/** @param {Pick<Storage, 'getItem' | 'setItem'>} storage */
export function createHistory(storage) {
  /** Newest first. @type {Entry[]} */
  let entries = [];
  /** The last that nobody took, and when it was over. */
  let last = { account: '', uri: '', at: 0, end: 0 };

  /** Other tabs write to the same list. */
  function load() {
    try {
      const stored = JSON.parse(storage.getItem(KEY) ?? 'null');
      if (Array.isArray(stored)) entries = stored.filter(isEntry).slice(0, MOST);
    } catch {
      // Refused or spoilt: what is known here goes on.
    }
  }
  load();

  function store() {
    try {
      storage.setItem(KEY, JSON.stringify(entries));
    } catch {
      // Refused or full: it lives as long as the page.
    }
  }

  /**
   * @param {Entry} entry
   * @param {number} now
   */
  function add(entry, now) {
    load();
    if (entry.outcome === 'unanswered' && !entry.outgoing) last = { account: entry.account, uri: entry.uri, at: entry.at, end: now };
    entries = [entry, ...entries].slice(0, MOST);
    store();
  }

  return {
    add,

    /** Another tab may have written. */
    refresh: load,

    /** @param {string} account */
    of: (account) => entries.filter((entry) => entry.account === account),

    /**
     * The server says that a call was missed: one that has just ended here, or one that never came through.
     * @param {string} account
     * @param {import('./protocol.js').Person} from
     * @param {number} now
     * @returns {Entry}
     */
    missed(account, from, now) {
      load();
      const isLast = last.account === account && sameAddress(last.uri, from.uri) && now - last.end < SAME_CALL_MS;
      const known = entries.find(({ account: of, uri, at, outcome }) => isLast && of === account && uri === last.uri && at === last.at && outcome === 'unanswered');
      if (known) {
        known.outcome = 'missed';
        known.seen = false;
        store();
        return known;
      }
      /** @type {Entry} */
      const entry = { account, uri: from.uri, name: from.name, outgoing: false, video: false, at: now, seconds: 0, outcome: 'missed', seen: false };
      add(entry, now);
      return entry;
    },

    /** Somebody has looked. @param {string} account */
    see(account) {
      load();
      const news = entries.filter((entry) => entry.account === account && !entry.seen);
      for (const entry of news) entry.seen = true;
      if (news.length > 0) store();
    },

    /** @param {string} account */
    clear(account) {
      load();
      entries = entries.filter((entry) => entry.account !== account);
      store();
    },

    /** The last address that was dialled, '' if none. @param {string} account */
    redial: (account) => entries.find((entry) => entry.account === account && entry.outgoing)?.uri ?? ''
  };
}

/** @typedef {ReturnType<typeof createHistory>} History */
