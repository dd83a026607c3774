import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { AGAIN_MS, PhoneAccount } from '../phone/account.js';
import { DELAYS_MS, GatewayClient, PING_MS, PROBE_TIMEOUT_MS, READY_TIMEOUT_MS, RequestError, SILENT_PINGS } from '../phone/client.js';
import { ENDPOINT, SUBPROTOCOL, readMessage } from '../phone/protocol.js';

class FakeSocket {
  readyState = 1;
  sent = [];
  closed = false;
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
    this.readyState = 3;
  }
  receive(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }
  ready() {
    this.receive({ sylkrtc: 'ready-event' });
  }
  lose(reason) {
    this.readyState = 3;
    this.onclose?.({ reason });
  }
}

const IDENTITY = { address: 'alice@example.com', domain: 'example.com', ha1: '0'.repeat(32), name: 'Alice' };
let sockets, timers, states, told, client, account, changes;

beforeEach(() => {
  sockets = [];
  timers = new Map();
  states = [];
  told = [];
  changes = 0;
  let nextTimer = 1;
  let nextId = 1;
  const around = {
    createSocket: () => {
      sockets.push(new FakeSocket());
      return sockets.at(-1);
    },
    setTimer: (run, ms) => {
      timers.set(nextTimer, { run, ms });
      return nextTimer++;
    },
    clearTimer: (timer) => timers.delete(timer)
  };
  client = new GatewayClient(
    {
      onState: (state) => {
        states.push(state);
        if (state !== 'online') account.lost();
      },
      onReady: () => void account.ready(),
      onTold: (event) => (event.kind === 'registration' ? account.told(event) : told.push(event))
    },
    around,
    () => `t${nextId++}`
  );
  account = new PhoneAccount({ client, onChange: () => (changes += 1), ...around });
});

/** Lets the one timer of this length run out. */
function elapse(ms) {
  const [id, timer] = [...timers].find(([, item]) => item.ms === ms);
  timers.delete(id);
  timer.run();
}
const tick = () => new Promise((resolve) => setImmediate(resolve));
const ack = (transaction) => ({ sylkrtc: 'ack', transaction });
const refuse = (transaction, error) => ({ sylkrtc: 'error', transaction, error });
const registration = (state, reason) => ({ sylkrtc: 'account-event', account: 'alice@example.com', event: 'registration-state', state, ...(reason && { reason }) });

function online() {
  client.start();
  sockets.at(-1).ready();
  return sockets.at(-1);
}

test('nothing is sent before the server is ready', async () => {
  client.start();
  await assert.rejects(client.request('ping'), { kind: 'offline' });
  assert.deepEqual(sockets[0].sent, []);
  sockets[0].ready();
  void client.request('ping');
  assert.deepEqual(sockets[0].sent, [{ sylkrtc: 'ping', transaction: 't1' }]);
  assert.deepEqual(states, ['connecting', 'online']);
});

test('acks and errors belong to their transaction, in whatever order they come', async () => {
  const socket = online();
  const [one, two, three] = ['a', 'b', 'c'].map((type) => client.request(type, { x: type }));
  socket.receive(refuse('t2', 'because'), ack('t9'), ack('t3'), ack('t1'));
  await one;
  await assert.rejects(two, (error) => error instanceof RequestError && error.kind === 'refused' && error.detail === 'because');
  await three;
  assert.deepEqual(socket.sent[1], { sylkrtc: 'b', transaction: 't2', x: 'b' });
});

test('what was not answered when the line broke is neither done nor refused', async () => {
  const socket = online();
  const asked = client.request('session-create');
  socket.lose();
  await assert.rejects(asked, { kind: 'offline' });
});

test('a ping every 5 s; six without any answer are a lost line, any word from the server is a sign of life', () => {
  const socket = online();
  for (let count = 0; count < SILENT_PINGS; count += 1) elapse(PING_MS);
  assert.equal(socket.sent.filter(({ sylkrtc }) => sylkrtc === 'ping').length, SILENT_PINGS);
  socket.receive(ack('t1'));
  for (let count = 0; count < SILENT_PINGS; count += 1) elapse(PING_MS);
  assert.equal(client.state, 'online');
  elapse(PING_MS);
  assert.equal(client.state, 'waiting');
  assert.ok(socket.closed);
});

