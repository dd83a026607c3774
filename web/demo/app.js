// Entry: ties the player to the page.

import { byId, setText } from '../app.dom.js';
import { problemOf, readAddress, writeAddress } from './address.js';
import { Player } from './player.js';
import { Screen } from './screen.js';
import * as texts from './texts.js';

const FIGURES_MS = 1_000;

const page = {
  status: byId('status', HTMLElement), screen: byId('screen', HTMLElement), picture: byId('picture', HTMLVideoElement),
  note: byId('note', HTMLElement), play: byId('playBtn', HTMLButtonElement), figures: byId('figures', HTMLElement),
  what: byId('what', HTMLElement), where: byId('where', HTMLElement),
  sound: byId('soundBtn', HTMLButtonElement), full: byId('fullBtn', HTMLButtonElement), stop: byId('stopBtn', HTMLButtonElement),
  form: byId('form', HTMLFormElement), problem: byId('problem', HTMLElement),
  room: byId('room', HTMLInputElement), stream: byId('stream', HTMLInputElement), token: byId('token', HTMLInputElement)
};

let wish = readAddress(location.href);
let timer = 0;
let before = { at: 0, bytes: 0 };

const player = new Player({
  url: new URL('../', location.href).href,
  create: (iceServers) => new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' }),
  onState(state, reason) {
    document.body.dataset.run = state === 'idle' || state === 'failed' ? 'idle' : 'running';
    page.status.dataset.state = { idle: 'idle', connecting: 'connecting', opening: 'connecting', waiting: 'joined', live: 'calling', retrying: 'reconnecting', failed: 'idle' }[state];
    setText(page.status, texts.stateText(state));
    const text = texts.reasonText(reason, wish);
    setText(page.problem, state === 'failed' ? text : '');
    // The reason stays while the page looks again: a text that comes and goes cannot be read.
    if (state === 'waiting' || state === 'retrying') setText(page.note, text);
    else if (state === 'opening' || (state === 'connecting' && !page.note.textContent)) setText(page.note, 'Connecting…');
    else if (state === 'live') setText(page.note, '');
    setText(page.what, wish.stream);
    setText(page.where, `in room “${wish.room}”`);
    document.title = `${wish.stream && state !== 'idle' ? `${wish.stream} – ` : ''}Patchbay player`;
    window.clearInterval(timer);
    setText(page.figures, '');
    if (state === 'live') timer = window.setInterval(() => void figures(), FIGURES_MS);
    if (state === 'failed') page[reason === 'token' ? 'token' : 'room'].focus();
  },
  onStream(stream) {
    page.picture.srcObject = stream;
    page.screen.classList.toggle('has-video', stream !== null);
    if (!stream) screen.close();
    if (stream) void run();
    drawSound();
  },
  onFragments(channel) {
    if (wish.transport !== 'fmp4') return;
    page.screen.classList.add('has-video');
    screen.listen(channel);
  },
  onCommand(command, argument) {
    window.dispatchEvent(new CustomEvent('webrtccommand', { detail: { command, argument } }));
  }
});

const screen = new Screen(page.picture, (words) => {
  player.stop();
  setText(page.problem, words);
});

/** Browsers let a page begin by itself in silence only, and some not even so. */
async function run() {
  try {
    await page.picture.play();
    page.screen.classList.remove('is-blocked');
    page.play.hidden = true;
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
    page.screen.classList.add('is-blocked');
    page.play.hidden = false;
  }
}

function drawSound() {
  const { muted, srcObject } = page.picture;
  const heard = srcObject instanceof MediaStream && srcObject.getAudioTracks().length > 0;
  page.sound.disabled = !heard;
  page.sound.classList.toggle('is-muted', muted);
  page.sound.classList.toggle('is-asking', muted && heard);
  setText(/** @type {Element} */ (page.sound.lastElementChild), muted ? 'Sound on' : 'Mute');
}

async function figures() {
  const stats = await player.connection?.getStats();
  if (!stats || player.state !== 'live') return;
  const { videoWidth, videoHeight } = page.picture;
  let bytes = 0;
  let frames = 0;
  stats.forEach((entry) => {
    if (entry.type !== 'inbound-rtp' && !(wish.transport && entry.type === 'data-channel')) return;
    bytes += entry.bytesReceived ?? 0;
    frames += entry.framesPerSecond ?? 0;
  });
  const at = performance.now();
  const rate = before.at && bytes >= before.bytes ? ((bytes - before.bytes) * 8) / (at - before.at) : 0;
  before = { at, bytes };
  const size = videoWidth ? `${videoWidth} × ${videoHeight}` : 'Sound only';
  setText(page.figures, [size, frames ? `${frames} fps` : '', rate ? `${Math.round(rate)} kbit/s` : ''].filter(Boolean).join(' · '));
}

function start() {
  const problem = typeof RTCPeerConnection === 'function' ? problemOf(wish) : texts.NO_WEBRTC;
  setText(page.problem, problem);
  if (problem) return (wish.room ? page.stream : page.room).focus();
  history.replaceState(null, '', writeAddress(location.href, wish));
  setText(page.note, '');
  player.start(wish);
}

page.form.addEventListener('submit', (event) => {
  event.preventDefault();
  wish = { room: page.room.value.trim(), stream: page.stream.value.trim(), token: page.token.value.trim(), transport: wish.transport };
  start();
});
page.play.addEventListener('click', () => void run());
page.sound.addEventListener('click', () => {
  page.picture.muted = !page.picture.muted;
  drawSound();
  void run();
});
page.full.addEventListener('click', () => void (document.fullscreenElement ? document.exitFullscreen() : page.screen.requestFullscreen?.()));
page.stop.addEventListener('click', () => player.stop());
window.addEventListener('pagehide', () => player.stop());

page.room.value = wish.room;
page.stream.value = wish.stream;
page.token.value = wish.token;
drawSound();
// A link to a stream leads to the stream; one that lacks something leads to what is missing.
if (wish.room && wish.stream) start();
else page[wish.room ? 'stream' : 'room'].focus();
