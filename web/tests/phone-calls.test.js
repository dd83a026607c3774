import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Calls, MOST_CALLS, outcomeOf } from '../phone/calls.js';
import { KEY, MOST, createHistory } from '../phone/history.js';
import { carefully, createMemory } from '../phone/memory.js';
import { DIGITS, PATTERNS, pitchesOf, toneOf } from '../phone/tones.js';

const SDP = 'v=0\r\nm=audio 9 X 111\r\na=sendrecv\r\n';
const ME = 'alice@example.com';

function fakeStorage(content = {}) {
  const map = new Map(Object.entries(content));
  return {
    map,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => map.set(key, value),
    removeItem: (key) => map.delete(key)
  };
}

let calls, sent, wanted, open, closed, now, history, ended, camera;

beforeEach(() => {
  sent = [];
  wanted = [];
  open = Promise.resolve();
  closed = 0;
  now = 1_000;
  ended = [];
  camera = true;
  history = createHistory(fakeStorage());
  calls = new Calls({
    call: {
      request: async (type, values) => void sent.push([type, values.session]),
      createLeg: () => ({
        offer: async () => SDP,
        answer: async () => SDP,
        takeAnswer: async () => {},
        rollback: async () => {},
        put: async () => {},
        tone: () => false,
        close: () => {}
      }),
      now: () => now,
      random: () => 0,
      setTimer: () => 0,
      clearTimer: () => {},
      onUnchanged: () => {},
      onToneFailed: () => {}
    },
    devices: {
      tracks: () => ({ audio: null, video: camera ? {} : null }),
      ensure: (kinds) => {
        wanted.push(kinds);
        return open;
      },
      close: () => (closed += 1)
    },
    history,
    onChange: () => {},
    onEnded: (call) => ended.push(call.uri)
  });
});

const tick = () => new Promise((resolve) => setImmediate(resolve));
const state = (session, name, more = {}) => calls.event({ kind: 'session', session, event: 'state', state: name, sdp: '', reason: '', code: 0, ...more });
const ring = (session, uri = `${session}@example.com`) => calls.ring({ kind: 'incoming', account: ME, session, from: { uri, name: '' }, sdp: SDP });
const phases = () => calls.list.map(({ uri, phase, held }) => `${uri.split('@')[0]} ${phase}${held ? ' held' : ''}`);
const terminated = () => sent.filter(([type]) => type === 'session-terminate').map(([, session]) => session);

async function talk(uri = 'bob@example.com') {
  await calls.dial(ME, uri, false);
  await tick();
  const { id } = calls.current;
  state(id, 'accepted', { sdp: SDP });
  state(id, 'established');
  await tick();
  return id;
}

async function take(session) {
  ring(session);
  await calls.answer(calls.incoming, false);
  await tick();
  state(session, 'accepted');
  state(session, 'established');
  await tick();
}

test('dialling: devices first, then the call', async () => {
  let grant;
  open = new Promise((resolve) => (grant = resolve));
  void calls.dial(ME, 'bob@example.com', true);
  await tick();
  assert.deepEqual([wanted, sent, phases()], [[{ audio: true, video: true }], [], ['bob preparing']]);
  grant();
  await tick();
  assert.deepEqual(sent.map(([type]) => type), ['session-create']);
  assert.equal(calls.current.uri, 'bob@example.com');
});

test('a second call: the first is held while the second is answered, and they can be swapped', async () => {
  const bob = await talk();
  ring('carol');
  assert.equal(calls.current.id, bob, 'ringing changes nothing');
  await calls.answer(calls.incoming, false);
  await tick();
  assert.deepEqual(phases(), ['bob active held', 'carol answering']);
  assert.ok(sent.some(([type, session]) => type === 'session-update' && session === bob));
  state('carol', 'accepted');
  calls.switchTo(calls.list[0]);
  assert.deepEqual([phases(), calls.current.id], [['bob active', 'carol active held'], bob]);
  // Ending the one leads to the other, which waits until the user comes back to it.
  calls.current.hangUp();
  assert.deepEqual([phases(), calls.current.id], [['carol active held'], 'carol']);
  calls.switchTo(calls.current);
  assert.deepEqual(phases(), ['carol active']);
});

