import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RTC_CONFIG, newClientId, roomFromHash, roomLink, rtcConfigFrom, signalingUrl } from '../app.config.js';
import { fallbackKinds, trackConstraints } from '../app.devices.js';
import { mediaErrorText, retryText, screenErrorText, serverErrorText } from '../app.errors.js';
import { gridFor } from '../app.grid.js';
import { elapsed, fileFor, recordingType } from '../app.recording.js';
import { syncSenders, wantBothKinds } from '../app.senders.js';
import { kilobits, lossPercent, readStats } from '../app.stats.js';

test('ids are twelve hexadecimal digits', () => {
  assert.match(newClientId(), /^[0-9a-f]{12}$/);
  assert.equal(newClientId({ getRandomValues: (bytes) => bytes.fill(7) }), '070707070707');
});

test('the server’s ICE settings count if they have a list, even an empty one', () => {
  const own = { iceServers: [], iceTransportPolicy: 'all' };
  assert.equal(rtcConfigFrom({ rtcConfig: own }), own);
  for (const config of [undefined, {}, { rtcConfig: null }, { rtcConfig: 5 }, { rtcConfig: { iceServers: 'stun:x' } }]) {
    assert.equal(rtcConfigFrom(config), DEFAULT_RTC_CONFIG);
  }
});

test('the socket lies beside the page', () => {
  assert.equal(signalingUrl('http://h:8080/'), 'ws://h:8080/ws');
  assert.equal(signalingUrl('https://h/x/#room=demo'), 'wss://h/x/ws');
  assert.equal(signalingUrl('https://h/x/index.html?y=1'), 'wss://h/x/ws');
});

test('room links carry any room name there and back', () => {
  for (const room of ['demo', '房间 one.1 / 😀', 'a&b=c#d+e']) {
    const link = roomLink('https://h/x/#room=old', room);
    assert.ok(link.startsWith('https://h/x/#room='));
    assert.equal(roomFromHash(new URL(link).hash), room);
  }
  assert.equal(roomLink('https://h/#room=old', ''), 'https://h/');
  assert.equal(roomFromHash(''), '');
});

test('after a refusal of both devices each is tried alone, but a user is not asked twice', () => {
  const nothing = { audio: false, video: false };
  assert.deepEqual(fallbackKinds({ name: 'NotFoundError' }, nothing), ['audio', 'video']);
  assert.deepEqual(fallbackKinds({ name: 'NotReadableError' }, nothing), ['audio', 'video']);
  assert.deepEqual(fallbackKinds({ name: 'NotAllowedError' }, nothing), []);
  assert.deepEqual(fallbackKinds({ name: 'NotAllowedError' }, { audio: false, video: true }), ['audio']);
  assert.deepEqual(fallbackKinds({ name: 'NotAllowedError' }, { audio: true, video: false }), ['video']);
  assert.deepEqual(trackConstraints('video', 'cam1'), { deviceId: { exact: 'cam1' } });
  assert.equal(trackConstraints('audio', ''), true);
});

test('every failure names a next step', () => {
  const context = { id: 'a b', room: 'demo' };
  const codes = [
    'invalid_id', 'invalid_room', 'invalid_join', 'identity_locked', 'already_joined', 'duplicate_id', 'room_full', 'room_limit_reached',
    'not_joined', 'room_missing', 'membership_lost', 'invalid_target', 'target_not_found', 'rate_limited', 'unknown_type'
  ];
  const texts = codes.map((code) => serverErrorText(code, 'server text', context));
  assert.equal(new Set(texts).size >= codes.length - 1, true);
  for (const text of texts) {
    assert.doesNotMatch(text, /server text/);
    assert.match(text, /again|Choose|Pick|Leave|Wait|Join|Reload/, text);
  }
  assert.match(texts[0], /“a b”/);
  assert.match(serverErrorText('constructor', 'odd', context), /odd/);
  assert.match(serverErrorText('', '', context), /no reason given/);
  for (const name of ['NotFoundError', 'NotAllowedError', 'NotReadableError', 'OverconstrainedError', 'Odd']) {
    assert.match(mediaErrorText({ name }, 'video'), /camera.*Try again/, name);
    assert.match(screenErrorText({ name }), /again|Pick/, name);
  }
  assert.match(retryText(4000, 'lost', { id: 'a', calls: 1 }), /4 s.*Calls in progress go on/);
  assert.match(retryText(1000, 'duplicate_id', { id: 'a', calls: 0 }), /“a” is still taken/);
});

