// Entry: ties sources, line, figures and page together.

import { copyText } from '../app.clipboard.js';
import { rtcConfigFrom } from '../app.config.js';
import { endpointOf, nameProblem, readAddress, writeAddress } from './address.js';
import { createWakeLock } from './awake.js';
import { Line } from './line.js';
import { createPanel } from './panel.js';
import { addTracks, replaceTracks } from './publish.js';
import { createSources } from './sources.js';
import * as texts from './texts.js';
import { createView, isRunning } from './view.js';
import { LAYERS_MS, qualitiesOf, receive, withChosen } from './watch.js';
import { StreamError, StreamSession } from './whip.js';

const TOKEN_KEY = 'patchbay.studio.token';
/** So many seconds without a byte are no jitter. */
const SILENT_SAMPLES = 4;

/** Some browsers refuse storage; then the token lives as long as the page. @param {string} [token] */
function storedToken(token) {
  try {
    if (token === undefined) return sessionStorage.getItem(TOKEN_KEY) ?? '';
    if (token) sessionStorage.setItem(TOKEN_KEY, token);
    else sessionStorage.removeItem(TOKEN_KEY);
  } catch {
    // See above.
  }
  return '';
}

/** @type {import('./view.js').State} */
const state = {
  ...readAddress(location.href),
  token: storedToken(),
  simulcast: true,
  choice: { source: 'camera', camera: '', microphone: '' },
  line: 'idle', error: '', note: '', waiting: '',
  remote: null, silent: false, blocked: false,
  qualities: [], chosen: ''
};
const rtcConfig = rtcConfigFrom(window.__APP_CONFIG__);
/** @type {{ pc: RTCPeerConnection, session: StreamSession } | null} */
let current = null;
/** @type {Line | null} */
let line = null;
let mediaId = '';
let layersTimer = 0;
let starting = false;
let silentSamples = 0;

const awake = createWakeLock();
const sources = createSources({ choice: state.choice, onChange: sync, onEnded });
const panel = createPanel({
  pc: () => (state.line === 'live' ? (current?.pc ?? null) : null),
  onFigures({ bitrate }) {
    silentSamples = bitrate === 0 ? silentSamples + 1 : 0;
    const silent = silentSamples >= SILENT_SAMPLES;
    if (silent === state.silent) return;
    state.silent = silent;
    view.render();
  }
});

const view = createView(state, sources, {
  mode(mode) {
    stop();
    state.mode = mode;
    state.error = state.note = '';
    remember();
    view.render();
  },
  start: () => void start(),
  stop,
  edit: edited,
  preview: () => void openSources(),
  retryMedia: () => void openSources(),
  async renew(kind) {
    state.note = '';
    await sources.renew(kind);
    await view.renderDevices();
  },
  mute: sources.toggleMuted,
  hide: sources.toggleHidden,
  quality: (id) => void choose(id),
  async copyLink() {
    const done = await copyText(writeAddress(location.href, { ...state, mode: 'watch' }));
    view.toast(done ? texts.LINK_COPIED : texts.LINK_NOT_COPIED);
  }
});

function edited() {
  storedToken(state.token);
  view.render();
}

/** The address is what a reload or a bookmark comes back to. */
function remember() {
  history.replaceState(null, '', writeAddress(location.href, state));
}

async function openSources() {
  state.note = '';
  const opened = sources.open();
  view.render();
  await opened;
  await view.renderDevices();
}

async function start() {
  state.error = state.note = '';
  const problem = typeof RTCPeerConnection === 'function' ? nameProblem(state) : texts.NO_WEBRTC;
  if (problem) {
    state.error = problem;
    view.render();
    return view.ask('stream');
  }
  remember();
  if (state.mode === 'publish') {
    // A second click while the browser asks for permission.
    if (starting) return;
    starting = true;
    await openSources();
    starting = false;
    if (state.mode !== 'publish') return;
    if (!sources.isOpen) {
      if (!sources.issue) state.error = texts.NOTHING_TO_SEND;
      return view.render();
    }
  }
  state.chosen = '';
  line?.stop();
  line = new Line({ mode: state.mode, create, onState });
  panel.start();
  line.start();
}

function stop() {
  line?.stop();
  line = null;
  sources.close();
  state.error = '';
  view.render();
}

/**
 * @param {(what: import('./line.js').Report) => void} report
 * @returns {import('./line.js').LineSession}
 */
