// The list of people in the room. Rows are kept while their member stays, so focus survives every update.

import { byId, create, setText } from './app.dom.js';
import { callText } from './app.status.js';

/**
 * @param {import('./app.state.js').Store} store
 * @param {{ pick(id: string): void, call(id: string): void, callAll(ids: string[]): void, hangup(id: string): void }} actions
 */
export function createMembers({ state, view }, actions) {
  const list = byId('members', HTMLUListElement);
  const count = byId('memberCount', HTMLElement);
  const alone = byId('aloneHint', HTMLElement);
  const callAll = byId('callAll', HTMLButtonElement);
  callAll.addEventListener('click', () => actions.callAll(uncalled()));
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();

  const uncalled = () => view.members.filter((id) => id !== state.myId && !state.peers.has(id));

  /** @param {string} id */
  function createRow(id) {
    const own = id === state.myId;
    const row = create('li', 'member');
    const pill = create('button', 'member-pill', own ? `${id} (you)` : id);
    pill.type = 'button';
    pill.disabled = own;
    const note = create('span', 'member-note');
    const action = create('button', 'button member-action');
    action.type = 'button';
    row.append(pill, note);
    if (!own) {
      pill.title = `Put ${id} into the call field`;
      pill.addEventListener('click', () => actions.pick(id));
      action.addEventListener('click', () => (state.peers.has(id) ? actions.hangup(id) : actions.call(id)));
      row.append(action);
    }
    return { row, note, action };
  }

  return function render() {
    const wanted = new Set(view.members);
    for (const [id, { row }] of rows) {
      if (wanted.has(id)) continue;
      row.remove();
      rows.delete(id);
    }
    let previous = /** @type {Element | null} */ (null);
    for (const id of wanted) {
      const entry = rows.get(id) ?? createRow(id);
      rows.set(id, entry);
      const place = previous ? previous.nextElementSibling : list.firstElementChild;
      if (place !== entry.row) list.insertBefore(entry.row, place);
      previous = entry.row;

      const peer = state.peers.get(id);
      const inCall = peer?.pc.connectionState === 'connected';
      entry.row.classList.toggle('in-call', inCall);
      entry.row.classList.toggle('is-calling', Boolean(peer) && !inCall);
      setText(entry.note, callText(peer?.pc.connectionState));
      setText(entry.action, peer ? 'Hang up' : 'Call');
      entry.action.classList.toggle('button-danger', Boolean(peer));
      entry.action.classList.toggle('button-call', !peer);
      entry.action.setAttribute('aria-label', peer ? `Hang up on ${id}` : `Call ${id}`);
      entry.action.disabled = !peer && state.roomState !== 'joined' && state.roomState !== 'calling';
    }
    setText(count, wanted.size > 0 ? String(wanted.size) : '');
    alone.hidden = wanted.size !== 1;
    callAll.hidden = uncalled().length < 2;
    callAll.disabled = state.roomState !== 'joined' && state.roomState !== 'calling';
  };
}
