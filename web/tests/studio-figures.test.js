import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEIGHT, WIDTH, niceTop, pathOf } from '../studio/chart.js';
import { HISTORY, bitrateText, lossText, pictureText, readFigures, rttText, withSample } from '../studio/stats.js';

const sent = (rid, bytesSent, more = {}) => ({
  id: `out-${rid}`, type: 'outbound-rtp', kind: 'video', rid, timestamp: 1000, bytesSent, packetsSent: 0, remoteId: `remote-${rid}`, codecId: 'c', ...more
});
const received = (kind, bytesReceived, more = {}) => ({
  id: `in-${kind}`, type: 'inbound-rtp', kind, timestamp: 1000, bytesReceived, packetsReceived: 0, packetsLost: 0, ...more
});

test('the bit rate is what was added in the time between', () => {
  const before = [received('video', 1000), received('audio', 500)];
  const now = [received('video', 126_000, { timestamp: 2000 }), received('audio', 8500, { timestamp: 2000 })];
  assert.equal(readFigures(now, before).bitrate, 1_064_000);
  assert.equal(readFigures([received('video', 126_000, { timestamp: 3000 })], before).bitrate, 500_000);
});

test('without an earlier report, or with counters that started anew, there are no rates', () => {
  const figures = readFigures([received('video', 1000)], []);
  assert.deepEqual([figures.bitrate, figures.loss, figures.rtt], [null, null, null]);
  const anew = readFigures([received('video', 10, { timestamp: 2000 })], [received('video', 1000)]);
  assert.equal(anew.bitrate, null);
});

test('loss received counts only what is missing since the last report', () => {
  const before = [received('video', 0, { packetsReceived: 1000, packetsLost: 900 })];
  const loss = (packetsReceived, packetsLost) => readFigures([received('video', 1, { timestamp: 2000, packetsReceived, packetsLost })], before).loss;
  assert.equal(loss(1090, 910), 10);
  assert.equal(loss(1100, 890), 0, 'late packets are taken back');
  assert.equal(loss(1000, 900), null, 'nothing was sent');
});

test('loss sent is what the receivers tell, weighted by what was sent', () => {
  const before = [sent('h', 0), sent('l', 0)];
  const now = [
    sent('h', 1, { timestamp: 2000, packetsSent: 300 }), { id: 'remote-h', type: 'remote-inbound-rtp', fractionLost: 0.1, roundTripTime: 0.05 },
    sent('l', 1, { timestamp: 2000, packetsSent: 100 }), { id: 'remote-l', type: 'remote-inbound-rtp', fractionLost: 0.5 }
  ];
  const figures = readFigures(now, before);
  assert.ok(Math.abs(figures.loss - 20) < 1e-9, String(figures.loss));
  assert.equal(figures.rtt, 50);
});

test('the round trip is that of the pair in use, named or nominated', () => {
  const pairs = [
    { id: 'p1', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.03 },
    { id: 'p2', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.08 }
  ];
  assert.equal(readFigures(pairs, []).rtt, 30);
  assert.equal(readFigures([...pairs, { id: 't', type: 'transport', selectedCandidatePairId: 'p2' }], []).rtt, 80);
});

test('size, frames and codec are those of the largest picture; layers come largest first', () => {
  const now = [
    sent('l', 30_000, { timestamp: 2000, frameWidth: 320, frameHeight: 180, framesPerSecond: 14.6 }),
    sent('m', 0, { timestamp: 2000 }),
    sent('h', 125_000, { timestamp: 2000, frameWidth: 1280, frameHeight: 720, framesPerSecond: 29.7, qualityLimitationReason: 'bandwidth' }),
    { id: 'c', type: 'codec', mimeType: 'video/VP8' }
  ];
  const figures = readFigures(now, [sent('h', 0), sent('m', 0), sent('l', 0)]);
  assert.equal(pictureText(figures), '1280×720 · 30 fps · VP8 · limited by the network');
  assert.deepEqual(figures.layers, [
    { rid: 'h', bitrate: 1_000_000, size: '1280×720', fps: 30 },
    { rid: 'l', bitrate: 240_000, size: '320×180', fps: 15 },
    { rid: 'm', bitrate: 0, size: '', fps: null }
  ]);
});

test('a stream of sound alone has a codec but no layers', () => {
  const figures = readFigures([{ ...sent('', 1), kind: 'audio', rid: undefined }, { id: 'c', type: 'codec', mimeType: 'audio/opus' }], []);
  assert.deepEqual([figures.codec, figures.size, figures.layers], ['opus', '', []]);
});

test('only the last minute is kept', () => {
  let history = [];
  for (let second = 0; second <= HISTORY; second += 1) history = withSample(history, second);
  assert.deepEqual([history.length, history[0], history.at(-1)], [HISTORY, 1, HISTORY]);
});

test('figures in words', () => {
  assert.deepEqual([bitrateText(null), bitrateText(0), bitrateText(999_499), bitrateText(2_450_000)], ['–', '0 kbit/s', '999 kbit/s', '2.5 Mbit/s']);
  assert.deepEqual([lossText(null), lossText(1.26), rttText(null), rttText(1.23), rttText(45.6)], ['–', '1.3 %', '–', '1.2 ms', '46 ms']);
});

test('a scale ends at a round number above all values, never below its least', () => {
  assert.equal(niceTop([], 500_000), 500_000);
  assert.equal(niceTop([null, 30], 20), 50);
  assert.equal(niceTop([50.1], 20), 100);
  assert.equal(niceTop([1_000_001], 1), 2_000_000);
  assert.equal(niceTop([0.03], 0.001), 0.05);
});

test('the newest value stands at the right edge, gaps stay gaps', () => {
  const step = WIDTH / (HISTORY - 1);
  assert.equal(pathOf([0, 10], 10), `M${(WIDTH - step).toFixed(1)} ${HEIGHT.toFixed(1)}L${WIDTH.toFixed(1)} 0.0`);
  assert.equal(pathOf([5, null, 20], 10).split('M').length, 3);
  assert.match(pathOf([20], 10), new RegExp(`^M${WIDTH.toFixed(1)} 0.0h`), 'clipped at the top, and visible alone');
  assert.equal(pathOf([null, null], 10), '');
  assert.match(pathOf(Array(HISTORY + 5).fill(1), 10), /^M0\.0 /);
});
