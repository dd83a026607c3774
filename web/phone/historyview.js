// The list of calls.

import { byId, create, setText } from '../app.dom.js';

/**
 * @typedef {{ uri: string, who: string, text: string, outgoing: boolean, missed: boolean, fresh: boolean }} HistoryRow
 *   `fresh`: missed, and not looked at before this view of the page
 * @typedef {{ callBack(uri: string, video: boolean): void, fill(uri: string): void, clear(): void }} HistoryActions
 */

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name */
function icon(name) {
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('class', 'icon');
  picture.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  picture.append(use);
  return picture;
}

/** @param {HistoryActions} actions */
export function createHistoryView(actions) {
  const list = byId('history', HTMLUListElement);
  const empty = byId('historyEmpty', HTMLElement);
  const clear = byId('clearHistory', HTMLButtonElement);
  const count = byId('missedCount', HTMLElement);
  /** What is shown: the same list again would only lose the focus. */
  let shown = '';
  clear.addEventListener('click', actions.clear);

  /** @param {HistoryRow} row */
  function item({ uri, who, text, outgoing, missed, fresh }) {
    const element = create('li', 'history-row');
    if (missed) element.classList.add('is-missed');
    if (fresh) element.classList.add('is-fresh');
    const direction = create('span', 'history-icon');
    direction.append(icon(missed ? 'missed' : outgoing ? 'out' : 'in'));
    const words = create('button', 'history-words');
    words.type = 'button';
    words.title = 'Put into the field';
    words.append(create('span', 'history-who', who), create('span', 'history-text', text));
    words.addEventListener('click', () => actions.fill(uri));
    const call = create('button', 'icon-button history-call');
    const video = create('button', 'icon-button history-call');
    call.type = video.type = 'button';
    call.setAttribute('aria-label', `Call ${who}`);
    video.setAttribute('aria-label', `Call ${who} with video`);
    call.append(icon('call'));
    video.append(icon('camera'));
    call.addEventListener('click', () => actions.callBack(uri, false));
    video.addEventListener('click', () => actions.callBack(uri, true));
    element.append(direction, words, video, call);
    return element;
  }

  return {
    /** @param {HistoryRow[]} rows */
    render(rows) {
      const text = JSON.stringify(rows);
      if (text === shown) return;
      shown = text;
      list.replaceChildren(...rows.map(item));
      list.hidden = rows.length === 0;
      empty.hidden = rows.length > 0;
      clear.hidden = rows.length === 0;
      const fresh = rows.filter((row) => row.fresh).length;
      setText(count, fresh > 0 ? `${fresh} missed` : '');
    }
  };
}
