import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Call, UPDATE_TIMEOUT_MS } from '../phone/call.js';
import { RequestError } from '../phone/client.js';
import { directionFor } from '../phone/leg.js';

const AUDIO = (direction) => `v=0\r\nm=audio 9 X 111\r\na=${direction}\r\n`;
const BOTH = (audio, video = 'sendrecv', port = 9) => `${AUDIO(audio)}m=video ${port} X 96\r\na=${video}\r\n`;
const OFFER = AUDIO('sendrecv');
const ANSWER = AUDIO('sendrecv');

let log, answers, events, timers, unchanged, toneFailed, changes, now, leg, call, camera;

/** Writes down what is done to it. */
function fakeLeg(told) {
  events = told;
  leg = {
    canTone: true,
    fails: '',
    async does(name, ...values) {
      log.push([name, ...values]);
      if (this.fails === name) throw new Error(name);
    },
    async offer(tracks, wish) {
      await this.does('offer', wish);
      return BOTH('sendrecv');
    },
    async answer(sdp, tracks, wish) {
      await this.does('answer', wish);
      return ANSWER;
    },
    takeAnswer: (sdp) => leg.does('takeAnswer', sdp),
    rollback: () => leg.does('rollback'),
    async put(tracks, { silent, video }) {
      await this.does('put', { silent, video });
    },
    tone(digit) {
      log.push(['tone', digit]);
      return this.canTone;
    },
    close: () => log.push(['close'])
  };
  return leg;
}

function newCall(start = {}) {
  call = new Call(
    { id: 's', account: 'alice@example.com', uri: 'bob@example.com', name: '', video: false, offer: '', ...start },
    {
      request: (type, values) => {
        log.push([type, values]);
        return new Promise((resolve, reject) => answers.push({ type, resolve, reject: (detail) => reject(new RequestError('refused', detail)), drop: () => reject(new RequestError('offline')) }));
      },
      createLeg: fakeLeg,
      tracks: () => ({ audio: null, video: camera }),
      onChange: () => (changes += 1),
      onEnd: (ended) => log.push(['end', ended.endedBy, ended.reason]),
      onUnchanged: (_, what, reason) => unchanged.push([what, reason]),
      onToneFailed: (reason) => (toneFailed = reason),
      now: () => now,
      random: () => 0.5,
      setTimer: (run, ms) => timers.push({ run, ms }),
      clearTimer: (id) => timers[id - 1] && (timers[id - 1].run = () => {})
    }
  );
  return call;
}

beforeEach(() => {
  log = [];
  answers = [];
  timers = [];
  unchanged = [];
  toneFailed = '';
  changes = 0;
  now = 1_000;
  camera = {};
});

const tick = () => new Promise((resolve) => setImmediate(resolve));
const did = () => log.map(([name]) => name);
const asked = (type) => log.filter(([name]) => name === type).map(([, values]) => values);
const lastRefuses = (detail) => answers.at(-1).reject(detail);

/** What the server tells of the session, one thing after the other. */
async function told(...states) {
  for (const state of states) {
    const [name, more = {}] = Array.isArray(state) ? state : [state];
    const update = ['received', 'agreed', 'failed'].includes(name);
    call.event({ kind: 'session', session: 's', event: update ? 'update' : 'state', state: name === 'agreed' ? 'accepted' : name, sdp: '', reason: '', code: 0, ...more });
    await tick();
  }
}

async function calling(start) {
  newCall(start).start();
  await tick();
}

async function talking(start) {
  await calling(start);
  await told('progress', ['accepted', { sdp: start?.video ? BOTH('sendrecv') : ANSWER }], 'established');
  log.length = 0;
}

test('an outgoing call: create with the offer, then candidates, then the answer', async () => {
  newCall().start();
  events.onCandidate({ candidate: 'early' });
  assert.deepEqual(asked('session-trickle'), []);
  await tick();
  events.onCandidate({ candidate: 'later' });
  events.onCandidate(null);
  assert.deepEqual(did(), ['offer', 'session-create', 'session-trickle', 'session-trickle', 'session-trickle']);
  assert.deepEqual(asked('session-create'), [{ session: 's', account: 'alice@example.com', uri: 'bob@example.com', sdp: BOTH('sendrecv') }]);
  assert.deepEqual(asked('session-trickle').map(({ candidates }) => candidates), [[{ candidate: 'early' }], [{ candidate: 'later' }], []]);
  await told('progress');
  call.hold(true);
  assert.deepEqual([call.phase, call.held, call.heldByThem], ['calling', false, false]);
  await told('ringing', ['proceeding', { code: 180 }]);
  assert.deepEqual([call.phase, call.code], ['ringing', 180]);
  now = 5_000;
  await told(['accepted', { sdp: ANSWER }]);
  assert.deepEqual([call.phase, call.startedAt], ['active', 5_000]);
  assert.deepEqual(log.at(-1), ['takeAnswer', ANSWER]);
  await told('established', ['terminated', { reason: '200 OK' }]);
  assert.deepEqual([call.phase, call.endedBy, call.reason], ['ended', 'them', '200 OK']);
  assert.deepEqual(did().slice(-2), ['close', 'end']);
});

