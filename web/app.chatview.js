// The chat on the page: the log and whom a message goes to.

import { MAX_CHAT_LINES, chatLine } from './app.chat.js';
import { byId, create } from './app.dom.js';

const TOAST_LENGTH = 140;

/**
 * @param {import('./app.state.js').Store} store
 * @param {(text: string) => void} toast for messages that arrive while the log is out of sight, as on phones
 */
export function createChatView({ state }, toast) {
  const log = byId('chatLog', HTMLElement);
  const to = byId('chatTo', HTMLSelectElement);
  const input = byId('chatInput', HTMLInputElement);

  function inSight() {
    const { top, bottom } = log.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight - 80;
  }

  /** @param {import('./app.chat.js').ChatEntry} entry */
  function append(entry) {
    const kind = 'from' in entry ? 'theirs' : 'text' in entry ? 'mine' : 'system';
    // Somebody who reads further up is not pulled down.
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(create('div', `chat-line is-${kind}`, chatLine(entry)));
    while (log.childElementCount > MAX_CHAT_LINES) log.firstElementChild?.remove();
    if (kind === 'theirs' && !inSight()) toast(chatLine(entry).slice(0, TOAST_LENGTH));
    if (atEnd || kind === 'mine') log.scrollTop = log.scrollHeight;
  }

  function render() {
    const open = [...state.peers.values()].filter((peer) => peer.chatOpen).map((peer) => peer.id);
    to.hidden = open.length < 2;
    input.placeholder = open.length > 0 ? 'Message' : 'Call somebody to chat';
    const ids = ['', ...open];
    if (ids.join() === [...to.options].map((option) => option.value).join()) return;
    const chosen = to.value;
    to.replaceChildren(...ids.map((id) => new Option(id ? `To ${id}` : 'To everybody', id)));
    to.value = open.includes(chosen) ? chosen : '';
  }

  return { append, render, recipient: () => (to.hidden ? '' : to.value) };
}