test('the grid makes pictures as large as the stage allows', () => {
  assert.deepEqual(gridFor(1, 900, 600), { columns: 1, rows: 1 });
  assert.deepEqual(gridFor(2, 900, 400), { columns: 2, rows: 1 });
  assert.deepEqual(gridFor(3, 366, 660), { columns: 1, rows: 3 });
  assert.deepEqual(gridFor(4, 900, 600), { columns: 2, rows: 2 });
  assert.deepEqual(gridFor(9, 1200, 900), { columns: 3, rows: 3 });
  for (let tiles = 1; tiles <= 50; tiles += 1) {
    const { columns, rows } = gridFor(tiles, 800, 600);
    assert.ok(columns * rows >= tiles);
  }
});

test('recordings: WebM where possible, MP4 with its own name elsewhere', () => {
  assert.deepEqual(recordingType(() => true), { mimeType: 'video/webm;codecs=vp8,opus', blobType: 'video/webm', fileName: 'webrtc-recording.webm' });
  assert.deepEqual(recordingType((type) => /vp9/.test(type)).mimeType, 'video/webm;codecs=vp9,opus');
  assert.deepEqual(recordingType((type) => type === 'video/mp4'), { mimeType: 'video/mp4', blobType: 'video/mp4', fileName: 'webrtc-recording.mp4' });
  assert.equal(recordingType(() => false).mimeType, '');
  assert.equal(fileFor('video/mp4;codecs=avc1').fileName, 'webrtc-recording.mp4');
  assert.deepEqual([0, 59_999, 61_000, 600_000].map(elapsed), ['0:00', '0:59', '1:01', '10:00']);
});

test('rates and losses', () => {
  assert.equal(kilobits(125_000, 2000), '500 kbit/s');
  assert.equal(kilobits(1, 0), '');
  assert.equal(kilobits(-5, 2000), '');
  assert.equal(lossPercent(95, 5), '5.0 %');
  assert.equal(lossPercent(100, -3), '0.0 %');
  assert.equal(lossPercent(0, 0), '');
});

test('figures are differences between two reports', () => {
  const report = (at, bytesSent, packetsReceived, packetsLost) => [
    { id: 'O', type: 'outbound-rtp', kind: 'video', timestamp: at, bytesSent, frameWidth: 640, frameHeight: 480, codecId: 'C' },
    { id: 'I', type: 'inbound-rtp', kind: 'audio', timestamp: at, packetsReceived, packetsLost },
    { id: 'X', type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 9 },
    { id: 'P', type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 0.0314 },
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'C', type: 'codec', mimeType: 'video/VP8' }
  ];
  const first = readStats(report(1000, 1000, 100, 50), undefined);
  assert.deepEqual(first.figures, { sent: '', size: '640×480', loss: '', rtt: '31 ms', codec: 'VP8' });
  const second = readStats(report(3000, 126_000, 190, 60), first.sample);
  assert.deepEqual(second.figures, { sent: '500 kbit/s', size: '640×480', loss: '10.0 %', rtt: '31 ms', codec: 'VP8' });
  assert.deepEqual(readStats([], undefined).figures, { sent: '', size: '', loss: '', rtt: '', codec: '' });
});

/** Just enough of a connection to see which senders it ends up with. */
function fakeConnection() {
  const pc = {
    transceivers: [],
    getTransceivers: () => pc.transceivers,
    addTransceiver: (kind, { direction }) => pc.transceivers.push({ direction, receiver: { track: { kind } }, sender: { track: null } }),
    addTrack: (track) => {
      const sender = { track, replaceTrack: async (next) => void (sender.track = next) };
      pc.transceivers.push({ direction: 'sendrecv', receiver: { track: { kind: track.kind } }, sender });
      return sender;
    }
  };
  return pc;
}

test('tracks: replaced without a new offer, added and removed with one', async () => {
  const pc = fakeConnection();
  const peer = { pc, senders: {} };
  const stream = {};
  const camera = { kind: 'video' };
  const screen = { kind: 'video' };
  let video = /** @type {object | null} */ (null);
  const outgoing = (kind) => (kind === 'video' && video ? { track: video, stream } : null);

  assert.equal(await syncSenders(peer, outgoing), false, 'nothing to send');
  wantBothKinds(pc);
  assert.deepEqual(pc.transceivers.map(({ direction }) => direction), ['recvonly', 'recvonly']);
  video = camera;
  assert.equal(await syncSenders(peer, outgoing), true);
  video = screen;
  assert.equal(await syncSenders(peer, outgoing), false);
  assert.equal(peer.senders.video.track, screen);
  video = null;
  assert.equal(await syncSenders(peer, outgoing), true);
  assert.equal(pc.transceivers.at(-1).direction, 'recvonly');
  video = screen;
  assert.equal(await syncSenders(peer, outgoing), true);
  assert.equal(pc.transceivers.at(-1).direction, 'sendrecv');
});
