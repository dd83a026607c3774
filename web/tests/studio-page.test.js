import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addTracks, bitrateFor, encodingsFor, replaceTracks } from '../studio/publish.js';
import { cameraConstraints } from '../studio/sources.js';
import { stageOf } from '../studio/stage.js';
import { errorText, pickScreenText, retryText, stateText, waitingText } from '../studio/texts.js';
import { qualitiesOf, withChosen } from '../studio/watch.js';
import { StreamError } from '../studio/whip.js';

const CONTEXT = { mode: 'publish', stream: 'demo', hasToken: false };

test('three layers, two for a small picture, one if nothing smaller makes sense', () => {
  const layers = (height, simulcast = true) => encodingsFor({ simulcast, screen: false, height });
  assert.deepEqual(layers(720), [
    { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: bitrateFor(720) },
    { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: bitrateFor(360) },
    { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: bitrateFor(180) }
  ]);
  assert.deepEqual(layers(360).map(({ rid }) => rid), ['h', 'm']);
  assert.deepEqual(layers(180), [{ maxBitrate: bitrateFor(180) }]);
  assert.deepEqual(layers(720, false), [{ maxBitrate: bitrateFor(720) }]);
});

test('larger pictures and screens get more bits', () => {
  const rates = [180, 240, 360, 540, 720, 1080].map(bitrateFor);
  assert.deepEqual(rates, [...rates].sort((a, b) => a - b));
  assert.equal(new Set(rates).size, rates.length);
  const [screen] = encodingsFor({ simulcast: false, screen: true, height: 720 });
  assert.ok(screen.maxBitrate > bitrateFor(720));
});

class FakePc {
  transceivers = [];
  addTransceiver(track, init) {
    const sender = { track, async replaceTrack(next) { this.track = next; } };
    this.transceivers.push({ sender, init, receiver: { track: { kind: track.kind } } });
  }
  getTransceivers() {
    return this.transceivers;
  }
}
const sound = { kind: 'audio' };
const picture = { kind: 'video', getSettings: () => ({ width: 270, height: 480 }) };

test('one sender per kind that is there; the shorter side decides about layers', () => {
  globalThis.MediaStream ??= class {};
  const pc = new FakePc();
  addTracks(pc, { picture, sound }, { simulcast: true, screen: false });
  assert.deepEqual(pc.transceivers.map(({ sender, init }) => [sender.track.kind, init.direction, init.sendEncodings?.length]), [
    ['audio', 'sendonly', undefined],
    ['video', 'sendonly', 2]
  ]);
  const mute = new FakePc();
  addTracks(mute, { picture, sound: null }, { simulcast: false, screen: false });
  assert.equal(mute.transceivers.length, 1);
});

test('other tracks are put into the running connection; a kind that was not offered does not fit', () => {
  globalThis.MediaStream ??= class {};
  const pc = new FakePc();
  addTracks(pc, { picture, sound: null }, { simulcast: false, screen: false });
  const other = { ...picture };
  assert.equal(replaceTracks(pc, { picture: other, sound: null }), true);
  assert.equal(pc.transceivers[0].sender.track, other);
  assert.equal(replaceTracks(pc, { picture: null, sound: null }), true);
  assert.equal(pc.transceivers[0].sender.track, null);
  assert.equal(replaceTracks(pc, { picture: other, sound }), false);
});

test('a camera is asked for 720 lines, a chosen one exactly', () => {
  assert.deepEqual(cameraConstraints('abc').deviceId, { exact: 'abc' });
  assert.deepEqual(cameraConstraints('').height, { ideal: 720 });
  assert.equal(cameraConstraints('').deviceId, undefined);
});

