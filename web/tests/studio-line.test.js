import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { CONNECT_TIMEOUT_MS, DISCONNECTED_MS, Line, RESTART_TIMEOUT_MS, STABLE_MS, WAIT_MS, verdict } from '../studio/line.js';
import { StreamError } from '../studio/whip.js';

let sessions, states, timers, line;

/** Each step is decided by the test. */
class FakeSession {
  closed = 0;
  heard = true;
  constructor(report) {
    this.report = report;
    sessions.push(this);
  }
  open() {
    this.opened = true;
    return new Promise((resolve, reject) => Object.assign(this, { accept: resolve, refuse: reject }));
  }
  restart() {
    return new Promise((resolve) => (this.restarted = resolve));
  }
  async close(options) {
    this.closed += 1;
    this.options = options;
    return this.heard;
  }
}

const settle = async () => {
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
};
const last = () => sessions.at(-1);

function start(mode) {
  line = new Line({
    mode,
    create: (report) => new FakeSession(report),
    onState: (state) => states.push(state),
    setTimer: (run, ms) => {
      const timer = timers.next++;
      timers.set(timer, { run, ms });
      return timer;
    },
    clearTimer: (timer) => timers.delete(timer)
  });
  line.start();
  return settle();
}

/** Lets the one timer of this length run out. */
async function elapse(ms) {
  const [found] = [...timers].filter(([, timer]) => timer.ms === ms);
  assert.ok(found, `no timer of ${ms} ms, but ${[...timers.values()].map((timer) => timer.ms)}`);
  timers.delete(found[0]);
  found[1].run();
  await settle();
}

async function refuse(status, retryAfter = null) {
  last().refuse(new StreamError(status, '', retryAfter));
  await settle();
}

async function live(mode = 'publish') {
  await start(mode);
  last().accept();
  await settle();
  last().report('connected');
  states.length = 0;
}

beforeEach(() => {
  sessions = [];
  states = [];
  timers = Object.assign(new Map(), { next: 1 });
});

test('a connection that comes about is live, and nothing is left to run out', async () => {
  await start('publish');
  last().accept();
  await settle();
  last().report('connected');
  assert.deepEqual(states, ['connecting', 'live']);
  assert.deepEqual([...timers.values()].map(({ ms }) => ms), [STABLE_MS]);
});

test('a connection that is up before the answer is dealt with is live, too', async () => {
  await start('watch');
  last().report('connected');
  last().accept();
  await settle();
  assert.deepEqual([states, [...timers.values()].map(({ ms }) => ms)], [['connecting', 'live'], [STABLE_MS]]);
});

test('having reached the server, the next failure starts with the shortest delay', async () => {
  await start('watch');
  for (const [status, delay] of [[0, 1000], [0, 2000], [404, WAIT_MS], [0, 1000]]) {
    await refuse(status);
    assert.equal(line.delay, delay);
    await elapse(delay);
  }
});

test('a stream that is not live yet is asked for as often as the server says, without flicker', async () => {
  await start('watch');
  await refuse(404);
  assert.equal(line.delay, WAIT_MS);
  await elapse(WAIT_MS);
  await refuse(404, 5000);
  await elapse(5000);
  assert.deepEqual(states, ['connecting', 'waiting', 'waiting']);
  last().accept();
  await settle();
  last().report('connected');
  assert.deepEqual(states.slice(3), ['connecting', 'live']);
  assert.equal(line.error, null);
});

test('what only the user can help ends the attempts', async () => {
  for (const [mode, status] of [['watch', 401], ['watch', 403], ['publish', 404], ['publish', 409], ['watch', 409], ['publish', 422], ['watch', 501]]) {
    states.length = 0;
    await start(mode);
    await refuse(status);
    assert.deepEqual([states.at(-1), line.error.status, timers.size], ['failed', status, 0], `${mode} ${status}`);
  }
  await start('publish');
  last().refuse(new TypeError('no such codec'));
  await settle();
  assert.equal(line.state, 'failed');
});

