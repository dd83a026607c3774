// The page around the videos: status, messages, which buttons work now, and what they do.

import { byId, setText } from './app.dom.js';
import { elapsed } from './app.recording.js';
import { largeRoomHint, localNote, statusText } from './app.status.js';

/**
 * @typedef {{
 *   join(room: string, name: string): void,
 *   leave(): void,
 *   rename(name: string): void,
 *   call(id: string): void,
 *   hangup(id: string): void,
 *   hangupAll(): void,
 *   toggleMute(): void,
 *   toggleCamera(): void,
 *   toggleScreen(): void,
 *   startRecording(): void,
 *   stopRecording(): void,
 *   sendChat(text: string): boolean,
 *   askForMedia(): void,
 *   copyLink(room: string): Promise<string>
 * }} Actions
 */

const TOAST_MS = 4000;

/**
 * @param {import('./app.state.js').Store} store
 * @param {Actions} actions
 */
export function createUi(store, actions) {
  const { state, view } = store;
  const page = {
    status: byId('status', HTMLElement),
    error: byId('error', HTMLElement),
    errorClose: byId('errorClose', HTMLButtonElement),
    mediaIssue: byId('mediaIssue', HTMLElement),
    mediaClose: byId('mediaClose', HTMLButtonElement),
    mediaRetry: byId('mediaRetry', HTMLButtonElement),
    meshHint: byId('meshHint', HTMLElement),
    joinForm: byId('joinForm', HTMLFormElement),
    room: byId('room', HTMLInputElement),
    name: byId('name', HTMLInputElement),
    join: byId('join', HTMLButtonElement),
    myId: byId('myId', HTMLElement),
    copyLink: byId('copyLink', HTMLButtonElement),
    members: byId('members', HTMLElement),
    callForm: byId('callForm', HTMLFormElement),
    remote: byId('remote', HTMLInputElement),
    call: byId('call', HTMLButtonElement),
    hangup: byId('hangup', HTMLButtonElement),
    preview: byId('previewBtn', HTMLButtonElement),
    localNote: byId('localNote', HTMLElement),
    localLabel: byId('localLabel', HTMLElement),
    mute: byId('muteBtn', HTMLButtonElement),
    camera: byId('cameraBtn', HTMLButtonElement),
    screen: byId('screenBtn', HTMLButtonElement),
    recStart: byId('recStart', HTMLButtonElement),
    recStop: byId('recStop', HTMLButtonElement),
    recTime: byId('recTime', HTMLElement),
    end: byId('endBtn', HTMLButtonElement),
    chatForm: byId('chatForm', HTMLFormElement),
    chatInput: byId('chatInput', HTMLInputElement),
    toast: byId('toast', HTMLElement)
  };
  let toastTimer = 0;
  /** What the page itself put into the call field; it may take that away again. */
  let suggested = '';
  /** Read and put away; the next, different one shows again. */
  let dismissedIssue = '';

  /** @param {string} text */
  function toast(text) {
    page.toast.textContent = text;
    clearTimeout(toastTimer);
    toastTimer = window.setTimeout(() => (page.toast.textContent = ''), TOAST_MS);
  }

  const remoteId = () => page.remote.value.trim();

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

  onSubmit(page.joinForm, () => {
    if (state.roomState === 'idle') actions.join(page.room.value, page.name.value);
    else actions.leave();
  });
  onSubmit(page.callForm, () => actions.call(remoteId()));
  onSubmit(page.chatForm, () => {
    if (actions.sendChat(page.chatInput.value)) page.chatInput.value = '';
  });
  page.hangup.addEventListener('click', () => (state.peers.has(remoteId()) ? actions.hangup(remoteId()) : actions.hangupAll()));
  page.name.addEventListener('input', () => actions.rename(page.name.value.trim()));
  page.remote.addEventListener('input', () => store.changed());
  page.end.addEventListener('click', actions.hangupAll);
  page.mute.addEventListener('click', actions.toggleMute);
  page.camera.addEventListener('click', actions.toggleCamera);
  page.screen.addEventListener('click', actions.toggleScreen);
  page.recStart.addEventListener('click', actions.startRecording);
  page.recStop.addEventListener('click', actions.stopRecording);
  page.preview.addEventListener('click', actions.askForMedia);
  page.mediaRetry.addEventListener('click', actions.askForMedia);
  page.mediaClose.addEventListener('click', () => {
    dismissedIssue = view.mediaIssue;
    store.changed();
  });
  page.errorClose.addEventListener('click', () => store.setError(''));
  page.copyLink.addEventListener('click', async () => toast(await actions.copyLink(page.room.value.trim())));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') store.setError('');
  });
  setInterval(renderClock, 500);

  function renderClock() {
    setText(page.recTime, view.recordingSince ? elapsed(Date.now() - view.recordingSince) : '0:00');
  }

  /**
   * @param {string} when
   * @param {HTMLElement} element
   * @param {string} text
   */
  function banner(when, element, text) {
    const box = /** @type {HTMLElement} */ (element.closest(`[data-when="${when}"]`));
    box.hidden = text === '';
    setText(element, text);
  }

  function renderRoom() {
    const idle = state.roomState === 'idle';
    const connected = [...state.peers.values()].filter((peer) => peer.pc.connectionState === 'connected').length;
    document.body.dataset.phase = idle ? 'idle' : state.peers.size > 0 ? 'call' : 'room';
    setText(page.status, statusText(state.roomState, connected));
    page.status.dataset.state = state.roomState;
    setText(page.join, idle ? 'Join' : state.roomState === 'connecting' ? 'Cancel' : 'Leave');
    page.join.classList.toggle('button-primary', idle);
    page.room.disabled = page.name.disabled = !idle;
    setText(page.myId, state.myId);
    banner('error', page.error, view.error);
    banner('media', page.mediaIssue, view.mediaIssue === dismissedIssue ? '' : view.mediaIssue);
    banner('large', page.meshHint, largeRoomHint(view.members.length));
  }

  function renderCall() {
    const ready = state.roomState === 'joined' || state.roomState === 'calling';
    const calls = state.peers.size;
    page.remote.disabled = page.call.disabled = !ready;
    page.hangup.disabled = calls === 0;
    setText(page.hangup, calls > 1 && !state.peers.has(remoteId()) ? 'Hang up all' : 'Hang up');
    page.end.disabled = calls === 0;
  }

  function renderMedia() {
    const audio = state.localStream?.getAudioTracks().length ?? 0;
    const video = state.localStream?.getVideoTracks().length ?? 0;
    page.mute.setAttribute('aria-pressed', String(state.muted));
    page.mute.disabled = Boolean(view.mediaIssue) && audio === 0;
    page.mute.title = state.muted ? 'Your microphone is off. Press to be heard.' : 'Turn your microphone off';
    page.camera.setAttribute('aria-pressed', String(state.cameraOff));
    page.camera.disabled = Boolean(view.mediaIssue) && video === 0;
    page.camera.title = state.cameraOff ? 'Your camera is off. Press to be seen.' : 'Turn your camera off';
    page.screen.setAttribute('aria-pressed', String(state.usingScreen));
    page.mediaRetry.hidden = !navigator.mediaDevices;
    page.preview.hidden = video > 0 || view.mediaPending || Boolean(view.mediaIssue);
    setText(page.localNote, localNote(state, view));
    setText(page.localLabel, state.usingScreen ? 'Your screen' : state.muted ? 'You · muted' : 'You');
    const recording = state.recorder !== null;
    page.recStart.hidden = page.recStart.disabled = recording;
    page.recStop.hidden = page.recStop.disabled = !recording;
    renderClock();
  }

  return {
    render() {
      renderRoom();
      renderCall();
      renderMedia();
    },

    /** @param {string} id */
    pick(id) {
      page.remote.value = suggested = id;
      store.changed();
    },

    /** The list arrived: suggest somebody unless the field is in use. */
    suggest() {
      const stale = remoteId() === suggested && !view.members.includes(suggested);
      if (remoteId() && !stale) return;
      suggested = view.members.find((id) => id !== state.myId) ?? '';
      page.remote.value = suggested;
    },

    forgetRemote() {
      page.remote.value = '';
    },

    /** @param {string} room */
    prefill(room) {
      if (state.roomState === 'idle' && room) page.room.value = room;
    },

    toast,

    /** The join button turned into “Leave”: a second Enter must not throw the user out again. */
    focusRoom() {
      const { activeElement } = document;
      if (activeElement !== document.body && activeElement !== page.join && activeElement !== page.room && activeElement !== page.name) return;
      page.members.focus({ preventScroll: true });
    },

    focusStart() {
      (page.room.value ? page.join : page.room).focus();
    }
  };
}