test('qualities are those of the picture, highest first as they came', () => {
  const layers = {
    media: {
      0: { active: [{ encodingId: 'a', bitrate: 32_000 }] },
      1: { active: [{ encodingId: '720', width: 1280, height: 720, bitrate: 1_450_000 }, { encodingId: '180', width: 320, height: 180 }] }
    }
  };
  assert.deepEqual(qualitiesOf(layers, '1'), {
    mediaId: '1',
    qualities: [{ id: '720', text: '1280×720 · 1.4 Mbit/s' }, { id: '180', text: '320×180' }]
  });
  assert.deepEqual(qualitiesOf(layers, null), { mediaId: '0', qualities: [{ id: 'a', text: 'a · 32 kbit/s' }] });
  assert.deepEqual(qualitiesOf({}, '1'), { mediaId: '', qualities: [] });
});

test('a chosen quality that pauses stays in the list', () => {
  const list = [{ id: '180', text: '320×180' }];
  assert.equal(withChosen(list, ''), list);
  assert.equal(withChosen(list, '180'), list);
  assert.deepEqual(withChosen(list, '720').map(({ id }) => id), ['180', '720']);
});

test('every refusal has its own words with a next action, and shows the server’s', () => {
  const said = new Set();
  for (const status of [400, 401, 403, 404, 405, 409, 413, 422, 429, 501, 503, 418]) {
    const text = errorText(new StreamError(status, 'because'), CONTEXT);
    assert.match(text, /The server says: “because”$/, String(status));
    said.add(text);
  }
  assert.equal(said.size, 12);
  assert.match(errorText(new StreamError(409), CONTEXT), /“demo”.*Choose another name/);
  assert.doesNotMatch(errorText(new StreamError(409), CONTEXT), /says/);
  assert.match(errorText(new StreamError(0), CONTEXT), /check your network/);
  assert.match(errorText(new TypeError('x'), CONTEXT), /TypeError/);
});

test('words depend on what was tried', () => {
  const of = (status, context) => errorText(new StreamError(status), { ...CONTEXT, ...context });
  assert.equal(of(404, { mode: 'watch' }), '');
  assert.notEqual(of(401, {}), of(401, { hasToken: true }));
  assert.notEqual(of(422, {}), of(422, { mode: 'watch' }));
  assert.notEqual(waitingText('a', 2000, false), waitingText('a', 2000, true));
  assert.match(waitingText('a', 2400, false), /every 2 s/);
  assert.deepEqual([retryText(0), retryText(8000)], ['Trying again now.', 'Trying again in 8 s.']);
  assert.notEqual(stateText('live', 'publish'), stateText('live', 'watch'));
  assert.notEqual(pickScreenText('NotAllowedError'), pickScreenText('NotFoundError'));
});

const STAGE = {
  mode: 'watch', line: 'live', choice: { source: 'camera' }, hasPicture: true, open: true,
  opening: false, hidden: false, hasTracks: true, silent: false, blocked: false, waiting: 'waiting…'
};

test('a picture that plays is left alone', () => {
  assert.deepEqual(stageOf(STAGE), { note: '', button: '' });
  assert.deepEqual(stageOf({ ...STAGE, mode: 'publish' }), { note: '', button: '' });
  assert.deepEqual(stageOf({ ...STAGE, mode: 'publish', line: 'idle' }), { note: '', button: '' });
});

test('what is missing is said where the picture would be', () => {
  const note = (change) => stageOf({ ...STAGE, ...change }).note;
  assert.equal(note({ line: 'waiting' }), 'waiting…');
  assert.equal(note({ line: 'restoring' }), 'waiting…');
  assert.match(note({ silent: true }), /Nothing arrives/);
  assert.match(note({ hasPicture: false }), /first picture/);
  assert.match(note({ mode: 'publish', hidden: true, hasPicture: false }), /picture is off/);
  assert.match(note({ mode: 'publish', hasPicture: false }), /Sound only/);
  assert.equal(note({ mode: 'publish', line: 'retrying' }), 'waiting…');
});

test('a button stands there if only the user can go on', () => {
  const button = (change) => stageOf({ ...STAGE, ...change }).button;
  assert.equal(button({ blocked: true }), 'Play');
  assert.equal(button({ mode: 'publish', open: false }), 'Turn on camera');
  assert.equal(button({ mode: 'publish', open: false, choice: { source: 'screen' } }), 'Choose a screen');
  assert.equal(button({ mode: 'publish', open: false, opening: true }), '');
});
