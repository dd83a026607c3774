import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { signalingUrl } from '../app.config.js';
import { ANSWER_TIMEOUT_MS, SidClient } from '../sid/client.js';
import { endpointFrom, isValidId, noticeText, readMessage } from '../sid/protocol.js';
import { endedText, errorText, retryText } from '../sid/texts.js';

class FakeSocket {
  readyState = 0;
  sent = [];
  closed = false;
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  receive(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }
  lose() {
    this.readyState = 3;
    this.onclose?.();
  }
}

const OFFER = { type: 'offer', sdp: 'v=0\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const S = '00112233';

let sockets, timers, log, client;

beforeEach(() => {
  sockets = [];
  timers = new Map();
  log = [];
  let nextTimer = 1;
  const note = (name) => (...values) => log.push([name, ...values.map((value) => structuredClone(value))]);
  const names = ['onPhase', 'onClients', 'onSession', 'onCall', 'onAccept', 'onCandidate', 'onEnded', 'onNotify', 'onError', 'onRetry'];
  client = new SidClient(Object.fromEntries(names.map((name) => [name, note(name)])), {
    createSocket: () => {
      sockets.push(new FakeSocket());
      return sockets.at(-1);
    },
    setTimer: (run, ms) => {
      timers.set(nextTimer, { run, ms });
      return nextTimer++;
    },
    clearTimer: (timer) => timers.delete(timer)
  });
});

/** Lets the one timer of this length run out. */
function elapse(ms) {
  const [id, timer] = [...timers].find(([, item]) => item.ms === ms);
  timers.delete(id);
  timer.run();
}

function registered(id = 'me') {
  client.register(id);
  sockets.at(-1).open();
  sockets.at(-1).receive({ cmd: 'sId', sId: id });
  log.length = 0;
  return sockets.at(-1);
}

/** In a session that we asked for. */
function asked(opponent = 'bob') {
  const socket = registered();
  client.call(opponent);
  socket.receive({ cmd: 'session', sessionId: S }, { cmd: 'ssu', sessionId: S, state: 1 });
  log.length = 0;
  return socket;
}

const events = () => log.map(([name]) => name);
const ended = () => log.filter(([name]) => name === 'onEnded').map(([, { opponent }, why]) => [opponent, why]);

test('registering: the name goes out first, the list comes back', () => {
  client.register('me');
  assert.deepEqual(sockets[0].sent, []);
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, [{ cmd: 'sId', sId: 'me' }]);
  sockets[0].receive({ cmd: 'sId', sId: 'me' }, { cmd: 'clu', list: [{ state: 1, sId: 'me' }, { state: 2, sId: 'bob' }] });
  assert.deepEqual(log, [
    ['onPhase', 'connecting'],
    ['onPhase', 'joined'],
    ['onClients', [{ sId: 'me', busy: false }, { sId: 'bob', busy: true }]]
  ]);
  assert.equal(timers.size, 0);
});

test('the name is the one the server answers: it trims, and writes numbers as text', () => {
  client.register(' 17 ');
  sockets[0].open();
  sockets[0].receive({ cmd: 'sId', sId: '17' });
  assert.equal(client.id, '17');
});

test('a taken name is final at the first attempt', () => {
  client.register('me');
  sockets[0].open();
  sockets[0].receive({ cmd: 'error', code: 9102 });
  assert.deepEqual(log.slice(1), [['onPhase', 'idle'], ['onError', 9102, 'me']]);
  assert.ok(sockets[0].closed);
  assert.equal(timers.size, 0);
});

test('a lost line: again after 1, 2, 4, 8, 8 s under the same name, reset by success', () => {
  registered();
  for (const delay of [1000, 2000, 4000, 8000, 8000]) {
    sockets.at(-1).lose();
    assert.deepEqual(log.at(-1), ['onRetry', delay, 'lost']);
    elapse(delay);
  }
  sockets.at(-1).open();
  assert.deepEqual(sockets.at(-1).sent, [{ cmd: 'sId', sId: 'me' }]);
  sockets.at(-1).receive({ cmd: 'sId', sId: 'me' });
  assert.equal(client.phase, 'joined');
  sockets.at(-1).lose();
  assert.deepEqual(log.at(-1), ['onRetry', 1000, 'lost']);
});