test('early media: heard before the answer, whose description is not needed any more', async () => {
  for (const late of [{}, { sdp: ANSWER }]) {
    log.length = 0;
    await calling();
    await told('progress', 'ringing', ['early-media', { sdp: ANSWER }]);
    assert.equal(call.phase, 'early');
    await told('established', 'ringing', ['early-media', { sdp: AUDIO('inactive') }]);
    assert.deepEqual([call.phase, call.startedAt], ['early', 0]);
    await told(['accepted', late]);
    assert.equal(call.phase, 'active');
    assert.ok(asked('takeAnswer').every((sdp) => sdp === ANSWER), 'the first one holds');
  }
});

test('an announcement that does not listen is no hold, an answer that does not is one', async () => {
  await calling();
  await told(['early-media', { sdp: AUDIO('sendonly') }], 'accepted');
  assert.deepEqual([call.phase, call.heldByThem], ['active', false]);
  await calling();
  await told(['accepted', { sdp: AUDIO('sendonly') }]);
  assert.equal(call.heldByThem, true);
});

test('ringing never comes after an answer, and other progress keeps the state', async () => {
  await calling();
  await told(['proceeding', { code: 183 }], ['proceeding', { code: 182 }]);
  assert.deepEqual([call.phase, call.code], ['calling', 182]);
  await told(['accepted', { sdp: ANSWER }], 'ringing', ['accepted', { sdp: ANSWER }]);
  assert.equal(call.phase, 'active');
  assert.equal(asked('takeAnswer').length, 1);
});

test('accepted without any description cannot be heard, so it is no call', async () => {
  await calling();
  await told('accepted');
  assert.deepEqual([call.phase, call.endedBy], ['ended', 'browser']);
  assert.equal(asked('session-terminate').length, 1);
});

test('an incoming call: nothing until the user answers, then answer, candidates, accepted', async () => {
  newCall({ offer: OFFER });
  assert.deepEqual([call.phase, call.outgoing, call.offersVideo], ['incoming', false, false]);
  call.answer(false);
  assert.deepEqual([call.phase, log], ['answering', []]);
  call.accept();
  events.onCandidate({ candidate: 'c' });
  await tick();
  assert.deepEqual(did(), ['answer', 'session-answer', 'session-trickle']);
  await told('accepted', 'established');
  assert.equal(call.phase, 'active');
  assert.equal(asked('takeAnswer').length, 0);
});

test('a picture is answered only if it was offered and wanted', async () => {
  for (const [offer, wanted, sent] of [[BOTH('sendrecv'), true, true], [BOTH('sendrecv'), false, false], [OFFER, true, false]]) {
    newCall({ offer }).answer(wanted);
    call.accept();
    await tick();
    assert.equal(log.findLast(([name]) => name === 'answer')[1].video, sent);
  }
});

test('without a camera there is no picture to speak of', async () => {
  camera = null;
  await calling({ video: true });
  assert.deepEqual([call.video, log[0][1].video], [false, false]);
  newCall({ offer: BOTH('sendrecv') }).answer(true);
  call.accept();
  await tick();
  assert.deepEqual([call.video, log.at(-2)[1].video], [false, false]);
});

test('hanging up: declined, cancelled or ended, each once, and nothing after it', async () => {
  newCall({ offer: OFFER }).hangUp();
  assert.deepEqual(did(), ['session-terminate', 'end']);
  await calling();
  call.hangUp();
  call.hangUp();
  assert.equal(asked('session-terminate').length, 2);
  await told('ringing', ['terminated', { reason: '487 x' }]);
  assert.deepEqual([call.phase, call.endedBy, call.reason], ['ended', 'us', '']);
  call.answer(true);
  call.hold(true);
  assert.equal(call.tone('1', 'info'), '');
});

test('hanging up before anything was sent tells the server nothing', async () => {
  newCall().hangUp();
  call.start();
  await tick();
  assert.deepEqual(did(), ['end']);
});

test('hanging up while the offer is made sends no call', async () => {
  newCall().start();
  call.hangUp();
  await tick();
  assert.deepEqual(asked('session-create'), []);
});

test('a caller who gives up while the devices open is not answered', async () => {
  newCall({ offer: OFFER }).answer(false);
  await told(['terminated', { reason: '487 Request Terminated' }]);
  call.accept();
  await tick();
  assert.deepEqual(did(), ['end']);
});

