// Entry: ties client, call and page together.

import { rtcConfigFrom, signalingUrl } from '../app.config.js';
import { createDeviceView } from '../app.deviceview.js';
import { NO_WEBRTC } from '../app.errors.js';
import { createMedia } from '../app.media.js';
import { startStats } from '../app.stats.js';
import { createStore, withPeers } from '../app.state.js';
import { createTiles } from '../app.tiles.js';
import { keepAwake } from '../app.wakelock.js';
import { createCall } from './call.js';
import { SidClient } from './client.js';
import { SESSION, endpointFrom, isValidId, noticeText } from './protocol.js';
import { endedText, errorText, retryText } from './texts.js';
import { createView } from './view.js';

const store = createStore('');
const { state } = store;
/** @type {import('./view.js').Shown} */
const shown = { clients: [], note: '' };

/** @param {string} text */
function note(text) {
  shown.note = text;
  store.changed();
}

/** What was said of an earlier call is old news. */
function clearTexts() {
  store.setError('');
  note('');
}

const media = createMedia(store, () => call.syncTracks());
const call = createCall({ store, media, client: () => client, rtcConfig: rtcConfigFrom(window.__APP_CONFIG__) });
const client = new SidClient(
  {
    onPhase(phase) {
      if (phase === 'idle') shown.clients = [];
      if (phase === 'joined') store.setError('');
      state.myId = client.id;
      store.setRoomState(phase === 'joined' ? withPeers(phase, state.peers.size) : phase);
    },
    onClients(list) {
      shown.clients = list;
      store.changed();
    },
    onSession(session) {
      if (session.state === SESSION.NEW) clearTexts();
      call.onSession(session);
      store.changed();
    },
    onCall: (session, offer) => call.onCall(session, offer),
    onAccept: (_, answer) => call.onAccept(answer),
    onCandidate: (_, candidate) => call.onCandidate(candidate),
    onEnded({ opponent }, why) {
      call.close();
      if (typeof why === 'number') store.setError(errorText(why, opponent));
      else note(endedText(why, opponent));
    },
    onNotify: (from, type) => view.toast(from, noticeText(type)),
    onError: (code, who) => store.setError(errorText(code, who)),
    onRetry: (delayMs, cause) => store.setError(retryText(delayMs, cause, client.id))
  },
  {
    createSocket: () => new WebSocket(signalingUrl(location.href, endpointFrom(location.hash))),
    setTimer: (run, ms) => window.setTimeout(run, ms),
    clearTimer: (timer) => window.clearTimeout(timer)
  }
);

const view = createView(store, shown, {
  register(name) {
    clearTexts();
    if (typeof RTCPeerConnection !== 'function') return store.setError(NO_WEBRTC);
    if (!isValidId(name)) return store.setError(errorText(9001, name));
    client.register(name.trim());
  },
  leave() {
    call.hangUp();
    client.leave();
    clearTexts();
  },
  dial(id) {
    clearTexts();
    void call.dial(id);
  },
  notify: (id, text) => client.notify(id, text),
  accept: call.accept,
  reject: call.reject,
  hangUp: call.hangUp,
  caller: call.caller,
  toggleMute: media.toggleMute,
  toggleCamera: media.toggleCamera,
  retryMedia: () => void media.retry()
});
const tiles = createTiles(store);
createDeviceView(store, (kind, deviceId) => void media.choose(kind, deviceId));
store.subscribe(() => {
  view.render();
  tiles.render();
});
startStats(state, tiles.showStats);
keepAwake(store);

window.addEventListener('online', () => client.probe());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') client.probe();
});

store.changed();
view.focusStart();