test('when coming back, a taken name is our own dead line: it is tried again', () => {
  registered().lose();
  elapse(1000);
  sockets[1].open();
  sockets[1].receive({ cmd: 'error', code: 9102 });
  assert.deepEqual(log.at(-1), ['onRetry', 2000, 'taken']);
  assert.ok(sockets[1].closed);
});

test('a server that accepts but never answers is given up', () => {
  client.register('me');
  sockets[0].open();
  elapse(ANSWER_TIMEOUT_MS);
  assert.deepEqual(log.at(-1), ['onRetry', 1000, 'lost']);
});

test('leaving stops everything, also while waiting for the next attempt', () => {
  registered().lose();
  client.leave();
  assert.equal(timers.size, 0);
  assert.equal(client.phase, 'idle');
  assert.deepEqual(log.at(-1), ['onPhase', 'idle']);
});

test('a call by us: session, call, candidates, accept, stop', () => {
  const socket = registered();
  assert.ok(client.call('bob'));
  assert.equal(client.call('carol'), false, 'one at a time');
  assert.equal(client.offer(OFFER), false, 'no session yet');
  socket.receive({ cmd: 'session', sessionId: S });
  assert.deepEqual(log, [['onSession', { id: S, opponent: 'bob', outgoing: true, state: 1 }]]);
  client.offer(OFFER);
  client.candidate({ candidate: 'c', sdpMid: '0' });
  client.candidate(null);
  socket.receive({ cmd: 'accept', sessionId: S, opponentId: 'bob', answer: ANSWER });
  assert.deepEqual(log.at(-1).slice(2), [ANSWER]);
  client.stop();
  assert.equal(client.session, null);
  assert.deepEqual(socket.sent.slice(1), [
    { cmd: 'session', opponentId: 'bob' },
    { cmd: 'call', sessionId: S, offer: OFFER },
    { cmd: 'icecandidate', sessionId: S, icecandidate: { candidate: 'c', sdpMid: '0' } },
    { cmd: 'icecandidate', sessionId: S, icecandidate: null },
    { cmd: 'stop', sessionId: S }
  ]);
  log.length = 0;
  socket.receive({ cmd: 'ssu', sessionId: S, state: 4 }, { cmd: 'error', code: 9204 });
  assert.deepEqual(log, [], 'what the server says about our own stop is no news');
});

test('a call to us: the id comes with ssu, the caller with call', () => {
  const socket = registered();
  socket.receive({ cmd: 'ssu', sessionId: S, state: 1 });
  assert.deepEqual(log.at(-1), ['onSession', { id: S, opponent: '', outgoing: false, state: 1 }]);
  socket.receive({ cmd: 'call', sessionId: S, opponentId: 'bob', offer: OFFER }, { cmd: 'ssu', sessionId: S, state: 2 });
  assert.deepEqual(log[1], ['onCall', { id: S, opponent: 'bob', outgoing: false, state: 1 }, OFFER]);
  client.answer(ANSWER);
  assert.deepEqual(socket.sent.at(-1), { cmd: 'accept', sessionId: S, answer: ANSWER });
});

test('a call to us is rejected', () => {
  const socket = registered();
  socket.receive({ cmd: 'ssu', sessionId: S, state: 1 });
  client.reject();
  assert.deepEqual(socket.sent.at(-1), { cmd: 'reject', sessionId: S });
  assert.equal(client.session, null);
});

