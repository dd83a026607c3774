import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { problemOf, readAddress, writeAddress } from '../demo/address.js';
import { ackOf, eventOf, eventPacket, handshakeOf, iceServersOf, parsePacket } from '../demo/packet.js';
import { CONNECT_MS, GAP_MS, OFFER_MS, Player, WAIT_MS } from '../demo/player.js';
import { JOIN_ANYWAY_MS, REACH_MS, Rendezvous } from '../demo/rendezvous.js';
import { reasonText, stateText } from '../demo/texts.js';

test('packets are read and written as the library of its time does', () => {
  for (const [text, expected] of [
    ['1::', { kind: 1, id: '', data: '' }],
    ['2::', { kind: 2, id: '', data: '' }],
    ['5:::{"name":"a","args":["x:y"]}', { kind: 5, id: '', data: '{"name":"a","args":["x:y"]}' }],
    ['6:::1+["taken"]', { kind: 6, id: '', data: '1+["taken"]' }],
    ['7:::1+0', { kind: 7, id: '', data: '1+0' }],
    ['9::', null], ['', null], ['5', null]
  ]) assert.deepEqual(parsePacket(text), expected, text);
  assert.equal(eventPacket('join', ['r', { token: null }], 1), '5:1+::{"name":"join","args":["r",{"token":null}]}');
  assert.equal(eventPacket('leave', []), '5:::{"name":"leave","args":[]}');
  assert.deepEqual(eventOf('{"name":"a"}'), { name: 'a', args: [] });
  assert.equal(eventOf('{"args":[]}'), null);
  assert.equal(eventOf('nonsense'), null);
  assert.deepEqual(ackOf('1+[null,{"clients":{}}]'), { id: 1, args: [null, { clients: {} }] });
  assert.deepEqual(ackOf('7'), { id: 7, args: [] });
  assert.equal(ackOf('1+{'), null);
  assert.deepEqual(handshakeOf('abc:60:60:websocket,xhr-polling'), { sid: 'abc', silence: 60_000 });
  assert.equal(handshakeOf('abc:60:60:xhr-polling'), null, 'only sockets are spoken here');
  assert.equal(handshakeOf('handshake unauthorized'), null);
});

test('servers for finding ways are named by url or by urls', () => {
  assert.deepEqual(iceServersOf([{ url: 'stun:a:1' }, { urls: 'turn:b:2', url: 'x', username: 'u', credential: 'c' }, {}, null]), [
    { urls: 'stun:a:1' }, { urls: 'turn:b:2', username: 'u', credential: 'c' }
  ]);
  assert.deepEqual(iceServersOf('nonsense'), []);
});

test('links of all ages lead to the stream, and come back as they should be', () => {
  const wish = { room: 'my room', stream: 's', token: 't&1' };
  assert.deepEqual(readAddress(writeAddress('https://h/demo/evowrtcclient.html?x=1#y', wish)), wish);
  assert.deepEqual(readAddress('https://h/?roomid=r&streamName=s'), { room: 'r', stream: 's', token: '' });
  assert.equal(problemOf({ room: 'r', stream: 's', token: '' }), '');
  assert.match(problemOf({ room: '', stream: 's', token: '' }), /room first/);
  assert.match(problemOf({ room: 'r', stream: 'a"b', token: '' }), /quotes/);
  assert.match(problemOf({ room: 'ä'.repeat(65), stream: 's', token: '' }), /too long/);
});

test('every reason has words that name what to do, and every state a name', () => {
  const wish = { room: 'den', stream: 'cam', token: '' };
  for (const reason of ['room', 'stream', 'ended', 'lost', 'unreachable', 'token', 'forbidden', 'other', 'browser']) {
    assert.ok(reasonText(reason, wish).length > 20, reason);
  }
  assert.notEqual(reasonText('token', wish), reasonText('token', { ...wish, token: 'x' }));
  for (const state of ['idle', 'connecting', 'waiting', 'opening', 'live', 'retrying', 'failed']) assert.ok(stateText(state), state);
});