test('a refused request ends the call with the server’s words, one lost with the line does not', async () => {
  await calling();
  answers.find(({ type }) => type === 'session-create').reject('DNS lookup error: x');
  await tick();
  assert.deepEqual(log.at(-1), ['end', 'refused', 'DNS lookup error: x']);
  newCall({ offer: OFFER }).answer(false);
  call.accept();
  await tick();
  answers.at(-1).drop();
  await tick();
  assert.equal(call.phase, 'answering');
  call.lose();
  assert.equal(call.endedBy, 'lost');
});

test('a refused candidate is no reason to end', async () => {
  await calling();
  events.onCandidate({ candidate: 'c' });
  lastRefuses('Unknown session s');
  await tick();
  assert.equal(call.phase, 'calling');
});

test('media that fails ends the call at both sides', async () => {
  await talking();
  events.onFailed(true);
  assert.deepEqual(did(), ['session-terminate', 'close', 'end']);
  assert.deepEqual([call.endedBy, call.reason], ['network', 'ICE failed']);
  await calling();
  leg.fails = 'takeAnswer';
  await told(['accepted', { sdp: 'nonsense' }]);
  assert.deepEqual([call.endedBy, asked('session-terminate').length], ['browser', 2]);
});

test('hold: silent at once, told by an update, and undone by another', async () => {
  await talking();
  call.hold(true);
  await tick();
  assert.deepEqual(log[0], ['put', { silent: true, video: false }]);
  assert.deepEqual(log[1], ['offer', { held: true, video: false, silent: true, heldByThem: false }]);
  assert.deepEqual(did().slice(2), ['session-update']);
  assert.ok(call.changing);
  await told(['agreed', { sdp: AUDIO('recvonly') }]);
  assert.deepEqual([call.held, call.heldByThem, call.changing, unchanged], [true, false, false, []]);
  call.hold(true);
  await tick();
  assert.equal(asked('session-update').length, 1, 'once is enough');
  log.length = 0;
  call.hold(false);
  await tick();
  assert.deepEqual(log.find(([name]) => name === 'offer')[1], { held: false, video: false, silent: false, heldByThem: false });
  await told(['agreed', { sdp: ANSWER }]);
  assert.equal(asked('session-update').length, 1);
});

test('hold, resume and hold again in a hurry: told once what holds in the end', async () => {
  await talking();
  call.hold(true);
  await tick();
  call.hold(false);
  call.hold(true);
  await told(['agreed', { sdp: AUDIO('recvonly') }]);
  assert.equal(asked('session-update').length, 1);
  call.hold(false);
  await tick();
  call.hold(true);
  await told(['agreed', { sdp: ANSWER }]);
  assert.deepEqual(asked('offer').map(({ held }) => held), [true, false, true]);
});

test('a call that is held before its media is up is told so afterwards', async () => {
  await calling();
  await told(['accepted', { sdp: ANSWER }]);
  call.hold(true);
  await tick();
  assert.equal(asked('session-update').length, 0);
  await told('established');
  assert.equal(asked('session-update').length, 1);
});

test('one that is held while it is being answered is silent from the start', async () => {
  newCall({ offer: OFFER }).answer(false);
  call.hold(true);
  call.accept();
  await tick();
  assert.deepEqual(asked('answer'), [{ held: false, video: false, silent: true, heldByThem: false }]);
  await told('accepted', 'established');
  assert.equal(asked('session-update').length, 1);
});

test('a refused hold stays silent, is told to the user, and is not tried again by itself', async () => {
  await talking();
  call.hold(true);
  await told(['failed', { reason: '488 Not Acceptable Here' }]);
  assert.deepEqual([call.held, unchanged], [true, [['hold', '488 Not Acceptable Here']]]);
  assert.equal(asked('session-update').length, 1);
  assert.ok(did().includes('rollback'));
  call.hold(false);
  await tick();
  assert.equal(asked('session-update').length, 1, 'they believe so already');
  assert.deepEqual(log.at(-1), ['put', { silent: false, video: false }]);
});

test('an update that nobody answers is given up', async () => {
  await talking();
  call.hold(true);
  await tick();
  timers.find(({ ms }) => ms === UPDATE_TIMEOUT_MS).run();
  await tick();
  assert.deepEqual(unchanged, [['hold', '408 Request Timeout']]);
});

test('491: both changed the call at once, so it is tried again after a while, not for ever', async () => {
  await talking();
  call.hold(true);
  for (const last of [false, false, true]) {
    await told(['failed', { reason: '491 Request Pending' }]);
    assert.equal(unchanged.length, last ? 1 : 0);
    if (!last) timers.at(-1).run();
    await tick();
  }
  assert.equal(timers.filter(({ ms }) => ms === 3_050).length, 2);
  assert.equal(asked('session-update').length, 3);
});