test('declining the second leaves the first alone', async () => {
  const bob = await talk();
  ring('carol');
  calls.incoming.hangUp();
  assert.deepEqual([phases(), calls.current.id, terminated()], [['bob active'], bob, ['carol']]);
});

test('a call that nobody has answered cannot be held: it gives way', async () => {
  await calls.dial(ME, 'bob@example.com', false);
  await tick();
  const bob = calls.current.id;
  ring('carol');
  await calls.answer(calls.incoming, false);
  assert.deepEqual([phases(), terminated()], [['carol answering'], [bob]]);
  for (const [name, more] of [['ringing'], ['early-media', { sdp: SDP }]]) {
    await calls.dial(ME, 'dave@example.com', false);
    await tick();
    state(calls.current.id, name, more);
    await calls.dial(ME, 'erin@example.com', false);
    assert.deepEqual(phases(), ['carol answering held', 'erin preparing'], name);
    calls.current.hangUp();
  }
});

test('one that is just being answered is held instead', async () => {
  ring('carol');
  await calls.answer(calls.incoming, false);
  ring('dave');
  await calls.answer(calls.incoming, false);
  assert.deepEqual(phases(), ['carol answering held', 'dave answering']);
});

test('two who call each other get one call', async () => {
  await calls.dial(ME, 'bob@example.com', false);
  await tick();
  const mine = calls.current.id;
  ring('theirs', 'bob@Example.com');
  await calls.answer(calls.incoming, false);
  assert.deepEqual([phases(), terminated(), calls.current.id], [['bob answering'], [mine], 'theirs']);
});

test('who rang first is answered first', () => {
  ring('carol');
  ring('dave');
  ring('carol');
  assert.deepEqual(phases(), ['carol incoming', 'dave incoming']);
  assert.equal(calls.incoming.id, 'carol');
});

test('dialling during a call holds it', async () => {
  await talk();
  await calls.dial(ME, 'dave@example.com', false);
  assert.deepEqual(phases(), ['bob active held', 'dave preparing']);
  calls.hold();
  assert.deepEqual(phases(), ['bob active held']);
});

test('there is an end to calls', async () => {
  for (let index = 0; index < MOST_CALLS; index += 1) ring(`c${index}`);
  ring('one-more');
  assert.deepEqual([calls.list.length, terminated()], [MOST_CALLS, ['one-more']]);
  assert.equal(await calls.dial(ME, 'bob@example.com', false), false);
});

test('devices are closed with the last call, not with one that only rang', async () => {
  await talk();
  ring('carol');
  calls.incoming.hangUp();
  assert.equal(closed, 0);
  calls.hangUpAll();
  assert.deepEqual([closed, calls.current], [1, null]);
});

test('video is added only with a camera', async () => {
  await talk();
  camera = false;
  await calls.addVideo(calls.current);
  assert.equal(calls.current.video, false);
  camera = true;
  await calls.addVideo(calls.current);
  assert.equal(calls.current.video, true);
});

test('with the line all calls are lost, and each is told', async () => {
  await talk();
  ring('carol');
  assert.equal(calls.incoming.video, false);
  calls.lose();
  assert.deepEqual([calls.list, ended], [[], ['bob@example.com', 'carol@example.com']]);
  assert.deepEqual(history.of(ME).map(({ outcome, seen }) => [outcome, seen]), [['missed', false], ['answered', true]]);
});

test('which tone: ring, a second call, ringback, and silence as soon as they are heard', async () => {
  assert.equal(toneOf(calls), '');
  ring('carol');
  assert.equal(toneOf(calls), 'ring');
  calls.incoming.hangUp();
  await calls.dial(ME, 'bob@example.com', false);
  await tick();
  assert.equal(toneOf(calls), '');
  state(calls.current.id, 'ringing');
  assert.equal(toneOf(calls), 'ringback');
  ring('dave');
  assert.equal(toneOf(calls), 'waiting');
  calls.incoming.hangUp();
  state(calls.current.id, 'early-media', { sdp: SDP });
  assert.equal(toneOf(calls), '');
});

