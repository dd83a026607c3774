// Entry: ties connection, account, calls, sounds and page together.

import { rtcConfigFrom, signalingUrl } from '../app.config.js';
import { NO_WEBRTC } from '../app.errors.js';
import { createWakeLock } from '../studio/awake.js';
import { createPanel } from '../studio/panel.js';
import { PhoneAccount } from './account.js';
import { createAccountView } from './accountview.js';
import { readTarget, shortAddress, targetFrom } from './address.js';
import { Calls } from './calls.js';
import { createCallView } from './callview.js';
import { GatewayClient } from './client.js';
import { createDevices } from './devices.js';
import { createDialView } from './dialview.js';
import { createHistory } from './history.js';
import { createHistoryView } from './historyview.js';
import { createLeg } from './leg.js';
import { carefully, createMemory } from './memory.js';
import { ENDPOINT, SUBPROTOCOL, codeOf } from './protocol.js';
import { isFinal, updateText } from './reasons.js';
import { createSettingsView } from './settingsview.js';
import { createSounds } from './sounds.js';
import * as texts from './texts.js';
import { toneOf } from './tones.js';
import { createView } from './view.js';

/** @typedef {import('./call.js').Call} Call */

/** So many seconds without a byte are no jitter. */
const SILENT_SAMPLES = 4;

const [tab, lasting] = [carefully(() => sessionStorage), carefully(() => localStorage)];
const memory = createMemory(tab, lasting);
const history = createHistory(lasting);
const settings = memory.settings();
const known = memory.account();
const rtcConfig = rtcConfigFrom(window.__APP_CONFIG__);

const ui = {
  error: '', note: '', dismissedLine: '', dismissedIssue: '',
  /** The account has worked once, or may yet without the user’s help: no need to ask for it. */ settled: known !== null,
  padOpen: false, newCall: false, silentSamples: 0
};
/** Which call the figures are about. */
let measured = '';
let due = false;

const timers = {
  setTimer: (/** @type {() => void} */ run, /** @type {number} */ ms) => window.setTimeout(run, ms),
  clearTimer: (/** @type {number} */ timer) => window.clearTimeout(timer)
};

const client = new GatewayClient(
  {
    onState(state) {
      if (state !== 'online') {
        calls.lose();
        account.lost();
      }
      changed();
    },
    onReady: () => void account.ready(),
    onTold(event) {
      if (event.kind === 'registration') account.told(event);
      else if (event.kind === 'incoming') ring(event);
      else if (event.kind === 'missed') missed(event);
      else calls.event(event);
      changed();
    }
  },
  { createSocket: () => new WebSocket(signalingUrl(location.href, ENDPOINT), SUBPROTOCOL), ...timers }
);
const account = new PhoneAccount({ client, onChange: registrationChanged, ...timers });
const devices = createDevices({
  choice: settings,
  onChange: changed,
  onTracks() {
    calls.sync();
    void settingsView.renderDevices();
  }
});
const calls = new Calls({
  call: {
    request: (type, values) => client.request(type, values),
    createLeg: (events) => createLeg(rtcConfig, events),
    now: Date.now,
    random: Math.random,
    ...timers,
    onUnchanged(call, what, reason) {
      ui.note = updateText(what, reason, whoOf(call));
      changed();
    },
    onToneFailed(reason) {
      ui.note = `The digit was not sent (${reason}). Try the other way below “Devices and tones”.`;
      changed();
    }
  },
  devices,
  history,
  onChange: changed,
  onEnded(call) {
    const { text, bad } = texts.overText(call, whoOf(call));
    if (bad) ui.error = text;
    else if (text) view.toast(text);
    if (calls.running.length === 0) ui.newCall = ui.padOpen = false;
  }
});
const sounds = createSounds();
const awake = createWakeLock();
const panel = createPanel({
  pc() {
    const pc = calls.current?.leg?.pc;
    return pc?.connectionState === 'connected' ? pc : null;
  },
  least: 100_000,
  onFigures({ received }) {
    ui.silentSamples = received === 0 ? ui.silentSamples + 1 : 0;
    tick();
  }
});

const domain = () => account.identity?.domain ?? '';
/** @param {{ uri: string, name: string }} person */
const whoOf = (person) => texts.whoText(person, domain());
/** @param {Call} call */
const connectionOf = (call) => call.leg?.pc.connectionState ?? 'new';
/** @param {Call} call */
const stateText = (call) => texts.callText(call, { connection: connectionOf(call), now: Date.now() });

/** @param {Call} call */
function noteText(call) {
  const silent = ui.silentSamples >= SILENT_SAMPLES && call.phase === 'active' && !call.held && !call.heldByThem && connectionOf(call) === 'connected';
  return silent ? texts.silentText(whoOf(call)) : '';
}

