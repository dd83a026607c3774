// The page: form, picture, buttons, messages. Text is set as text, never as markup.

import { byId, setText } from '../app.dom.js';
import { NO_SOUND } from './sources.js';
import { stageOf } from './stage.js';
import { stateText } from './texts.js';

/**
 * @typedef {import('./line.js').Mode} Mode
 * @typedef {import('./sources.js').Sources} Sources
 * @typedef {{
 *   mode: Mode, stream: string, app: string, token: string, simulcast: boolean, choice: import('./sources.js').Choice,
 *   line: import('./line.js').LineState, error: string, note: string, waiting: string,
 *   remote: MediaStream | null, silent: boolean, blocked: boolean,
 *   qualities: import('./watch.js').Quality[], chosen: string
 * }} State `error` with its remedy; `waiting`: why there is no picture; `silent`: nothing arrives; `blocked`: the browser wants a click to play
 * @typedef {{
 *   mode(mode: Mode): void, start(): void, stop(): void, edit(): void, preview(): void, retryMedia(): void,
 *   renew(kind: Kind): void, mute(): void, hide(): void, quality(id: string): void, copyLink(): void
 * }} Actions
 */

const TOAST_MS = 4000;

/** @param {import('./line.js').LineState} line */
export const isRunning = (line) => line !== 'idle' && line !== 'failed';

/** @type {Record<import('./line.js').LineState, string>} */
const PILL = {
  idle: 'idle', failed: 'idle', connecting: 'connecting', waiting: 'joined', live: 'calling', restoring: 'reconnecting', retrying: 'reconnecting'
};

/**
 * @param {State} state
 * @param {Sources} sources
 * @param {Actions} actions
 */
