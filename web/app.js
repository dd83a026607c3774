// Entry: builds the parts, ties them together, and puts the documented functions on `window`.

import { createChat } from './app.chat.js';
import { createChatView } from './app.chatview.js';
import { copyText } from './app.clipboard.js';
import { newClientId, roomFromHash, roomLink, rtcConfigFrom, signalingUrl } from './app.config.js';
import { createDeviceView } from './app.deviceview.js';
import { NO_ROOM, NO_WEBRTC, noMediaApiText, retryText, serverErrorText } from './app.errors.js';
import { createMedia } from './app.media.js';
import { createMembers } from './app.members.js';
import { createPeers } from './app.peers.js';
import { isValidId, isValidRoom } from './app.protocol.js';
import { createRecording } from './app.recording.js';
import { VANISH_GRACE_MS, vanishedPeers } from './app.roster.js';
import { Signaling } from './app.signaling.js';
import { createStore, withPeers } from './app.state.js';
import { startStats } from './app.stats.js';
import { createTiles } from './app.tiles.js';
import { createUi } from './app.ui.js';
import { keepAwake } from './app.wakelock.js';

const ownId = newClientId();
const store = createStore(ownId);
const { state, view } = store;

const chatView = createChatView(store, (text) => ui.toast(text));
const chat = createChat({ store, append: chatView.append });
const media = createMedia(store, () => peers.syncTracks());
const peers = createPeers({
  store,
  media,
  rtcConfig: rtcConfigFrom(window.__APP_CONFIG__),
  send: (message) => signaling.send(message),
  chat: chat.append
});
const recording = createRecording(store);

/** Members that vanished from the list while their call still runs. @type {Map<string, number>} */
const vanished = new Map();

const signaling = new Signaling(
  {
    onSocket(socket) {
      state.ws = socket;
    },
    onPhase(phase) {
      window.setRoomState(phase === 'joined' ? withPeers('joined', state.peers.size) : phase);
    },
    onJoined(again) {
      store.setError('');
      if (!again) ui.focusRoom();
      history.replaceState(null, '', roomLink(location.href, state.roomId));
    },
    onMembers(ids) {
      view.members = ids;
      endVanishedCalls();
      ui.suggest();
      store.changed();
    },
    onRelay(message) {
      peers.onRelay(message);
    },
    onRefused(code, text, final) {
      const { myId: id, roomId: room } = state;
      if (final) cleanUp();
      if (code === 'target_not_found' || code === 'invalid_target') endUnansweredCalls();
      store.setError(serverErrorText(code, text, { id, room }));
    },
    onRetry(delayMs, cause) {
      store.setError(retryText(delayMs, cause, { id: state.myId, calls: state.peers.size }));
    }
  },
  {
    createSocket: () => new WebSocket(signalingUrl(location.href)),
    setTimer: (run, ms) => window.setTimeout(run, ms),
    clearTimer: (timer) => window.clearTimeout(timer)
  }
);

function endVanishedCalls() {
  for (const [id, timer] of vanished) {
    if (!view.members.includes(id)) continue;
    clearTimeout(timer);
    vanished.delete(id);
  }
  const { close, watch } = vanishedPeers(state.peers.values(), view.members);
  for (const id of close) peers.hangup(id, false);
  for (const id of watch) {
    if (!vanished.has(id)) vanished.set(id, window.setTimeout(endVanishedCall, VANISH_GRACE_MS, id));
  }
}

/** @param {string} id */
function endVanishedCall(id) {
  vanished.delete(id);
  // Without the server nobody knows who is there; the next list decides.
  if (signaling.phase === 'joined' && !view.members.includes(id)) peers.hangup(id, false);
}

/** The server names nobody in its refusal: it can only mean calls to people who are not here. */
function endUnansweredCalls() {
  for (const { id, pc } of [...state.peers.values()]) {
    if (!view.members.includes(id) && pc.connectionState !== 'connected') peers.hangup(id, false);
  }
}

