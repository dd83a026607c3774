// Chat as text: the lines of the log and the way out. No DOM.

import { MAX_CHAT_LENGTH, openChannel } from './app.channels.js';
import { NO_CHAT_CHANNEL } from './app.errors.js';

/** Lines kept in the log; a peer that floods costs us a bounded page. */
export const MAX_CHAT_LINES = 500;

/**
 * @typedef {{ from: string, text: string } | { opened: string } | { closed: string } | { text: string, to: string }} ChatEntry
 */

/**
 * @param {ChatEntry} entry `to` is '' for a message to everybody
 * @returns {string}
 */
export function chatLine(entry) {
  if ('opened' in entry) return `[system] chat channel opened: ${entry.opened}`;
  if ('closed' in entry) return `[system] chat channel closed: ${entry.closed}`;
  if ('from' in entry) return `${entry.from}: ${entry.text}`;
  return entry.to ? `me → ${entry.to}: ${entry.text}` : `me: ${entry.text}`;
}

/**
 * @param {{
 *   store: import('./app.state.js').Store,
 *   append(entry: ChatEntry): void
 * }} options
 */
export function createChat({ store, append }) {
  const { state } = store;
  return {
    append,

    /**
     * @param {string} text
     * @param {string} [to] one member, or '' for everybody with an open channel
     * @returns {boolean} whether anybody got it
     */
    send(text, to = '') {
      const clean = String(text).trim().slice(0, MAX_CHAT_LENGTH);
      if (!clean) return false;
      const one = state.peers.get(to);
      const peers = to ? (one ? [one] : []) : [...state.peers.values()];
      const channels = peers.flatMap((peer) => openChannel(peer) ?? []);
      if (channels.length === 0) {
        store.setError(NO_CHAT_CHANNEL);
        return false;
      }
      for (const channel of channels) channel.send(clean);
      append({ text: clean, to });
      store.setError('');
      return true;
    }
  };
}