/** What was said of earlier calls is old news. */
function clearTexts() {
  ui.error = ui.note = '';
}

function registrationChanged() {
  const code = codeOf(account.reason);
  const hopeless = account.state === 'failed' && (code === 0 || isFinal(code));
  if (account.state === 'registered') ui.settled = true;
  else if (hopeless && ui.settled && account.identity) ui.settled = false;
  else if (account.state === 'failed' && !hopeless) ui.settled = true;
  ui.dismissedLine = '';
  changed();
  if (hopeless) window.setTimeout(() => (code === 904 ? accountView.doubtPassword() : accountView.focus()));
}

/** @param {import('./protocol.js').IncomingTold} event */
function ring(event) {
  if (event.account === account.identity?.address && typeof RTCPeerConnection === 'function') calls.ring(event);
}

/** @param {import('./protocol.js').MissedTold} event */
function missed(event) {
  history.missed(event.account, event.from, Date.now());
  ui.note = `You missed a call from ${whoOf(event.from)}.`;
}

/**
 * @param {string} typed
 * @param {boolean} video
 */
function dial(typed, video) {
  clearTexts();
  const { uri, problem } = readTarget(typed, domain());
  if (problem || !account.added || typeof RTCPeerConnection !== 'function') {
    ui.error = problem || (account.added ? NO_WEBRTC : texts.CANNOT_DIAL);
    changed();
    return dialView.focus();
  }
  ui.newCall = ui.padOpen = false;
  dialView.clear();
  void calls.dial(/** @type {import('./account.js').Identity} */ (account.identity).address, uri, video).then((done) => {
    if (!done) ui.error = texts.ENOUGH_CALLS;
    void settingsView.renderDevices();
    changed();
  });
}

/** @param {boolean} video */
function answer(video) {
  const call = calls.incoming;
  if (!call) return;
  clearTexts();
  ui.newCall = ui.padOpen = false;
  void calls.answer(call, video).then(() => settingsView.renderDevices());
}

/** @param {Call} call */
async function camera(call) {
  if (call.video) return devices.setHidden(!devices.hidden);
  ui.note = '';
  devices.setHidden(false);
  await calls.addVideo(call);
}

const view = createView({
  retry() {
    if (client.state === 'waiting') client.probe();
    else void account.register();
  },
  retryMedia() {
    ui.dismissedIssue = '';
    void devices.ensure({ audio: true, video: calls.current?.video ?? false });
  },
  dismiss(banner) {
    if (banner === 'account') ui.dismissedLine = lineText();
    else if (banner === 'media') ui.dismissedIssue = devices.issue;
    else ui[banner] = '';
    changed();
  },
  answer,
  decline: () => calls.incoming?.hangUp()
});
const accountView = createAccountView(known, {
  signIn(identity, remember) {
    clearTexts();
    memory.keep(identity, remember);
    ui.settled = false;
    account.signIn(identity);
  },
  signOut() {
    calls.hangUpAll();
    memory.forget();
    ui.settled = false;
    clearTexts();
    account.signOut();
    accountView.focus();
  },
  problem(text) {
    ui.error = text;
    changed();
  }
});
const dialView = createDialView(targetFrom(location.search), {
  dial,
  key: sounds.key,
  tone: (digit) => void calls.current?.tone(digit, settings.tones),
  close() {
    ui.newCall = ui.padOpen = false;
    changed();
  }
});
const callView = createCallView({
  mute: devices.toggleMuted,
  camera: () => void (calls.current && camera(calls.current)),
  hold() {
    const { current } = calls;
    if (current?.held) calls.switchTo(current);
    else current?.hold(true);
  },
  pad() {
    ui.padOpen = !ui.padOpen || ui.newCall;
    ui.newCall = false;
    changed();
  },
  newCall() {
    ui.newCall = !ui.newCall;
    ui.padOpen = false;
    changed();
    if (ui.newCall) window.setTimeout(() => dialView.focus());
  },
  hangUp: () => calls.current?.hangUp(),
  switchTo(id) {
    const call = calls.list.find((item) => item.id === id);
    if (call) calls.switchTo(call);
  },
  end: (id) => calls.list.find((item) => item.id === id)?.hangUp()
});
const historyView = createHistoryView({
  callBack: dial,
  fill: (uri) => dialView.fill(shortAddress(uri, domain())),
  clear() {
    history.clear(account.identity?.address ?? '');
    changed();
  }
});
const settingsView = createSettingsView(settings, {
  changed(what) {
    memory.keepSettings(settings);
    if (what === 'microphone') void devices.renew('audio');
    if (what === 'camera') void devices.renew('video');
    changed();
  }
});

