// The page: who is there, what rings, what is said. Text is set as text, never as markup.

import { byId, create, setText } from '../app.dom.js';
import { localNote } from '../app.status.js';

/**
 * @typedef {{ clients: import('./protocol.js').Listed[], note: string }} Shown
 * @typedef {{
 *   register(name: string): void, leave(): void, dial(id: string): void, notify(id: string, text: string): boolean,
 *   accept(): void, reject(): void, hangUp(): void, caller(): string | null,
 *   toggleMute(): void, toggleCamera(): void, retryMedia(): void
 * }} Actions
 */

const TOAST_MS = 8000;
const MAX_TOASTS = 4;

/**
 * @param {import('../app.state.js').Store} store
 * @param {Shown} shown
 * @param {Actions} actions
 */
export function createView(store, shown, actions) {
  const { state, view } = store;
  const page = {
    status: byId('status', HTMLElement),
    nameForm: byId('nameForm', HTMLFormElement),
    name: byId('name', HTMLInputElement),
    leave: byId('leave', HTMLButtonElement),
    myId: byId('myId', HTMLElement),
    members: byId('members', HTMLUListElement),
    count: byId('memberCount', HTMLElement),
    alone: byId('aloneHint', HTMLElement),
    paused: byId('pausedHint', HTMLElement),
    notifyForm: byId('notifyForm', HTMLFormElement),
    notifyTo: byId('notifyTo', HTMLElement),
    notifyText: byId('notifyText', HTMLInputElement),
    ringing: byId('ringing', HTMLElement),
    caller: byId('caller', HTMLElement),
    callerInitial: byId('callerInitial', HTMLElement),
    accept: byId('accept', HTMLButtonElement),
    mute: byId('muteBtn', HTMLButtonElement),
    camera: byId('cameraBtn', HTMLButtonElement),
    localNote: byId('localNote', HTMLElement),
    localLabel: byId('localLabel', HTMLElement),
    mediaRetry: byId('mediaRetry', HTMLButtonElement),
    toasts: byId('toasts', HTMLElement)
  };
  const banners = /** @type {const} */ (['error', 'media', 'note']).map((when) => ({ when, text: byId(when, HTMLElement) }));
  const title = document.title;
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  let recipient = '';
  let dismissedIssue = '';

  /**
   * @param {HTMLFormElement} form
   * @param {() => void} run
   */
  function onSubmit(form, run) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      run();
    });
  }

  onSubmit(page.nameForm, () => actions.register(page.name.value));
  onSubmit(page.notifyForm, () => {
    const text = page.notifyText.value.trim();
    if (!text || !actions.notify(recipient, text)) return;
    page.notifyText.value = '';
    toast('', `Sent to ${recipient}.`);
  });
  page.leave.addEventListener('click', actions.leave);
  page.accept.addEventListener('click', actions.accept);
  byId('reject', HTMLButtonElement).addEventListener('click', actions.reject);
  byId('endBtn', HTMLButtonElement).addEventListener('click', actions.hangUp);
  page.mute.addEventListener('click', actions.toggleMute);
  page.camera.addEventListener('click', actions.toggleCamera);
  page.mediaRetry.addEventListener('click', actions.retryMedia);
  document.addEventListener('click', ({ target }) => {
    const when = target instanceof Element ? target.closest('[data-dismiss]')?.parentElement?.dataset.when : undefined;
    if (when) dismiss(when);
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') for (const { when } of banners) if (when !== 'media') dismiss(when);
  });

  /** @param {string} when */
  function dismiss(when) {
    if (when === 'media') dismissedIssue = view.mediaIssue;
    if (when === 'note') shown.note = '';
    if (when === 'error') view.error = '';
    store.changed();
  }

  /**
   * @param {string} from '' for the page itself
   * @param {string} text
   */
  function toast(from, text) {
    const item = create('div', 'notice');
    if (from) item.append(create('strong', 'notice-from', from), ' ');
    item.append(create('span', 'notice-text', text));
    page.toasts.append(item);
    while (page.toasts.childElementCount > MAX_TOASTS) page.toasts.firstElementChild?.remove();
    setTimeout(() => item.remove(), TOAST_MS);
  }

  /** @param {string} id */
  function createRow(id) {
    const row = create('li', 'member');
    row.dataset.id = id;
    const note = create('span', 'member-note');
    const write = create('button', 'button button-quiet member-action', 'Message');
    const call = create('button', 'button button-call member-action', 'Call');
    write.setAttribute('aria-label', `Write to ${id}`);
    call.setAttribute('aria-label', `Call ${id}`);
    write.type = call.type = 'button';
    write.addEventListener('click', () => {
      recipient = id;
      store.changed();
      page.notifyText.focus();
    });
    call.addEventListener('click', () => actions.dial(id));
    const own = id === state.myId;
    row.append(create('span', 'member-name', own ? `${id} (you)` : id), note);
    if (!own) row.append(write, call);
    return { row, note, call };
  }

  function renderClients() {
    const ids = new Set(shown.clients.map(({ sId }) => sId));
    for (const [id, { row }] of rows) {
      if (ids.has(id)) continue;
      row.remove();
      rows.delete(id);
    }
    // Rows are kept while their client stays, so focus survives every list.
    shown.clients.forEach(({ sId, busy }, index) => {
      const { row, note, call } = rows.get(sId) ?? createRow(sId);
      rows.set(sId, { row, note, call });
      if (page.members.children[index] !== row) page.members.insertBefore(row, page.members.children[index] ?? null);
      // No list comes during a call, so the last one still says that both of us are free.
      const here = state.peers.has(sId) || (sId === state.myId && state.peers.size > 0);
      row.dataset.state = here ? 'here' : busy ? 'busy' : 'free';
      setText(note, here ? 'in this call' : busy ? 'in a call' : 'free');
      call.disabled = state.roomState !== 'joined';
    });
    setText(page.count, ids.size > 0 ? String(ids.size) : '');
    page.alone.hidden = ids.size !== 1 || state.roomState !== 'joined';
    page.paused.hidden = state.roomState !== 'calling';
    if (!ids.has(recipient)) recipient = '';
    page.notifyForm.hidden = recipient === '';
    setText(page.notifyTo, recipient);
  }

  function renderRinging() {
    const caller = actions.caller();
    page.ringing.hidden = caller === '';
    setText(page.caller, caller ?? 'Somebody');
    setText(page.callerInitial, (caller ?? '?').slice(0, 1).toUpperCase());
    page.accept.disabled = caller === null;
    document.title = caller === '' ? title : `${caller ?? 'Somebody'} is calling`;
  }

  function renderMedia() {
    const kinds = state.localStream?.getTracks().map(({ kind }) => kind) ?? [];
    page.mute.setAttribute('aria-pressed', String(state.muted));
    page.mute.disabled = !kinds.includes('audio');
    page.camera.setAttribute('aria-pressed', String(state.cameraOff));
    page.camera.disabled = !kinds.includes('video');
    page.mediaRetry.hidden = !navigator.mediaDevices;
    setText(page.localNote, localNote(state, view));
    setText(page.localLabel, state.muted ? 'You · muted' : 'You');
  }

  function statusText() {
    const [peer] = state.peers.values();
    switch (state.roomState) {
      case 'idle':
        return 'Not connected';
      case 'connecting':
        return 'Connecting…';
      case 'joined':
        return 'Ready';
      case 'reconnecting':
        return 'Reconnecting…';
      case 'calling':
        return peer?.pc.connectionState === 'connected' ? 'In a call' : 'Calling…';
    }
  }

  return {
    toast,

    render() {
      const idle = state.roomState === 'idle';
      const phase = idle ? 'idle' : state.peers.size > 0 ? 'call' : 'room';
      const before = document.body.dataset.phase;
      document.body.dataset.phase = phase;
      setText(page.status, statusText());
      page.status.dataset.state = state.roomState;
      setText(page.myId, state.myId);
      const texts = { error: view.error, media: view.mediaIssue === dismissedIssue ? '' : view.mediaIssue, note: shown.note };
      for (const { when, text } of banners) {
        /** @type {HTMLElement} */ (text.closest('[data-when]')).hidden = texts[when] === '';
        setText(text, texts[when]);
      }
      renderClients();
      renderRinging();
      renderMedia();
      // What had the focus is gone: the list is where things go on.
      if (before !== phase && document.activeElement?.checkVisibility?.() === false) page.members.focus({ preventScroll: true });
    },

    focusStart() {
      page.name.focus();
    }
  };
}