test('every end of a session says why, and says it once', () => {
  for (const why of ['stop', 'reject', 'leave']) {
    const socket = asked();
    socket.receive({ cmd: why, sessionId: S, opponentId: 'bob' }, { cmd: 'ssu', sessionId: S, state: 4 });
    assert.deepEqual(ended(), [['bob', why]], why);
    assert.equal(client.session, null);
    client.leave();
  }
  asked().receive({ cmd: 'ssu', sessionId: S, state: 4 });
  assert.deepEqual(ended(), [['bob', 'closed']]);
  client.leave();
  asked().lose();
  assert.deepEqual(ended(), [['bob', 'lost']]);
});

test('refused sessions end with their code, and the next call is possible', () => {
  for (const code of [9200, 9201, 9202, 9203]) {
    const socket = registered();
    client.call('bob');
    socket.receive({ cmd: 'error', code });
    assert.deepEqual(ended(), [['bob', code]]);
    assert.ok(client.call('bob'), String(code));
    client.leave();
  }
});

test('hanging up before the session exists stops it as soon as it does', () => {
  const socket = registered();
  client.call('bob');
  client.stop();
  assert.equal(client.call('carol'), false, 'its answer is still on the way');
  socket.receive({ cmd: 'session', sessionId: S }, { cmd: 'ssu', sessionId: S, state: 1 }, { cmd: 'ssu', sessionId: S, state: 4 });
  assert.deepEqual(socket.sent.slice(2), [{ cmd: 'stop', sessionId: S }]);
  assert.deepEqual(log, []);
  assert.ok(client.call('carol'));
});

test('hanging up between the session and its first ssu is not taken for a call to us', () => {
  const socket = registered();
  client.call('bob');
  socket.receive({ cmd: 'session', sessionId: S });
  client.stop();
  log.length = 0;
  socket.receive({ cmd: 'ssu', sessionId: S, state: 1 }, { cmd: 'ssu', sessionId: S, state: 4 });
  assert.deepEqual([log, client.session], [[], null]);
});

test('two call each other: the later one’s 9202 belongs to the call it did not get', () => {
  const socket = registered();
  client.call('bob');
  socket.receive({ cmd: 'ssu', sessionId: S, state: 1 }, { cmd: 'call', sessionId: S, opponentId: 'bob', offer: OFFER }, { cmd: 'error', code: 9202 });
  assert.deepEqual(events(), ['onSession', 'onCall']);
  assert.deepEqual(client.session, { id: S, opponent: 'bob', outgoing: false, state: 1 });
});

test('messages of another session are not ours', () => {
  const socket = asked();
  for (const cmd of ['call', 'accept', 'icecandidate', 'stop', 'reject', 'leave']) {
    socket.receive({ cmd, sessionId: '99999999', opponentId: 'x', offer: OFFER, answer: ANSWER, icecandidate: null });
  }
  socket.receive({ cmd: 'ssu', sessionId: '99999999', state: 4 });
  assert.deepEqual(log, []);
});

test('notify goes both ways and its refusal names whom it was for', () => {
  const socket = registered();
  assert.ok(client.notify('bob', 'hi'));
  assert.deepEqual(socket.sent.at(-1), { cmd: 'notify', opponentId: 'bob', type: 'hi' });
  socket.receive({ cmd: 'error', code: 9301 }, { cmd: 'notify', opponentId: 'carol', type: { k: [1] } });
  assert.deepEqual(log, [['onError', 9301, 'bob'], ['onNotify', 'carol', { k: [1] }]]);
});

test('a probe is answered by 9101, or by silence from a dead line', () => {
  const socket = registered();
  client.probe();
  assert.deepEqual(socket.sent.slice(1), [{ cmd: 'sId', sId: 'me' }]);
  socket.receive({ cmd: 'error', code: 9101 });
  assert.deepEqual([log, timers.size], [[], 0]);
  client.probe();
  elapse(ANSWER_TIMEOUT_MS);
  assert.deepEqual(log.at(-1), ['onRetry', 1000, 'lost']);
});