test('a lost line: again after 1, 2, 4, 8, 16, 16 s, and from the start once it was ready', () => {
  online();
  for (const delay of [...DELAYS_MS, 16_000]) {
    sockets.at(-1).lose();
    assert.deepEqual([client.delay, client.wasOnline], [delay, true]);
    elapse(delay);
  }
  sockets.at(-1).ready();
  sockets.at(-1).lose();
  assert.equal(client.delay, 1_000);
});

test('a server that accepts but is never ready is given up', () => {
  client.start();
  elapse(READY_TIMEOUT_MS);
  assert.equal(client.state, 'waiting');
  assert.ok(sockets[0].closed);
});

test('what the server says when it closes is kept', () => {
  client.start();
  sockets[0].lose('no media today');
  assert.equal(client.closeReason, 'no media today');
});

test('a probe finds a dead line soon, and hurries a waiting one', () => {
  const socket = online();
  client.probe();
  socket.receive(ack('t1'));
  assert.ok(![...timers.values()].some(({ ms }) => ms === PROBE_TIMEOUT_MS));
  client.probe();
  elapse(PROBE_TIMEOUT_MS);
  assert.equal(client.state, 'waiting');
  const { delay } = client;
  client.probe();
  assert.equal(client.state, 'connecting');
  assert.ok(![...timers.values()].some(({ ms }) => ms === delay), 'one attempt, not two');
  assert.equal(sockets.length, 2);
});

test('stopping leaves nothing behind', () => {
  const socket = online();
  client.stop();
  assert.ok(socket.closed);
  assert.equal(timers.size, 0);
  assert.equal(client.state, 'offline');
});

test('messages are read, and what is none is nothing', () => {
  const read = (value) => readMessage(JSON.stringify(value));
  assert.deepEqual(read({ sylkrtc: 'account-event', account: 'a@b', event: 'incoming-session', session: 's', originator: { uri: 'c@d', display_name: null }, sdp: 'v=0', call_id: 'x' }), {
    kind: 'incoming', account: 'a@b', session: 's', from: { uri: 'c@d', name: '' }, sdp: 'v=0\r\n'
  });
  assert.deepEqual(read({ sylkrtc: 'account-event', account: 'a@b', event: 'missed-session', originator: { uri: 'c@d', display_name: 'C' } }), {
    kind: 'missed', account: 'a@b', from: { uri: 'c@d', name: 'C' }
  });
  assert.deepEqual(read({ sylkrtc: 'session-event', session: 's', event: 'state', state: 'proceeding', code: 182 }), {
    kind: 'session', session: 's', event: 'state', state: 'proceeding', sdp: '', reason: '', code: 182
  });
  assert.deepEqual(read({ sylkrtc: 'session-event', session: 's', event: 'update', state: 'received', sdp: 'v=0\r\n' }), {
    kind: 'session', session: 's', event: 'update', state: 'received', sdp: 'v=0\r\n', reason: '', code: 0
  });
  assert.deepEqual([SUBPROTOCOL, ENDPOINT], ['sylkRTC-2', '../webrtcgateway/ws']);
  for (const odd of [5, null, [], {}, { sylkrtc: 'event' }, { sylkrtc: 'session-event', event: 'message' }, { sylkrtc: 'account-event', event: 'sync' }, { sylkrtc: 'account-event', event: 'incoming-session', session: 's' }]) {
    assert.equal(read(odd), null, JSON.stringify(odd));
  }
  for (const data of ['', '{', new ArrayBuffer(2), undefined]) assert.equal(readMessage(data), null, String(data));
});

test('signing in: the account is added, then registered; the states are those of the server', async () => {
  account.signIn(IDENTITY);
  const [socket] = sockets;
  socket.ready();
  assert.deepEqual(socket.sent, [
    { sylkrtc: 'account-add', transaction: 't1', account: 'alice@example.com', password: '0'.repeat(32), display_name: 'Alice', user_agent: 'Patchbay Phone' }
  ]);
  assert.deepEqual([account.added, account.state], [false, 'registering']);
  socket.receive(ack('t1'));
  await tick();
  assert.deepEqual([account.added, socket.sent.at(-1)], [true, { sylkrtc: 'account-register', transaction: 't2', account: 'alice@example.com' }]);
  socket.receive(ack('t2'), registration('registering'));
  assert.equal(account.state, 'registering');
  const before = changes;
  socket.receive({ ...registration('failed', '403 x'), account: 'other@example.com' }, registration('registered'));
  assert.equal(account.state, 'registered');
  assert.equal(changes, before + 1, 'other accounts are none of ours');
  // The registrar is asked again after a change at the server.
  socket.receive(registration('registering'));
  assert.equal(account.state, 'registering');
  void account.register();
  assert.equal(account.state, 'registering');
});