/** What is wrong with line or account, whether or not it has been put away. */
function lineText() {
  const { state: link, delay, wasOnline, closeReason } = client;
  return texts.lineText({ link, delay, wasOnline, closeReason, registration: account.state, reason: account.reason, domain: domain() });
}

/** @param {Call} call that rings */
function incomingFrame(call) {
  const { current } = calls;
  const others = current === null || current.held ? '' : current.phase === 'active' || current.phase === 'answering' ? 'hold' : 'end';
  return {
    who: whoOf(call), address: shortAddress(call.uri, domain()), video: call.offersVideo, others: /** @type {'' | 'hold' | 'end'} */ (others),
    more: calls.list.filter(({ phase }) => phase === 'incoming').length - 1
  };
}

/** Several things change at once: one picture of them is enough. */
function changed() {
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    render();
  });
}

function render() {
  const { current, incoming, running } = calls;
  const { identity } = account;
  const entries = history.of(identity?.address ?? '');
  const news = entries.filter(({ seen }) => !seen).length;
  const situation = { link: client.state, registration: account.state, signedIn: identity !== null };
  const shown = running.length > 0 ? 'call' : ui.settled && identity ? 'idle' : 'account';
  const before = document.body.dataset.view;
  const line = identity ? lineText() : '';
  view.render({
    view: shown,
    state: texts.stateOf({ ...situation, incoming, current }),
    texts: {
      account: line === ui.dismissedLine ? '' : line,
      error: ui.error,
      media: devices.issue === ui.dismissedIssue ? '' : devices.issue,
      note: ui.note
    },
    canRetry: ui.settled || client.state === 'waiting',
    canOpen: Boolean(navigator.mediaDevices),
    incoming: incoming && incomingFrame(incoming),
    missed: news
  });
  const alone = texts.stateOf({ ...situation, incoming: null, current: null });
  accountView.render(identity, alone.text, identity !== null && (alone.state === 'connecting' || alone.state === 'registering'));
  const redial = history.redial(identity?.address ?? '');
  const heard = current !== null && !current.held && (current.phase === 'active' || current.phase === 'early');
  dialView.render({
    inCall: shown === 'call', open: ui.padOpen || ui.newCall, mode: shown === 'call' && !ui.newCall ? 'tones' : 'dial', enabled: heard,
    redial, redialName: shortAddress(redial, domain())
  });
  renderCall(current, heard);
  historyView.render(
    entries.map((entry) => ({
      uri: entry.uri, who: whoOf(entry), text: texts.historyText(entry, new Date()), outgoing: entry.outgoing,
      missed: entry.outcome === 'missed', fresh: !entry.seen
    }))
  );
  sounds.set(toneOf(calls));
  awake.keep(running.length > 0);
  measure(current);
  // What had the focus may be gone.
  if (before !== shown && document.activeElement?.checkVisibility?.() !== true) (shown === 'call' ? callView : shown === 'idle' ? dialView : accountView).focus();
}

/**
 * @param {Call | null} current
 * @param {boolean} heard
 */
function renderCall(current, heard) {
  const { audio, video } = devices.tracks();
  const active = current?.phase === 'active';
  callView.render({
    call: current && {
      id: current.id, phase: current.phase, who: whoOf(current), address: shortAddress(current.uri, domain()), state: stateText(current), note: noteText(current),
      held: current.held, canHold: active, listening: heard, remote: current.leg?.remote ?? null,
      own: current.video && !current.held && !devices.hidden ? video : null
    },
    rows: calls.running.map((call) => ({ id: call.id, who: whoOf(call), state: stateText(call), current: call === current, canResume: call !== current })),
    muted: devices.muted,
    canMute: audio !== null,
    camera: !current?.video ? 'none' : devices.hidden ? 'off' : 'on',
    canCamera: active && !current.held && !current.changing && (!current.video || video !== null),
    padOpen: ui.padOpen,
    newOpen: ui.newCall,
    speaker: settings.speaker
  });
}

/** @param {Call | null} current */
function measure(current) {
  const id = current?.phase === 'active' || current?.phase === 'early' ? current.id : '';
  if (id === measured) return;
  measured = id;
  ui.silentSamples = 0;
  if (id) panel.start();
  else panel.stop();
}

function tick() {
  if (calls.current) callView.tick(stateText(calls.current), noteText(calls.current));
}

window.setInterval(tick, 1000);
window.addEventListener('online', () => client.probe());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') client.probe();
});
document.addEventListener('pointerdown', () => {
  if (document.body.dataset.view === 'idle') history.see(account.identity?.address ?? '');
});

void settingsView.renderDevices();
if (known) account.signIn(known.identity);
render();
accountView.focus();
