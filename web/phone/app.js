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
import { KEY, createHistory } from './history.js';
import { createHistoryView } from './historyview.js';
import { createLeg } from './leg.js';
import { carefully, createMemory } from './memory.js';
import { createNotifier } from './notify.js';
import { ENDPOINT, SUBPROTOCOL, codeOf } from './protocol.js';
import { isFinal, updateText } from './reasons.js';
import { createSettingsView } from './settingsview.js';
import { createShow } from './show.js';
import { createSounds } from './sounds.js';
import * as texts from './texts.js';
import { toneOf } from './tones.js';
import { createView } from './view.js';

/** So many seconds without a byte are no jitter. */
const SILENT_SAMPLES = 4;

const [tab, lasting] = [carefully(() => sessionStorage), carefully(() => localStorage)];
const memory = createMemory(tab, lasting);
const history = createHistory(lasting);
const settings = memory.settings();
const known = memory.account();
const rtcConfig = rtcConfigFrom(window.__APP_CONFIG__);

/** @type {import('./show.js').Ui} */
const ui = { error: '', note: '', lineDismissed: false, dismissedIssue: '', settled: known !== null, padOpen: false, newCall: false, silent: false };
/** Which call the figures are about. */
let measured = '';
let silentSamples = 0;
let due = false;

const timers = {
  setTimer: (/** @type {() => void} */ run, /** @type {number} */ ms) => window.setTimeout(run, ms),
  clearTimer: (/** @type {number} */ timer) => window.clearTimeout(timer)
};

const client = new GatewayClient(
  {
    onState(state) {
      if (state === 'online') ui.lineDismissed = false;
      else {
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
      ui.note = updateText(what, reason, show.whoOf(call));
      changed();
    },
    onToneFailed(reason) {
      ui.note = `The digit was not sent (${reason}). Try the other way below “Devices, tones, notifications”.`;
      changed();
    }
  },
  devices,
  history,
  onChange: changed,
  onEnded(call) {
    const { text, bad } = texts.overText(call, show.whoOf(call));
    if (bad) ui.error = text;
    else if (text) views.frame.toast(text);
    if (calls.running.length === 0) ui.newCall = ui.padOpen = false;
  }
});
const sounds = createSounds();
const notifier = createNotifier();
const awake = createWakeLock();
const panel = createPanel({
  pc() {
    const pc = calls.current?.leg?.pc;
    return pc?.connectionState === 'connected' ? pc : null;
  },
  least: 100_000,
  onFigures({ received }) {
    // Nothing is known of a stream that never came.
    silentSamples = received ? 0 : silentSamples + 1;
    ui.silent = silentSamples >= SILENT_SAMPLES;
  }
});

/** What was said of earlier calls is old news. */
function clearTexts() {
  ui.error = ui.note = '';
}

function closeSheets() {
  ui.newCall = ui.padOpen = false;
}

function registrationChanged() {
  const code = codeOf(account.reason);
  const failed = account.state === 'failed';
  const hopeless = failed && (code === 0 || isFinal(code));
  if (account.state === 'registered' || failed) ui.settled = !hopeless;
  if (failed) ui.lineDismissed = false;
  changed();
  if (hopeless) window.setTimeout(() => views.account.focus());
}

/** @param {import('./protocol.js').IncomingTold} event */
function ring(event) {
  if (event.account === account.identity?.address && typeof RTCPeerConnection === 'function') calls.ring(event);
}

/** @param {import('./protocol.js').MissedTold} event */
function missed(event) {
  ui.note = `You missed a call from ${show.whoOf(history.missed(event.account, event.from, Date.now()))}.`;
}

/**
 * @param {string} typed
 * @param {boolean} video
 */
function dial(typed, video) {
  clearTexts();
  const { identity } = account;
  const { uri, problem } = readTarget(typed, show.domain());
  if (problem || !identity || !account.added || typeof RTCPeerConnection !== 'function') {
    ui.error = problem || (account.added ? NO_WEBRTC : texts.CANNOT_DIAL);
    changed();
    return views.dial.ask();
  }
  closeSheets();
  views.dial.clear();
  void calls.dial(identity.address, uri, video).then((done) => {
    if (!done) ui.error = texts.ENOUGH_CALLS;
    changed();
  });
}