export function createView(state, sources, actions) {
  const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
  const input = (/** @type {string} */ id) => byId(id, HTMLInputElement);
  const select = (/** @type {string} */ id) => byId(id, HTMLSelectElement);
  const page = {
    status: byId('status', HTMLElement), form: byId('form', HTMLFormElement), running: byId('running', HTMLElement),
    verb: byId('runningVerb', HTMLElement), name: byId('runningName', HTMLElement), inApp: byId('runningApp', HTMLElement),
    publish: input('modePublish'), watch: input('modeWatch'), stream: input('stream'), app: input('app'), token: input('token'),
    simulcast: input('simulcast'), camera: input('sourceCamera'), share: input('sourceScreen'),
    cameraField: byId('cameraField', HTMLElement), cameras: select('cameraSelect'), microphones: select('micSelect'),
    access: byId('access', HTMLDetailsElement), start: button('start'), copy: button('copyLink'),
    qualityField: byId('qualityField', HTMLElement), quality: select('quality'),
    screen: byId('screen', HTMLElement), video: byId('picture', HTMLVideoElement), stageNote: byId('stageNote', HTMLElement),
    stageButton: button('stageBtn'), badge: byId('badge', HTMLElement),
    mute: button('muteBtn'), hide: button('hideBtn'), sound: button('soundBtn'), full: button('fullBtn'), stop: button('stopBtn'),
    mediaRetry: button('mediaRetry'), toast: byId('toast', HTMLElement)
  };
  const banners = /** @type {const} */ (['error', 'media', 'note']).map((when) => ({ when, text: byId(when, HTMLElement) }));
  let dismissedIssue = '';
  let toastTimer = 0;
  let wasRunning = false;

  page.stream.value = state.stream;
  page.app.value = state.app;
  page.token.value = state.token;
  page.access.open = Boolean(state.app || state.token);

  page.form.addEventListener('submit', (event) => {
    event.preventDefault();
    actions.start();
  });
  for (const mode of /** @type {const} */ (['publish', 'watch'])) page[mode].addEventListener('change', () => actions.mode(mode));
  for (const name of /** @type {const} */ (['stream', 'app', 'token'])) {
    page[name].addEventListener('input', () => {
      state[name] = page[name].value.trim();
      actions.edit();
    });
  }
  page.simulcast.addEventListener('change', () => (state.simulcast = page.simulcast.checked));
  for (const radio of [page.camera, page.share]) {
    radio.addEventListener('change', () => {
      state.choice.source = page.share.checked ? 'screen' : 'camera';
      actions.renew('video');
    });
  }
  page.cameras.addEventListener('change', () => {
    state.choice.camera = page.cameras.value;
    actions.renew('video');
  });
  page.microphones.addEventListener('change', () => {
    state.choice.microphone = page.microphones.value;
    actions.renew('audio');
  });
  page.quality.addEventListener('change', () => actions.quality(page.quality.value));
  page.copy.addEventListener('click', actions.copyLink);
  page.mute.addEventListener('click', actions.mute);
  page.hide.addEventListener('click', actions.hide);
  page.stop.addEventListener('click', actions.stop);
  page.mediaRetry.addEventListener('click', actions.retryMedia);
  page.stageButton.addEventListener('click', () => (state.blocked ? play() : actions.preview()));
  page.sound.addEventListener('click', () => {
    page.video.muted = !page.video.muted;
    play();
  });
  page.full.addEventListener('click', () => void fullScreen());
  for (const event of ['resize', 'loadeddata', 'emptied', 'volumechange']) page.video.addEventListener(event, render);
  navigator.mediaDevices?.addEventListener('devicechange', () => void renderDevices());
  document.addEventListener('click', ({ target }) => {
    const when = target instanceof Element ? target.closest('[data-dismiss]')?.parentElement?.dataset.when : undefined;
    if (when) dismiss(when);
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') for (const { when } of banners) if (when !== 'media') dismiss(when);
  });

  /** @param {string} when */
  function dismiss(when) {
    if (when === 'media') dismissedIssue = sources.issue;
    if (when === 'note') state.note = '';
    if (when === 'error') state.error = '';
    render();
  }

  function play() {
    page.video.play().then(
      () => (state.blocked = false),
      // AbortError: the next stream came in between, and plays by itself.
      (error) => (state.blocked = error.name === 'NotAllowedError')
    ).finally(render);
  }

  async function fullScreen() {
    // iPhones know only their own full screen, of the video alone.
    const own = /** @type {HTMLVideoElement & { webkitEnterFullscreen?: () => void }} */ (page.video);
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else if (page.screen.requestFullscreen) await page.screen.requestFullscreen();
      else own.webkitEnterFullscreen?.();
    } catch (error) {
      console.warn('no full screen', error);
    }
  }

  /**
   * Fills a list only if it differs: an open one would close.
   * @param {HTMLSelectElement} list
   * @param {{ id: string, text: string }[]} items
   * @param {string} value
   */
  function fill(list, items, value) {
    const options = [...list.options];
    const same = options.length === items.length && items.every(({ id }, index) => options[index].value === id);
    if (!same) list.replaceChildren(...items.map(({ id, text }) => new Option(text, id)));
    else if (document.activeElement !== list) items.forEach(({ text }, index) => setText(options[index], text));
    if (list.value !== value) list.value = value;
  }

  async function renderDevices() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const named = (/** @type {string} */ kind) =>
      all.filter((device) => device.kind === kind && device.label && device.deviceId !== 'default').map(({ deviceId, label }) => ({ id: deviceId, text: label }));
    const known = (/** @type {{ id: string }[]} */ items, /** @type {string} */ id) => (items.some((item) => item.id === id) ? id : '');
    const cameras = [{ id: '', text: 'Default camera' }, ...named('videoinput')];
    const microphones = [{ id: '', text: 'Default microphone' }, ...named('audioinput'), { id: NO_SOUND, text: 'No microphone' }];
    fill(page.cameras, cameras, known(cameras, state.choice.camera));
    fill(page.microphones, microphones, known(microphones, state.choice.microphone));
  }

  function renderStage() {
    const { video } = page;
    const publishing = state.mode === 'publish';
    const picture = publishing && sources.picture ? sources.picture : null;
    if (publishing) {
      const shown = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0] ?? null;
      if (shown !== picture || (!picture && video.srcObject)) video.srcObject = picture ? new MediaStream([picture]) : null;
      video.muted = true;
    } else if (video.srcObject !== state.remote) {
      video.srcObject = state.remote;
      if (state.remote) play();
    }
    const hasPicture = publishing ? Boolean(picture) && !sources.hidden : Boolean(state.remote) && video.videoWidth > 0;
    const stage = stageOf({
      ...state, hasPicture,
      open: sources.isOpen, opening: sources.opening, hidden: sources.hidden,
      hasTracks: Boolean(state.remote && state.remote.getTracks().length > 0)
    });
    page.screen.classList.toggle('has-video', hasPicture);
    page.screen.classList.toggle('is-covered', hasPicture && stage.note !== '');
    page.screen.classList.toggle('is-mirrored', Boolean(picture) && state.choice.source === 'camera' && picture?.getSettings().facingMode !== 'environment');
    setText(page.stageNote, stage.note);
    setText(page.stageButton, stage.button);
    page.stageButton.hidden = stage.button === '';
    page.badge.hidden = state.line !== 'live';
    video.setAttribute('aria-label', publishing ? 'Your own picture' : `Stream ${state.stream}`);
  }

  function renderControls() {
    const running = isRunning(state.line);
    page.mute.setAttribute('aria-pressed', String(sources.muted));
    page.mute.disabled = !sources.sound;
    page.hide.setAttribute('aria-pressed', String(sources.hidden));
    page.hide.disabled = !sources.picture;
    page.stop.hidden = !running && !sources.isOpen;
    setText(/** @type {Element} */ (page.stop.lastElementChild), running ? 'Stop' : 'Turn off');
    const { muted } = page.video;
    page.sound.classList.toggle('is-muted', muted);
    setText(/** @type {Element} */ (page.sound.lastElementChild), muted ? 'Unmute' : 'Mute');
    page.sound.disabled = !state.remote || state.remote.getAudioTracks().length === 0;
    page.sound.classList.toggle('is-asking', muted && !page.sound.disabled && state.line === 'live');
    page.full.disabled = !page.screen.classList.contains('has-video');
    document.body.dataset.controls = running || (state.mode === 'publish' && sources.isOpen) ? 'shown' : 'none';
  }

  function renderForm() {
    const { choice } = state;
    const publishing = state.mode === 'publish';
    page[state.mode].checked = true;
    page.simulcast.checked = state.simulcast;
    page[choice.source === 'screen' ? 'share' : 'camera'].checked = true;
    page.cameraField.hidden = choice.source === 'screen';
    setText(page.start, publishing ? 'Go live' : 'Watch');
    page.copy.hidden = state.stream === '';
    setText(page.verb, publishing ? 'Publishing' : 'Watching');
    setText(page.name, state.stream);
    setText(page.inApp, state.app ? `Application ${state.app}` : '');
    page.qualityField.hidden = state.qualities.length === 0;
    fill(page.quality, [{ id: '', text: 'Automatic' }, ...state.qualities], state.chosen);
  }

  function render() {
    const running = isRunning(state.line);
    document.body.dataset.mode = state.mode;
    document.body.dataset.run = running ? 'running' : 'idle';
    setText(page.status, stateText(state.line, state.mode));
    page.status.dataset.state = PILL[state.line];
    const issue = state.mode === 'publish' && sources.issue !== dismissedIssue ? sources.issue : '';
    if (!sources.issue) dismissedIssue = '';
    const texts = { error: state.error, media: issue, note: state.note };
    for (const { when, text } of banners) {
      /** @type {HTMLElement} */ (text.closest('[data-when]')).hidden = texts[when] === '';
      setText(text, texts[when]);
    }
    page.mediaRetry.hidden = !navigator.mediaDevices;
    renderStage();
    renderControls();
    renderForm();
    if (running !== wasRunning) {
      wasRunning = running;
      // What had the focus may be gone.
      if (document.activeElement === document.body || document.activeElement?.checkVisibility?.() === false) {
        (running ? page.running : page.start).focus({ preventScroll: true });
      }
    }
  }

  return {
    render,
    renderDevices,

    /** A field needs attention. @param {'stream' | 'token'} field */
    ask(field) {
      if (field === 'token') page.access.open = true;
      page[field].focus();
    },

    /** @param {string} text */
    toast(text) {
      setText(page.toast, text);
      window.clearTimeout(toastTimer);
      toastTimer = window.setTimeout(() => setText(page.toast, ''), TOAST_MS);
    }
  };
}