async function signedIn() {
  account.signIn(IDENTITY);
  sockets.at(-1).ready();
  sockets.at(-1).receive(ack('t1'));
  await tick();
  sockets.at(-1).receive(ack('t2'), registration('registering'));
  return sockets.at(-1);
}

test('after a reconnect everything is said again', async () => {
  (await signedIn()).receive(registration('registered'));
  sockets[0].lose();
  assert.deepEqual([account.state, account.added], ['none', false]);
  elapse(1_000);
  sockets[1].ready();
  assert.equal(sockets[1].sent[0].sylkrtc, 'account-add');
});

test('a wrong password is told and not tried again', async () => {
  (await signedIn()).receive(registration('failed', '904 Operation has no matching challenge '));
  assert.deepEqual([account.state, account.reason, account.added], ['failed', '904 Operation has no matching challenge ', true]);
  assert.ok(![...timers.values()].some(({ ms }) => AGAIN_MS.includes(ms)));
});

test('a registrar that fails is tried again, more and more rarely', async () => {
  const socket = await signedIn();
  for (const delay of [...AGAIN_MS, AGAIN_MS.at(-1)]) {
    socket.receive(registration('failed', '503 Service Unavailable'));
    assert.equal(account.state, 'failed');
    elapse(delay);
    assert.equal(socket.sent.at(-1).sylkrtc, 'account-register');
    socket.receive(ack(socket.sent.at(-1).transaction));
    await tick();
  }
  socket.receive(registration('registered'), registration('failed', '408 Request Timeout'));
  assert.ok([...timers.values()].some(({ ms }) => ms === AGAIN_MS[0]));
  // The server itself may have succeeded meanwhile.
  socket.receive(registration('registered'));
  assert.ok(![...timers.values()].some(({ ms }) => AGAIN_MS.includes(ms)));
});

test('requests that the server refuses make the account fail, those that were lost do not', async () => {
  account.signIn(IDENTITY);
  sockets[0].ready();
  sockets[0].receive(refuse('t1', 'SIP domain not allowed: example.com'));
  await tick();
  assert.deepEqual([account.state, account.reason], ['failed', 'SIP domain not allowed: example.com']);
  void account.register();
  assert.equal(sockets[0].sent.at(-1).sylkrtc, 'account-add');
  sockets[0].lose();
  await tick();
  assert.equal(account.state, 'none');
});

test('signing out says so, and forgets', async () => {
  const socket = await signedIn();
  account.signOut();
  assert.deepEqual(socket.sent.slice(-2).map(({ sylkrtc }) => sylkrtc), ['account-unregister', 'account-remove']);
  assert.deepEqual([account.identity, account.state, client.state, timers.size], [null, 'none', 'offline', 0]);
});

test('signing out before the server knew the account tells it nothing', () => {
  account.signIn(IDENTITY);
  sockets[0].ready();
  account.signOut();
  assert.deepEqual(sockets[0].sent.map(({ sylkrtc }) => sylkrtc), ['account-add']);
});

test('a registration that is asked for by hand is not asked for twice', async () => {
  const socket = await signedIn();
  socket.receive(registration('failed', '503 Service Unavailable'));
  void account.register();
  assert.equal(account.state, 'registering');
  assert.ok(![...timers.values()].some(({ ms }) => AGAIN_MS.includes(ms)));
});

test('an answer for the account before this one changes nothing', async () => {
  account.signIn(IDENTITY);
  sockets[0].ready();
  account.signIn({ ...IDENTITY, address: 'carol@example.com', name: '' });
  await tick();
  assert.deepEqual([account.state, account.added], ['none', false]);
  sockets[1].ready();
  assert.ok(!('display_name' in sockets[1].sent[0]), 'no name is not an empty one');
});