test('an overloaded or silent server is asked again, later and later, or when it says', async () => {
  await start('publish');
  const delays = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await refuse(0);
    delays.push(line.delay);
    await elapse(line.delay);
  }
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 8000]);
  await refuse(503, 30_000);
  assert.deepEqual([line.state, line.delay], ['retrying', 30_000]);
  await elapse(30_000);
  await refuse(503, 9_000_000);
  assert.equal(line.delay, 60_000);
});

test('a name taken is final at first, but our own dead session after a loss', () => {
  assert.equal(verdict(409, 'publish', false), 'stop');
  assert.equal(verdict(409, 'publish', true), 'retry');
  assert.equal(verdict(409, 'watch', true), 'stop');
  assert.equal(verdict(-1, 'publish', true), 'stop');
});

test('a short gap heals by itself; a longer one restarts ICE', async () => {
  await live();
  last().report('disconnected');
  last().report('connected');
  assert.equal(last().restarted, undefined);
  last().report('disconnected');
  await elapse(DISCONNECTED_MS);
  assert.ok(last().restarted);
  assert.equal(line.state, 'restoring');
  last().restarted(true);
  await settle();
  last().report('connected');
  assert.deepEqual([line.state, sessions.length, line.trouble], ['live', 1, '']);
});

test('a failure restarts at once; a restart that fails or is too slow starts anew at once', async () => {
  await live();
  last().report('failed');
  last().restarted(false);
  await settle();
  assert.deepEqual([line.state, line.delay, sessions[0].closed], ['retrying', 0, 1]);
  await elapse(0);
  assert.equal(sessions.length, 2);

  await live();
  last().report('failed');
  last().restarted(true);
  await settle();
  await elapse(RESTART_TIMEOUT_MS);
  assert.equal(line.state, 'retrying');
});

test('only a connection that held makes the next loss cheap again', async () => {
  await live();
  last().report('gone');
  assert.equal(line.delay, 0);
  await elapse(0);
  last().accept();
  await settle();
  last().report('connected');
  last().report('gone');
  assert.equal(line.delay, 1000);
  await elapse(1000);
  last().accept();
  await settle();
  last().report('connected');
  await elapse(STABLE_MS);
  last().report('gone');
  assert.equal(line.delay, 0);
});

test('an answer without a connection is called unreachable', async () => {
  await start('watch');
  last().accept();
  await settle();
  await elapse(CONNECT_TIMEOUT_MS);
  assert.deepEqual([line.state, line.trouble, line.delay], ['retrying', 'unreachable', 1000]);
});

test('the end of a watched stream leads back to waiting', async () => {
  await live('watch');
  last().report('gone');
  await elapse(0);
  await refuse(404);
  assert.deepEqual([line.state, line.wasLive], ['waiting', true]);
});

test('a session the server has not heard the end of is ended before the next one is opened', async () => {
  await live();
  const [first] = sessions;
  first.heard = false;
  first.report('gone');
  await elapse(0);
  assert.deepEqual([first.closed, last().opened, line.state], [2, undefined, 'retrying']);
  first.heard = true;
  await elapse(line.delay);
  assert.deepEqual([first.closed, last().opened], [3, true]);
  await refuse(0);
  await elapse(line.delay);
  assert.equal(first.closed, 3, 'once is enough');
});

test('when the network is back, nobody waits; an attempt that runs is left alone', async () => {
  await start('publish');
  await refuse(0);
  line.probe();
  await settle();
  assert.deepEqual([sessions.length, timers.size], [2, 0]);
  line.probe();
  await settle();
  assert.equal(sessions.length, 2);
});

test('after a stop nothing happens any more', async () => {
  await live();
  const [session] = sessions;
  line.stop({ keepalive: true });
  session.report('failed');
  session.report('connected');
  assert.deepEqual(states, ['idle']);
  assert.deepEqual([session.options, timers.size], [{ keepalive: true }, 0]);
  await start('watch');
  line.stop();
  last().refuse(new StreamError(404));
  await settle();
  assert.deepEqual([line.state, timers.size], ['idle', 0]);
});
