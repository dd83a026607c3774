// The documented JavaScript API on `window`, used as its documentation says.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { received, untilVideo } from '../lib/media.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const FUNCTIONS = [
  'connect', 'disconnect', 'callPeer', 'hangupPeer', 'hangupAll', 'toggleMute', 'toggleCamera',
  'startScreenShare', 'stopScreenShare', 'startRecording', 'stopRecording', 'sendChat', 'setRoomState',
];
const FIELDS = [
  'myId', 'ws', 'roomId', 'roomState', 'localStream', 'screenStream', 'usingScreen', 'muted', 'cameraOff',
  'peers', 'recorder', 'recordedChunks',
];

e2e('the globals exist, and `state` is live and cannot be replaced', async (world) => {
  const server = await world.server();
  const a = await world.room('a', server.url);
  const found = await a.page.evaluate((functions, fields) => ({
    functions: functions.filter((name) => typeof window[name] === 'function'),
    fields: fields.filter((name) => name in window.state),
    peers: window.state.peers instanceof Map,
    chunks: Array.isArray(window.state.recordedChunks),
    id: window.state.myId,
    roomState: window.state.roomState,
    ws: window.state.ws,
  }), FUNCTIONS, FIELDS);
  assert.deepEqual(found, {
    functions: FUNCTIONS, fields: FIELDS, peers: true, chunks: true, id: await a.id(), roomState: 'idle', ws: null,
  });

  // As typed into the console: assigning to the bare name changes nothing.
  const replaced = await a.page.evaluate(`(() => {
    const before = state;
    state = {};
    return { same: window.state === before, writable: Reflect.set(window, 'state', {}) };
  })()`);
  assert.deepEqual(replaced, { same: true, writable: false });
});

e2e('two pages driven by the API alone', async (world) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-download-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  const server = await world.server();
  const a = await world.room('a', server.url, { context: { downloadBehavior: { policy: 'allow', downloadPath: folder } } });
  const b = await world.room('b', server.url);
  await a.page.evaluate(() => window.connect('api room', 'alice'));
  await b.page.evaluate(() => window.connect('api room', 'bob'));
  await Promise.all([a.untilMembers('alice', 'bob'), b.untilMembers('alice', 'bob')]);
  const state = (room, expression) => room.page.evaluate((name) => window.state[name], expression);
  assert.equal(await state(a, 'myId'), 'alice');
  assert.equal(await state(a, 'roomId'), 'api room');
  assert.equal(await state(a, 'roomState'), 'joined');
  assert.equal(await a.page.evaluate(() => window.state.ws instanceof WebSocket), true);

  await a.page.evaluate(() => window.callPeer('bob'));
  await Promise.all([untilVideo(a, 'bob'), untilVideo(b, 'alice')]);
  assert.equal(await state(a, 'roomState'), 'calling');
  assert.deepEqual(await a.page.evaluate(() => {
    const peer = window.state.peers.get('bob');
    return {
      id: peer.id,
      pc: peer.pc instanceof RTCPeerConnection,
      flags: [peer.polite, peer.makingOffer, peer.ignoreOffer].map((flag) => typeof flag),
      pending: Array.isArray(peer.pendingCandidates),
    };
  }), { id: 'bob', pc: true, flags: ['boolean', 'boolean', 'boolean'], pending: true });

  await until('the chat channel is open', () =>
    a.page.evaluate(() => window.state.peers.get('bob').dc?.readyState === 'open'));
  await a.page.evaluate(() => window.sendChat('from the console'));
  await b.untilChat('alice: from the console');

  await a.page.evaluate(() => { window.toggleMute(); window.toggleCamera(); });
  assert.deepEqual(await a.page.evaluate(() => [
    window.state.muted, window.state.cameraOff, ...window.state.localStream.getTracks().map((track) => track.enabled),
  ]), [true, true, false, false]);
  await a.page.evaluate(() => { window.toggleMute(); window.toggleCamera(); });
  assert.deepEqual([await state(a, 'muted'), await state(a, 'cameraOff')], [false, false]);

  await a.page.evaluate(() => window.startScreenShare());
  assert.deepEqual(await a.page.evaluate(() => [window.state.usingScreen, window.state.screenStream instanceof MediaStream]), [true, true]);
  await a.page.evaluate(() => window.stopScreenShare());
  assert.deepEqual([await state(a, 'usingScreen'), await state(a, 'screenStream')], [false, null]);

  await a.page.evaluate(() => window.startRecording());
  assert.equal(await a.page.evaluate(() => window.state.recorder?.state), 'recording');
  const start = (await received(a, 'bob')).framesDecoded;
  await until('there is something to record', async () => (await received(a, 'bob')).framesDecoded > start + 30);
  await a.page.evaluate(() => window.stopRecording());
  await until('the recording is on the disk', async () => (await readdir(folder)).includes('webrtc-recording.webm'));

  await a.page.evaluate(() => window.hangupPeer('bob'));
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);
  assert.equal(await state(a, 'roomState'), 'joined');
  await b.page.evaluate(() => window.callPeer('alice'));
  await untilVideo(a, 'bob');
  await a.page.evaluate(() => window.hangupAll());
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);

  await a.page.evaluate(() => window.disconnect());
  await a.untilStatus('idle');
  assert.equal(await state(a, 'roomState'), 'idle');
  await b.untilMembers('bob');
});

e2e('the setRoomState hook of the documentation sees every change', async (world) => {
  const server = await world.server();
  const a = await world.room('a', server.url);
  const b = await world.room('b', server.url);
  await b.join('demo');
  // Word for word the documented pattern, but for where the changes go.
  await a.page.evaluate(`
    window.seen = [];
    const originalSetState = setRoomState;
    setRoomState = function(newState) {
      window.seen.push(newState);
      originalSetState(newState);
    };
  `);
  await a.join('demo');
  const idB = await b.id();
  await a.untilMembers(await a.id(), idB);
  await a.call(idB);
  await untilVideo(a, idB);
  await a.tab.click('#hangup');
  await a.untilStatus('joined');
  await a.leave();
  assert.deepEqual(await a.page.evaluate(() => window.seen), ['connecting', 'joined', 'calling', 'joined', 'idle']);
});