test('tones are built so that each ends before it starts again', () => {
  for (const { beeps, period } of Object.values(PATTERNS)) for (const { at, lasts } of beeps) assert.ok(at + lasts < period);
  assert.deepEqual(pitchesOf('1'), [697, 1209]);
  assert.deepEqual(pitchesOf('#'), [941, 1477]);
  assert.deepEqual(['5', '9'].map(pitchesOf), [[770, 1336], [852, 1477]]);
  assert.deepEqual(pitchesOf('d'), [941, 1633]);
  assert.equal(new Set([...DIGITS].map((digit) => pitchesOf(digit).join())).size, 16);
  for (const none of ['', 'x', '12', ' ']) assert.deepEqual(pitchesOf(none), []);
});

test('what became of a call', () => {
  const of = (call) => outcomeOf({ outgoing: true, startedAt: 0, endedBy: 'them', reason: '', ...call });
  assert.equal(of({ startedAt: 5, reason: '408 x' }), 'answered');
  for (const code of [408, 480, 486, 487, 600, 603]) assert.equal(of({ reason: `${code} x` }), 'unanswered', String(code));
  assert.equal(of({ reason: '404 Not Found' }), 'failed');
  assert.equal(of({ endedBy: 'us' }), 'unanswered');
  assert.equal(of({ outgoing: false, endedBy: 'us' }), 'declined');
  assert.equal(of({ outgoing: false, reason: '487 x' }), 'unanswered');
  assert.equal(of({ outgoing: false, reason: '200 Call completed elsewhere' }), 'elsewhere');
  assert.equal(of({ outgoing: false, endedBy: 'lost' }), 'missed');
  assert.equal(of({ outgoing: false, endedBy: 'browser' }), 'failed');
});

test('calls are written down: how long, and that a picture was there', async () => {
  now = 10_000;
  const bob = await talk();
  await calls.addVideo(calls.current);
  now = 75_400;
  state(bob, 'terminated', { reason: '200 OK' });
  assert.deepEqual(history.of(ME), [
    { account: ME, uri: 'bob@example.com', name: '', outgoing: true, video: true, at: 10_000, seconds: 65, outcome: 'answered', seen: true }
  ]);
  assert.equal(history.redial(ME), 'bob@example.com');
  assert.equal(history.redial('carol@example.com'), '');
});

test('a missed call is one call, whether the server tells its end first or only that it was missed', async () => {
  ring('carol');
  now = 61_000;
  state('carol', 'terminated', { reason: '487 Request Terminated' });
  history.missed(ME, { uri: 'carol@Example.com', name: 'Carol' }, 61_500);
  assert.deepEqual(history.of(ME).map(({ uri, outcome, seen }) => [uri, outcome, seen]), [['carol@example.com', 'missed', false]]);
  history.missed(ME, { uri: 'carol@example.com', name: '' }, 62_000);
  assert.equal(history.of(ME).length, 2, 'a third call that the server turned away');
  assert.deepEqual(history.of(ME)[0], { account: ME, uri: 'carol@example.com', name: '', outgoing: false, video: false, at: 62_000, seconds: 0, outcome: 'missed', seen: false });
  ring('dave');
  state('dave', 'terminated', { reason: '487 x' });
  history.missed(ME, { uri: 'dave@example.com', name: '' }, now + 11_000);
  assert.equal(history.of(ME).length, 4);
  history.see('other@example.com');
  assert.ok(history.of(ME).some(({ seen }) => !seen));
  history.see(ME);
  assert.ok(history.of(ME).every(({ seen }) => seen));
});

const entry = (more) => ({ account: ME, uri: 'b@x', name: '', outgoing: true, video: false, at: 1, seconds: 0, outcome: 'answered', seen: true, ...more });