test('who was called waits less after a 491', async () => {
  newCall({ offer: OFFER }).answer(false);
  call.accept();
  await tick();
  await told('accepted', 'established');
  call.hold(true);
  await tick();
  lastRefuses('Invalid state for updating session s: local-updating');
  await tick();
  assert.equal(timers.at(-1).ms, 1_000);
});

test('the other side holds, by its answer or by a change', async () => {
  await talking();
  await told(['received', { sdp: AUDIO('sendonly') }]);
  assert.deepEqual([call.heldByThem, call.held], [true, false]);
  assert.deepEqual(did(), ['answer', 'session-update']);
  call.hold(true);
  await tick();
  assert.equal(log.at(-2)[1].heldByThem, true);
  await told(['agreed', { sdp: AUDIO('inactive') }]);
  assert.equal(call.heldByThem, true);
  await told(['received', { sdp: AUDIO('sendrecv') }]);
  assert.equal(call.heldByThem, false);
});

test('both change the call at once: our offer is taken back, theirs is answered, ours follows', async () => {
  await talking();
  call.hold(true);
  await tick();
  log.length = 0;
  await told(['received', { sdp: BOTH('sendrecv') }]);
  assert.deepEqual(did(), ['rollback', 'answer', 'session-update', 'offer', 'session-update']);
  assert.deepEqual([log[1][1].held, log[1][1].silent], [false, true], 'told the old state, still silent');
  assert.equal(log[3][1].held, true);
  // The first one’s refusal comes late and is not about the second.
  answers.filter(({ type }) => type === 'session-update')[0].reject('Invalid state for updating session s: remote-updating');
  await tick();
  assert.ok(call.changing);
  await told(['agreed', { sdp: AUDIO('recvonly') }]);
  assert.ok(!call.changing);
});

test('video is added, or refused by the answer or by a code', async () => {
  await talking();
  call.addVideo();
  await told(['agreed', { sdp: BOTH('sendrecv') }]);
  assert.deepEqual([call.video, unchanged], [true, []]);
  await talking();
  call.addVideo();
  await told(['agreed', { sdp: BOTH('sendrecv', 'inactive', 0) }]);
  assert.deepEqual([call.video, unchanged], [false, [['video', '']]]);
  await talking();
  call.addVideo();
  await told(['failed', { reason: '488 No' }]);
  assert.deepEqual([call.video, unchanged.at(-1)], [false, ['video', '488 No']]);
  await tick();
  assert.equal(asked('session-update').length, 1);
});

test('a video call to a telephone becomes one without', async () => {
  await talking({ video: true });
  assert.deepEqual([call.video, unchanged], [true, []]);
  await calling({ video: true });
  await told(['accepted', { sdp: ANSWER }], 'established');
  assert.deepEqual([call.video, unchanged], [false, [['video', '']]]);
  assert.equal(asked('session-update').length, 0);
});

test('tones: by INFO, in band where it was negotiated, and never on hold', async () => {
  await talking();
  assert.equal(call.tone('5', 'info'), 'info');
  assert.deepEqual(asked('session-dtmf-info'), [{ session: 's', digit: '5', duration: 160 }]);
  assert.equal(call.tone('#', 'rfc4733'), 'rfc4733');
  assert.deepEqual(log.at(-1), ['tone', '#']);
  leg.canTone = false;
  assert.equal(call.tone('9', 'rfc4733'), 'info');
  lastRefuses('Invalid state');
  await tick();
  assert.equal(toneFailed, 'Invalid state');
  call.hold(true);
  assert.equal(call.tone('1', 'info'), '');
  await calling();
  assert.equal(call.tone('1', 'info'), '', 'nobody listens yet');
  await told(['early-media', { sdp: ANSWER }]);
  assert.equal(call.tone('1', 'info'), 'info', 'menus answer before they accept');
});

test('directions of hold', () => {
  const of = (kind, wish, hasTrack = true) => directionFor(kind, { held: false, silent: false, heldByThem: false, video: true, ...wish }, hasTrack);
  assert.equal(of('audio', {}), 'sendrecv');
  assert.equal(of('audio', {}, false), 'sendrecv');
  assert.equal(of('audio', { held: true }), 'sendonly');
  assert.equal(of('audio', { held: true, heldByThem: true }), 'inactive');
  assert.equal(of('video', {}), 'sendrecv');
  assert.equal(of('video', {}, false), 'recvonly');
  assert.equal(of('video', { video: false }), 'recvonly');
  assert.equal(of('video', { held: true }), 'inactive');
});
