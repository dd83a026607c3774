import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { reconnectDelay } from '../app.backoff.js';
import { JOIN_TIMEOUT_MS, PING_INTERVAL_MS, Signaling } from '../app.signaling.js';

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
  receive(message) {
    this.onmessage?.({ data: `${JSON.stringify(message)}\n` });
  }
  lose() {
    this.readyState = 3;
    this.onclose?.();
  }
}

let sockets, timers, log, signaling;

beforeEach(() => {
  sockets = [];
  timers = new Map();
  log = [];
  let nextTimer = 1;
  const note = (name) => (...values) => log.push([name, ...values]);
  signaling = new Signaling(
    {
      onPhase: note('phase'),
      onSocket: () => {},
      onJoined: note('joined'),
      onMembers: note('members'),
      onRelay: note('relay'),
      onRefused: note('refused'),
      onRetry: note('retry')
    },
    {
      createSocket: () => {
        sockets.push(new FakeSocket());
        return sockets.at(-1);
      },
      setTimer: (run, ms) => {
        timers.set(nextTimer, { run, ms });
        return nextTimer++;
      },
      clearTimer: (timer) => timers.delete(timer)
    }
  );
});

/** Lets the one timer of this length run out. */
function elapse(ms) {
  const [id, timer] = [...timers].find(([, item]) => item.ms === ms);
  timers.delete(id);
  timer.run();
}

function joined() {
  sockets.at(-1).open();
  sockets.at(-1).receive({ type: 'joined', room: 'demo', from: 'me' });
}

const phases = () => log.filter(([name]) => name === 'phase').map(([, phase]) => phase);

test('delays: 1, 2, 4, then 8 seconds for ever', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 50].map(reconnectDelay), [1000, 2000, 4000, 8000, 8000, 8000]);
});

test('join, relay, leave', () => {
  signaling.join('demo', 'me');
  assert.equal(signaling.send({ type: 'offer', to: 'b' }), false, 'nothing is sent before joined');
  joined();
  assert.deepEqual(sockets[0].sent, [{ type: 'join', room: 'demo', from: 'me' }]);
  assert.ok(signaling.send({ type: 'hangup', to: 'b' }));
  signaling.leave();
  assert.deepEqual(sockets[0].sent.slice(1).map(({ type }) => type), ['hangup', 'leave']);
  assert.ok(sockets[0].closed);
  assert.deepEqual(phases(), ['connecting', 'joined', 'idle']);
  assert.equal(timers.size, 0);
});

test('the member list may come before joined', () => {
  signaling.join('demo', 'me');
  sockets[0].open();
  sockets[0].receive({ type: 'room_members', members: ['me'] });
  sockets[0].receive({ type: 'joined' });
  assert.deepEqual(log, [['phase', 'connecting'], ['members', ['me']], ['phase', 'joined'], ['joined', false]]);
});

test('joined again (an idempotent join) changes nothing', () => {
  signaling.join('demo', 'me');
  joined();
  const before = log.length;
  sockets[0].receive({ type: 'joined' });
  assert.equal(log.length, before);
});

test('unknown messages and relays without a sender are ignored', () => {
  signaling.join('demo', 'me');
  joined();
  const before = log.length;
  sockets[0].receive({ type: 'news', from: 'x' });
  sockets[0].receive({ type: 'offer', sdp: {} });
  sockets[0].receive({ type: 'pong', from: '' });
  assert.equal(log.length, before);
});

test('a lost server: reconnecting with growing delays, same id and room, reset by joined', () => {
  signaling.join('demo', 'me');
  joined();
  for (const delay of [1000, 2000, 4000, 8000, 8000]) {
    sockets.at(-1).lose();
    assert.deepEqual(log.at(-1), ['retry', delay, 'lost']);
    elapse(delay);
  }
  joined();
  assert.deepEqual(sockets.at(-1).sent[0], { type: 'join', room: 'demo', from: 'me' });
  assert.deepEqual(log.at(-1), ['joined', true]);
  sockets.at(-1).lose();
  assert.deepEqual(log.at(-1), ['retry', 1000, 'lost']);
});

test('duplicate_id while joining closes and retries with the same delays', () => {
  signaling.join('demo', 'me');
  sockets[0].open();
  sockets[0].receive({ type: 'error', code: 'duplicate_id', error: 'x' });
  assert.ok(sockets[0].closed);
  assert.deepEqual(log.at(-1), ['retry', 1000, 'duplicate_id']);
  elapse(1000);
  sockets[1].open();
  sockets[1].receive({ type: 'error', code: 'duplicate_id', error: 'x' });
  assert.deepEqual(log.at(-1), ['retry', 2000, 'duplicate_id']);
});

test('any other refusal while joining ends idle; in the room it is only reported', () => {
  signaling.join('demo', 'me');
  sockets[0].open();
  sockets[0].receive({ type: 'error', code: 'room_full', error: 'room is full' });
  assert.deepEqual(log.slice(-2), [['phase', 'idle'], ['refused', 'room_full', 'room is full', true]]);
  assert.equal(timers.size, 0);
  signaling.join('demo', 'me');
  joined();
  sockets[1].receive({ type: 'error', code: 'target_not_found', error: 'x' });
  assert.deepEqual(log.at(-1), ['refused', 'target_not_found', 'x', false]);
  assert.equal(signaling.phase, 'joined');
});

test('leaving while waiting for the next attempt stops it', () => {
  signaling.join('demo', 'me');
  sockets[0].lose();
  signaling.leave();
  assert.equal(timers.size, 0);
  assert.equal(signaling.phase, 'idle');
});

test('a server that accepts but never answers is given up', () => {
  signaling.join('demo', 'me');
  sockets[0].open();
  elapse(JOIN_TIMEOUT_MS);
  assert.deepEqual(log.at(-1), ['retry', 1000, 'lost']);
});

test('two unanswered pings mean a dead network', () => {
  signaling.join('demo', 'me');
  joined();
  elapse(PING_INTERVAL_MS);
  assert.equal(sockets[0].sent.at(-1).type, 'ping');
  sockets[0].receive({ type: 'pong' });
  elapse(PING_INTERVAL_MS);
  elapse(PING_INTERVAL_MS);
  assert.equal(signaling.phase, 'joined');
  elapse(PING_INTERVAL_MS);
  assert.deepEqual(log.at(-1), ['retry', 1000, 'lost']);
});