function create(report) {
  const pc = new RTCPeerConnection({ ...rtcConfig, bundlePolicy: 'max-bundle' });
  if (state.mode === 'publish') addTracks(pc, sources, { simulcast: state.simulcast, screen: state.choice.source === 'screen' });
  else receive(pc, show);
  const endpoint = endpointOf(location.href, state);
  const session = new StreamSession({ endpoint, token: state.token, pc, onGone: () => report('gone') });
  pc.onconnectionstatechange = () => {
    const { connectionState } = pc;
    if (connectionState === 'connected') followEnd(pc, report);
    if (connectionState === 'connected' || connectionState === 'disconnected' || connectionState === 'failed') report(connectionState);
  };
  current = { pc, session };
  return {
    open: () => session.open(),
    close: (options) => session.close(options),
    async restart() {
      const done = await session.restart();
      // The old way may have come back meanwhile; then nothing changes that would be told.
      if (done && pc.connectionState === 'connected') report('connected');
      return done;
    }
  };
}

/**
 * A server that ends the session closes its transport; the connection state alone would tell only much later.
 * @param {RTCPeerConnection} pc
 * @param {(what: import('./line.js').Report) => void} report
 */
function followEnd(pc, report) {
  const transport = pc.getTransceivers()[0]?.receiver.transport;
  if (!transport) return;
  transport.onstatechange = () => {
    if (transport.state === 'closed') report('gone');
  };
}

/** @param {MediaStream} stream */
function show(stream) {
  state.remote = stream;
  view.render();
}

/** @param {import('./line.js').LineState} next */
function onState(next) {
  const { error, trouble, delay, wasLive } = /** @type {Line} */ (line);
  const context = { mode: state.mode, stream: state.stream, hasToken: state.token !== '' };
  const retry = next === 'retrying' ? ` ${texts.retryText(delay)}` : '';
  state.line = next;
  if (next === 'live' || next === 'waiting' || next === 'idle') state.error = '';
  if (error && (next === 'failed' || next === 'retrying')) state.error = `${texts.errorText(error, context)}${retry}`;
  else if (trouble === 'unreachable' && next === 'retrying') state.error = `${texts.troubleText(trouble)}${retry}`;
  if (next === 'waiting') state.waiting = texts.waitingText(state.stream, delay, wasLive);
  else if (next === 'restoring' || next === 'retrying') state.waiting = trouble === 'lost' ? texts.troubleText(trouble) : 'Connecting…';
  // The last picture stays while the connection is being restored.
  if (!isRunning(next) || next === 'waiting') state.remote = null;
  if (!isRunning(next)) {
    current = null;
    panel.stop();
  }
  silentSamples = 0;
  state.silent = state.blocked = false;
  awake.keep(isRunning(next) && next !== 'waiting');
  followLayers(next === 'live');
  view.render();
  if (next === 'failed' && error instanceof StreamError && error.status === 401) view.ask('token');
}

/** Puts the present tracks into the stream. */
function sync() {
  if (!sources.opening && state.mode === 'publish' && isRunning(state.line) && current && sources.isOpen) {
    // A connection being set up takes them at its next attempt or change.
    if (current.pc.signalingState !== 'closed' && !replaceTracks(current.pc, sources)) line?.start();
  }
  view.render();
}

/** @param {Kind} kind */
function onEnded(kind) {
  const screen = kind === 'video' && state.choice.source === 'screen';
  if (screen && isRunning(state.line)) {
    stop();
    state.note = texts.SCREEN_ENDED;
  } else if (!screen) {
    state.note = kind === 'audio' ? texts.SOUND_ENDED : texts.CAMERA_ENDED;
  }
}

/** @param {boolean} on */
function followLayers(on) {
  window.clearInterval(layersTimer);
  layersTimer = 0;
  if (!on || state.mode !== 'watch' || !current?.session.layersUrl) {
    if (!isRunning(state.line) || state.line === 'waiting') state.qualities = [];
    return;
  }
  // A new session knows nothing of an earlier choice.
  const chosen = state.chosen;
  void askLayers().then(() => (chosen ? choose(chosen) : undefined));
  layersTimer = window.setInterval(() => void askLayers(), LAYERS_MS);
}

async function askLayers() {
  const asked = current;
  if (!asked) return;
  try {
    const layers = await asked.session.layers();
    if (asked !== current) return;
    const video = asked.pc.getTransceivers().find(({ receiver }) => receiver.track.kind === 'video');
    const found = qualitiesOf(layers, video?.mid);
    mediaId = found.mediaId;
    state.qualities = withChosen(found.qualities, state.chosen);
    view.render();
  } catch (error) {
    console.warn('no list of qualities', error);
  }
}

/** @param {string} id '' for automatic */
async function choose(id) {
  const before = state.chosen;
  state.chosen = id;
  try {
    await current?.session.choose(mediaId, id);
  } catch (error) {
    state.chosen = before;
    state.note = texts.qualityErrorText(error);
  }
  view.render();
}

window.addEventListener('online', () => line?.probe());
window.addEventListener('pagehide', () => line?.stop({ keepalive: true }));

void view.renderDevices();
view.render();
// A link to a stream leads to the stream; publishing waits for a click.
if (state.mode === 'watch' && state.stream) void start();
else view.ask('stream');