test('what is no message is ignored', () => {
  for (const data of ['', 'x', 'null', '5', '[1]', '{}', '{"cmd":5}', new ArrayBuffer(2), undefined]) {
    assert.equal(readMessage(data), null, String(data));
  }
  const socket = asked();
  socket.receive(
    { cmd: 'later' },
    { cmd: 'accept', sessionId: S, opponentId: 'bob', answer: null },
    { cmd: 'call', sessionId: S, opponentId: 'bob', offer: { sdp: 5 } },
    { cmd: 'icecandidate', sessionId: S, opponentId: 'bob' },
    { cmd: 'icecandidate', sessionId: S, opponentId: 'bob', icecandidate: { candidate: 5 } }
  );
  assert.deepEqual(log, []);
});

test('descriptions: objects, or the bare SDP with the line end that trimming took', () => {
  const read = (offer) => readMessage(JSON.stringify({ cmd: 'call', offer })).offer;
  assert.deepEqual(read({ type: 'offer', sdp: 'v=0\r\ns=-\r\n' }), { type: 'offer', sdp: 'v=0\r\ns=-\r\n' });
  assert.deepEqual(read('v=0\r\ns=-'), { type: 'offer', sdp: 'v=0\r\ns=-\r\n' });
  assert.deepEqual(readMessage('{"cmd":"accept","answer":"v=0"}').answer, { type: 'answer', sdp: 'v=0\r\n' });
  for (const nothing of [null, 1, {}, '', []]) assert.equal(read(nothing), null);
});

test('lists: odd entries are dropped', () => {
  const list = [{ state: 2, sId: 'a' }, { state: 1, sId: '' }, null, 'b', { sId: 'c' }];
  assert.deepEqual(readMessage(JSON.stringify({ cmd: 'clu', list })).list, [{ sId: 'a', busy: true }, { sId: 'c', busy: false }]);
});

test('names: 1 to 256 bytes after trimming', () => {
  for (const name of ['a', ' a ', 'x'.repeat(256), '房间 😀']) assert.ok(isValidId(name), name);
  for (const name of ['', '  ', 'x'.repeat(257), 'é'.repeat(129)]) assert.ok(!isValidId(name), name);
});

test('any JSON of a notify is readable', () => {
  assert.deepEqual(['hi', 3, null, { k: 1 }, undefined].map(noticeText), ['hi', '3', 'null', '{"k":1}', '']);
});

test('the socket stands beside the folder of the page', () => {
  assert.equal(signalingUrl('http://h:8080/sid/', endpointFrom('')), 'ws://h:8080/sid');
  assert.equal(signalingUrl('https://h/x/sid/#y', endpointFrom('#y')), 'wss://h/x/sid');
  assert.equal(signalingUrl('https://h/sid/', endpointFrom('#token=a%2Bb/c&tenant=lab.1')), 'wss://h/sid/lab.1?token=a%2Bb%2Fc');
});

test('every error and every end has its words, with the name and a next step', () => {
  const codes = [9000, 9001, 9002, 9100, 9101, 9102, 9200, 9201, 9202, 9203, 9204, 9300, 9301, 9400, 9401, 9402];
  for (const code of codes) {
    assert.doesNotMatch(errorText(code, 'bob'), /error \d/, String(code));
    assert.match(errorText(code, 'bob'), /again|Pick|Leave|Reload|Choose/, String(code));
  }
  for (const code of [9102, 9201, 9203, 9301, 9400]) assert.match(errorText(code, 'bob'), /bob/);
  assert.match(errorText(9999, ''), /9999/);
  for (const why of ['stop', 'reject', 'leave', 'closed', 'lost']) {
    assert.match(endedText(why, 'bob'), /bob/);
    assert.match(endedText(why, ''), /caller/i);
  }
  assert.match(retryText(4000, 'lost', 'me'), /4 s/);
  assert.match(retryText(1000, 'taken', 'me'), /“me” is still taken/);
});