/** @param {boolean} video */
function answer(video) {
  const call = calls.incoming;
  if (!call) return;
  clearTexts();
  closeSheets();
  void calls.answer(call, video);
}

async function camera() {
  const call = calls.current;
  if (!call) return;
  if (call.video) return devices.setHidden(!devices.hidden);
  ui.note = '';
  devices.setHidden(false);
  await calls.addVideo(call);
}

/** @param {string} id */
const callOf = (id) => calls.list.find((call) => call.id === id);

const views = {
  frame: createView({
    retry() {
      if (client.state === 'waiting') client.probe();
      else void account.register();
    },
    retryMedia() {
      ui.dismissedIssue = '';
      void devices.ensure({ audio: true, video: calls.current?.video ?? false });
    },
    dismiss(banner) {
      if (banner === 'account') ui.lineDismissed = true;
      else if (banner === 'media') ui.dismissedIssue = devices.issue;
      else ui[banner] = '';
      changed();
    },
    answer,
    decline: () => calls.incoming?.hangUp()
  }),
  account: createAccountView(known, {
    signIn(identity, remember) {
      clearTexts();
      memory.keep(identity, remember);
      ui.settled = ui.lineDismissed = false;
      account.signIn(identity);
    },
    signOut() {
      calls.hangUpAll();
      memory.forget();
      ui.settled = false;
      clearTexts();
      account.signOut();
    },
    problem(text) {
      ui.error = text;
      changed();
    }
  }),
  dial: createDialView(targetFrom(location.search), {
    dial,
    key: sounds.key,
    tone(digit) {
      sounds.click();
      calls.current?.tone(digit, settings.tones);
    },
    close() {
      closeSheets();
      changed();
    }
  }),
  call: createCallView({
    mute: devices.toggleMuted,
    camera: () => void camera(),
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
      if (ui.newCall) window.setTimeout(() => views.dial.focus());
    },
    hangUp: () => calls.current?.hangUp(),
    switchTo(id) {
      const call = callOf(id);
      if (call) calls.switchTo(call);
    },
    end: (id) => callOf(id)?.hangUp()
  }),
  history: createHistoryView({
    callBack: dial,
    fill: (uri) => views.dial.fill(shortAddress(uri, show.domain())),
    clear() {
      history.clear(account.identity?.address ?? '');
      changed();
    }
  })
};
const settingsView = createSettingsView(settings, {
  changed(what) {
    memory.keepSettings(settings);
    if (what === 'microphone') void devices.renew('audio');
    if (what === 'camera') void devices.renew('video');
    changed();
  }
});
const show = createShow({ client, account, calls, devices, history, settings, ui, views });

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
  show.render();
  sounds.set(toneOf(calls));
  awake.keep(calls.running.length > 0);
  const { current, incoming } = calls;
  notifier.set(incoming && settings.notify && document.hidden ? { id: incoming.id, text: `${show.whoOf(incoming)} is calling` } : null);
  const id = current?.phase === 'active' || current?.phase === 'early' ? current.id : '';
  if (id === measured) return;
  measured = id;
  silentSamples = 0;
  ui.silent = false;
  if (id) panel.start();
  else panel.stop();
}

window.setInterval(show.tick, 1000);
window.addEventListener('storage', ({ key }) => {
  if (key !== KEY) return;
  history.refresh();
  changed();
});
window.addEventListener('online', () => client.probe());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') client.probe();
  changed();
});
// Who clicks anywhere has seen the list.
document.addEventListener('click', () => {
  if (document.body.dataset.view !== 'idle') return;
  history.see(account.identity?.address ?? '');
  changed();
});

void settingsView.renderDevices();
if (known) account.signIn(known.identity);
render();
(known ? views.dial : views.account).focus();