test('the history is bounded, kept, cleared per account, and survives nonsense', () => {
  const storage = fakeStorage();
  const kept = createHistory(storage);
  for (let index = 0; index < MOST + 5; index += 1) kept.add(entry({ at: index }), index);
  assert.equal(kept.of(ME).length, MOST);
  assert.equal(kept.of(ME)[0].at, MOST + 4);
  const otherTab = createHistory(storage);
  otherTab.add(entry({ account: 'third@x' }), 0);
  kept.add(entry({ account: 'other@x' }), 0);
  assert.equal(kept.of('third@x').length, 1, 'another tab wrote, too');
  otherTab.refresh();
  assert.equal(otherTab.of('other@x').length, 1);
  kept.clear(ME);
  assert.deepEqual([createHistory(storage).of(ME).length, createHistory(storage).of('other@x').length], [0, 1]);
  for (const text of ['{', '5', 'null', '{"a":1}']) assert.deepEqual(createHistory(fakeStorage({ [KEY]: text })).of(ME), [], text);
  const odd = [entry(), null, 'x', entry({ outcome: 'odd' }), entry({ at: 'now' }), entry({ uri: 5 }), entry({ seen: undefined })];
  assert.equal(createHistory(fakeStorage({ [KEY]: JSON.stringify(odd) })).of(ME).length, 1);
  const all = ['answered', 'missed', 'declined', 'unanswered', 'failed', 'elsewhere'].map((outcome) => entry({ outcome }));
  assert.equal(createHistory(fakeStorage({ [KEY]: JSON.stringify(all) })).of(ME).length, all.length);
  const seen = fakeStorage({ [KEY]: JSON.stringify([entry({ seen: false })]) });
  createHistory(seen).see(ME);
  assert.equal(createHistory(seen).of(ME)[0].seen, true);
});

test('a browser that refuses storage still has a history', () => {
  const refuse = () => {
    throw new Error('refused');
  };
  const storage = createHistory(carefully(refuse));
  storage.add(entry(), 0);
  assert.equal(storage.of(ME).length, 1);
  const refusing = createHistory({ getItem: refuse, setItem: refuse });
  refusing.add(entry(), 0);
  assert.equal(refusing.of(ME).length, 1);
});

const IDENTITY = { address: ME, domain: 'example.com', ha1: 'a'.repeat(32), name: 'Alice' };

test('the account is kept for the tab, or for good; never with more than its HA1', () => {
  const [tab, lasting] = [fakeStorage(), fakeStorage()];
  const memory = createMemory(tab, lasting);
  assert.equal(memory.account(), null);
  memory.keep({ ...IDENTITY, password: 'secret' }, false);
  assert.deepEqual([lasting.map.size, memory.account()], [0, { identity: IDENTITY, remembered: false }]);
  assert.ok(![...tab.map.values()].some((text) => text.includes('secret')));
  memory.keep(IDENTITY, true);
  assert.deepEqual(createMemory(fakeStorage(), lasting).account(), { identity: IDENTITY, remembered: true });
  memory.keep(IDENTITY, false);
  assert.equal(lasting.map.size, 0);
  memory.keep(IDENTITY, true);
  memory.forget();
  assert.deepEqual([tab.map.size, lasting.map.size], [0, 0]);
  for (const odd of ['{', '5', JSON.stringify({ ...IDENTITY, ha1: 'secret' }), JSON.stringify({ ...IDENTITY, address: 'alice' })]) {
    assert.equal(createMemory(fakeStorage({ 'patchbay.phone.account': odd }), fakeStorage()).account(), null, odd);
  }
});

test('settings are kept, and have defaults', () => {
  const lasting = fakeStorage();
  const memory = createMemory(fakeStorage(), lasting);
  assert.deepEqual(memory.settings(), { tones: 'info', microphone: '', camera: '', speaker: '', notify: false });
  memory.keepSettings({ tones: 'rfc4733', microphone: 'm', camera: 'c', speaker: 's', notify: true });
  assert.deepEqual(createMemory(fakeStorage(), lasting).settings(), { tones: 'rfc4733', microphone: 'm', camera: 'c', speaker: 's', notify: true });
  lasting.map.set('patchbay.phone.settings', '{"tones":"odd","microphone":5,"notify":"yes"}');
  assert.deepEqual(memory.settings(), { tones: 'info', microphone: '', camera: '', speaker: '', notify: false });
});