/** Everything that belongs to one stay in a room. */
function cleanUp() {
  recording.stop();
  peers.hangupAll();
  media.stopScreenShare();
  media.stop();
  for (const timer of vanished.values()) clearTimeout(timer);
  vanished.clear();
  view.members = [];
  state.roomId = '';
  ui.forgetRemote();
  store.changed();
}

/**
 * @param {string} roomId
 * @param {string} [myId]
 */
function connect(roomId, myId = state.myId) {
  const room = String(roomId ?? '').trim();
  const id = String(myId).trim();
  if (typeof RTCPeerConnection !== 'function' || typeof WebSocket !== 'function') return store.setError(NO_WEBRTC);
  if (!room) return store.setError(NO_ROOM);
  if (!isValidRoom(room)) return store.setError(serverErrorText('invalid_room', '', { id, room }));
  if (!isValidId(id)) return store.setError(serverErrorText('invalid_id', '', { id, room }));
  disconnect();
  state.myId = id;
  state.roomId = room;
  ui.prefill(room);
  signaling.join(room, id);
}

function disconnect() {
  if (state.roomState === 'idle') return store.setError('');
  recording.stop();
  peers.hangupAll();
  signaling.leave();
  cleanUp();
  store.setError('');
}

/** @param {string} room */
async function copyLink(room) {
  const link = roomLink(location.href, room);
  return (await copyText(link)) ? `Link copied: ${link}` : `Copy this link: ${link}`;
}

Object.defineProperty(window, 'state', { value: state, enumerable: true });
Object.assign(window, {
  connect,
  disconnect,
  callPeer: (/** @type {string} */ id) => void peers.call(String(id ?? '').trim()),
  hangupPeer: (/** @type {string} */ id) => peers.hangup(id),
  hangupAll: () => peers.hangupAll(),
  toggleMute: media.toggleMute,
  toggleCamera: media.toggleCamera,
  startScreenShare: media.startScreenShare,
  stopScreenShare: media.stopScreenShare,
  startRecording: recording.start,
  stopRecording: recording.stop,
  sendChat: (/** @type {string} */ text) => chat.send(text),
  setRoomState: store.setRoomState
});

const tiles = createTiles(store);
const ui = createUi(store, {
  join: (room, name) => connect(room, name.trim() || ownId),
  leave: disconnect,
  rename: (name) => {
    state.myId = isValidId(name) ? name : ownId;
    store.changed();
  },
  call: (id) => void peers.call(id),
  hangup: (id) => peers.hangup(id),
  hangupAll: () => peers.hangupAll(),
  toggleMute: media.toggleMute,
  toggleCamera: media.toggleCamera,
  toggleScreen: () => (state.usingScreen ? media.stopScreenShare() : void media.startScreenShare()),
  startRecording: recording.start,
  stopRecording: recording.stop,
  sendChat: (text) => chat.send(text, chatView.recipient()),
  askForMedia: () => void media.retry(),
  copyLink
});
const renderMembers = createMembers(store, {
  pick: ui.pick,
  call: (id) => {
    ui.pick(id);
    void peers.call(id);
  },
  callAll: (ids) => ids.forEach((id) => void peers.call(id)),
  hangup: (id) => peers.hangup(id)
});
createDeviceView(store, (kind, deviceId) => void media.choose(kind, deviceId));

store.subscribe(() => {
  ui.render();
  renderMembers();
  tiles.render();
  chatView.render();
});
startStats(state, tiles.showStats);
keepAwake(store);

window.addEventListener('hashchange', () => ui.prefill(roomFromHash(location.hash)));
// `pagehide`, not `beforeunload`: phones fire no other event when a tab is swiped away.
window.addEventListener('pagehide', disconnect);

ui.prefill(roomFromHash(location.hash));
ui.focusStart();
if (!navigator.mediaDevices) view.mediaIssue = noMediaApiText(window.isSecureContext);
store.changed();