// ---- A visit

class FakeSocket {
  readyState = 1;
  sent = [];
  closed = false;
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
    this.readyState = 3;
  }
  receive(...texts) {
    for (const data of texts) this.onmessage?.({ data });
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
let timers, heard, socket, asked;

function clock() {
  timers = new Map();
  let next = 1;
  return {
    setTimer(run, ms) {
      timers.set(next, { run, ms });
      return next++;
    },
    clearTimer: (timer) => timers.delete(timer)
  };
}

/** Runs the timer of this length, which has to be there. */
function due(ms) {
  const found = [...timers].find(([, timer]) => timer.ms === ms);
  assert.ok(found, `nothing waits for ${ms} ms: ${[...timers.values()].map((timer) => timer.ms)}`);
  timers.delete(found[0]);
  found[1].run();
}

function visit({ body = 'SID:60:60:websocket', ok = true } = {}) {
  heard = [];
  asked = [];
  const hear = (name) => (...args) => heard.push([name, ...args]);
  return new Rendezvous({
    url: 'https://h/x/', room: 'den', stream: 'cam', token: '', ...clock(),
    fetch: async (address) => {
      asked.push(String(address));
      return { ok, text: async () => body };
    },
    socket: (url) => {
      asked.push(url);
      socket = new FakeSocket();
      return socket;
    }
  }, {
    onPaired: hear('paired'), onEmpty: hear('empty'), onRefused: hear('refused'),
    onMessage: hear('message'), onRemoved: hear('removed'), onLost: hear('lost')
  });
}

const GREETING = [
  '1::', '5:::{"name":"stunservers","args":[[{"url":"stun:a:1"}]]}',
  '5:::{"name":"turnservers","args":[[{"username":"1","credential":"c","url":"turn:b:2"}]]}', '5:::{"name":"ersid","args":[{"id":"SID"}]}'
];
const PAIRED = '6:::1+[null,{"clients":{"EMS":{"screen":false,"video":true,"audio":false}}}]';

test('a visit: handshake, socket, join once the server has told our id, and whom we are paired with', async () => {
  const one = visit();
  await one.open();
  assert.match(asked[0], /^https:\/\/h\/x\/socket\.io\/1\/\?t=\d+$/);
  assert.equal(asked[1], 'wss://h/x/socket.io/1/websocket/SID');
  socket.receive(...GREETING.slice(0, 3));
  assert.deepEqual(socket.sent, []);
  socket.receive(GREETING[3]);
  assert.deepEqual(socket.sent, ['5:1+::{"name":"join","args":["den",{"token":null,"streamName":"cam","transport":"srtp"}]}']);
  socket.receive(PAIRED);
  assert.deepEqual(heard, [['paired', 'EMS', [{ urls: 'stun:a:1' }, { urls: 'turn:b:2', username: '1', credential: 'c' }]]]);
  socket.receive('2::');
  one.send({ type: 'answer' });
  assert.deepEqual(socket.sent.slice(1), ['2::', '5:::{"name":"message","args":[{"to":"EMS","type":"answer"}]}']);
  socket.receive('5:::{"name":"message","args":[{"type":"offer","from":"EMS"}]}', '5:::{"name":"message","args":[{"type":"offer","from":"stranger"}]}');
  socket.receive('5:::{"name":"remove","args":[{"id":"stranger"}]}', '5:::{"name":"remove","args":[{"id":"EMS"}]}');
  assert.deepEqual(heard.slice(1), [['message', { type: 'offer', from: 'EMS' }], ['removed']]);
  one.close();
  assert.equal(socket.sent.at(-1), '0::');
  assert.ok(socket.closed);
  assert.equal(timers.size, 0);
});

test('a server that tells no id is joined all the same', async () => {
  await visit().open();
  socket.receive('1::');
  due(JOIN_ANYWAY_MS);
  assert.equal(socket.sent.length, 1);
  socket.receive(GREETING[3]);
  assert.equal(socket.sent.length, 1, 'once');
});

test('what a visit ends in', async () => {
  for (const [ack, expected] of [
    ['6:::1+[null,{"clients":{}}]', ['empty']], ['6:::1+["invalidToken"]', ['refused', 'invalidToken', 'invalidToken']],
    ['6:::1+["invalidRoom"]', ['refused', 'invalidRoom', 'invalidRoom']], ['6:::1+["taken"]', ['refused', 'other', 'taken']]
  ]) {
    await visit().open();
    socket.receive(...GREETING, ack);
    assert.deepEqual(heard, [expected], ack);
  }
  for (const options of [{ ok: false }, { body: 'handshake unauthorized' }]) {
    await visit(options).open();
    assert.deepEqual(heard, [['lost']]);
  }
  const silent = visit();
  await silent.open();
  due(REACH_MS);
  assert.deepEqual(heard, [['lost']], 'no socket comes about');
  await visit().open();
  socket.receive(...GREETING, PAIRED);
  due(60_000);
  assert.deepEqual(heard.slice(1), [['lost']], 'no heartbeat for a minute');
  await visit().open();
  socket.receive('1::', '7:::1+0');
  assert.deepEqual(heard, [['lost']], 'the id is not known');
});

// ---- A viewer

class FakeConnection {
  static all = [];
  connectionState = 'new';
  remoteDescription = null;
  candidates = [];
  channels = [];
  constructor(iceServers) {
    this.iceServers = iceServers;
    FakeConnection.all.push(this);
  }
  async setRemoteDescription(description) {
    if (description.sdp.includes('nonsense')) throw new TypeError('no description');
    this.remoteDescription = description;
  }
  async createAnswer() {
    return { type: 'answer', sdp: 'v=0 answer' };
  }
  async setLocalDescription() {
    this.onicecandidate?.({ candidate: { candidate: 'candidate:1', sdpMid: 'data', sdpMLineIndex: 0 } });
    this.onicecandidate?.({ candidate: null });
  }
  async addIceCandidate(candidate) {
    this.candidates.push(candidate);
  }
  createDataChannel(label) {
    this.channels.push({ label, sent: [], send(text) { this.sent.push(text); } });
    return this.channels.at(-1);
  }
  close() {
    this.closed = true;
  }
  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

class FakeVisit {
  sent = [];
  closed = false;
  constructor(place, told) {
    this.place = place;
    this.told = told;
  }
  async open() {}
  send(message) {
    this.sent.push(message);
  }
  close() {
    this.closed = true;
  }
}

let visits, states, commands, player;
const WISH = { room: 'den', stream: 'cam', token: 't' };
const OFFER = { type: 'offer', sid: '143', payload: { type: 'offer', sdp: 'v=0\r\nm=application 9 DTLS/SCTP 5000\r\n' } };

beforeEach(() => {
  globalThis.MediaStream ??= class { addTrack() {} };
  FakeConnection.all = [];
  visits = [];
  states = [];
  commands = [];
  player = new Player({
    url: 'https://h/', ...clock(),
    create: (iceServers) => new FakeConnection(iceServers),
    onState: (state, reason) => states.push(reason ? `${state} ${reason}` : state),
    onStream: () => {},
    onCommand: (...command) => commands.push(command),
    visit: (place, told) => {
      visits.push(new FakeVisit(place, told));
      return visits.at(-1);
    }
  });
});

async function live() {
  player.start(WISH);
  visits[0].told.onPaired('EMS', []);
  visits[0].told.onMessage({ type: 'candidate', payload: { candidate: { candidate: 'early' } } });
  visits[0].told.onMessage(OFFER);
  await settled();
  const pc = FakeConnection.all[0];
  pc.become('connected');
  return pc;
}

test('the offer is answered, then come candidates both ways, and the stream plays', async () => {
  const pc = await live();
  assert.deepEqual(visits[0].sent.map(({ type, sid, prefix }) => [type, sid, prefix]), [['answer', '143', 'webkit'], ['candidate', '143', 'webkit']]);
  assert.deepEqual(visits[0].sent[1].payload, { candidate: { candidate: 'candidate:1', sdpMid: 'data', sdpMLineIndex: 0 } });
  visits[0].told.onMessage({ type: 'candidate', payload: { candidate: { candidate: 'late' } } });
  await settled();
  assert.deepEqual(pc.candidates.map(({ candidate }) => candidate), ['early', 'late']);
  assert.deepEqual(states, ['connecting', 'opening', 'live']);
  assert.equal(timers.size, 0, 'nothing is waited for any more');
});

test('commands of the media server are handed on, and its heartbeats answered', async () => {
  const pc = await live();
  const [channel] = pc.channels;
  assert.equal(channel.label, 'emsCommandChannel');
  for (const data of ['{"type":"command","payload":{"command":"ping","argument":"7"}}', '{"command":"zoom","argument":"2","base64":false}', '{"type":"heartbeat","payload":""}', 'no text', new ArrayBuffer(1)]) {
    channel.onmessage({ data });
  }
  assert.deepEqual(commands, [['ping', '7'], ['zoom', '2']]);
  assert.deepEqual(channel.sent, ['{"type":"heartbeat","payload":""}']);
});

test('what is not there yet is looked for again', async () => {
  player.start(WISH);
  visits[0].told.onEmpty();
  assert.deepEqual(states.at(-1), 'waiting room');
  due(WAIT_MS);
  visits[1].told.onPaired('EMS', []);
  visits[1].told.onMessage({ message: 'Unable to retrieve stream!' });
  assert.deepEqual(states.at(-1), 'waiting stream');
  assert.ok(visits[1].closed);
  due(WAIT_MS);
  visits[2].told.onPaired('EMS', []);
  due(OFFER_MS);
  assert.deepEqual(states.at(-1), 'waiting stream');
  due(WAIT_MS);
  assert.equal(visits.length, 4);
});

test('a lost server is tried again at growing intervals, and what flows goes on without it', async () => {
  player.start(WISH);
  for (const delay of [1_000, 2_000, 4_000]) {
    visits.at(-1).told.onLost();
    assert.equal(states.at(-1), 'retrying lost');
    due(delay);
  }
  visits = [];
  const pc = await live();
  visits[0].told.onLost();
  assert.equal(player.state, 'live');
  pc.become('failed');
  assert.equal(states.at(-1), 'waiting ended');
});

test('an end is seen in the room and on the way, and short gaps are not one', async () => {
  const pc = await live();
  pc.become('disconnected');
  pc.become('connected');
  assert.equal(timers.size, 0);
  pc.become('disconnected');
  due(GAP_MS);
  assert.equal(states.at(-1), 'waiting ended');
  assert.ok(pc.closed);
  player.stop();
  visits = [];
  FakeConnection.all = [];
  await live();
  visits[0].told.onRemoved();
  assert.equal(states.at(-1), 'waiting ended');
});

test('only the user can help with a wrong token or room, or a browser that cannot', async () => {
  for (const [why, expected] of [['invalidToken', 'failed token'], ['invalidRoom', 'failed forbidden'], ['other', 'failed other']]) {
    player.start(WISH);
    visits.at(-1).told.onRefused(why, why);
    assert.equal(states.at(-1), expected);
    assert.equal(timers.size, 0);
  }
  player.start(WISH);
  visits.at(-1).told.onPaired('EMS', []);
  visits.at(-1).told.onMessage({ type: 'offer', payload: { sdp: 'nonsense' } });
  await settled();
  assert.equal(states.at(-1), 'failed browser');
});

test('no way through shows itself', async () => {
  player.start(WISH);
  visits[0].told.onPaired('EMS', []);
  visits[0].told.onMessage(OFFER);
  await settled();
  due(CONNECT_MS);
  assert.equal(states.at(-1), 'retrying unreachable');
  player.stop();
  assert.equal(states.at(-1), 'idle');
  assert.equal(timers.size, 0);
});
