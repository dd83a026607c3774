import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { createStore } from '../app.state.js';
import { createCall } from '../sid/call.js';
import { SESSION } from '../sid/protocol.js';

/** Follows the signalling states and notes what was asked of it; every offer and answer has a number of its own. */
class FakeConnection {
  signalingState = 'stable';
  connectionState = 'new';
  localDescription = null;
  remoteDescription = null;
  asked = [];
  transceivers = [];
  constructor(config) {
    if (config.broken) throw Object.assign(new Error('bad'), { name: 'SyntaxError' });
    connections.push(this);
  }
  getTransceivers() {
    return this.transceivers;
  }
  addTrack(track) {
    const sender = { track, replaceTrack: async (next) => void (sender.track = next) };
    this.transceivers.push({ mid: null, direction: 'sendrecv', receiver: { track: { kind: track.kind } }, sender, stop() {} });
    return sender;
  }
  addTransceiver(kind, { direction }) {
    this.transceivers.push({ mid: null, direction, receiver: { track: { kind } }, sender: { track: null }, stop() {} });
  }
  async createOffer() {
    return { type: 'offer', sdp: `${this.asked.length}` };
  }
  async createAnswer() {
    return { type: 'answer', sdp: `${this.asked.length}` };
  }
  async setLocalDescription(description) {
    this.asked.push(`local ${description.type}`);
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
    this.localDescription = description;
  }
  async setRemoteDescription(description) {
    if (description.sdp === 'bad') throw Object.assign(new Error('bad'), { name: 'InvalidAccessError' });
    this.asked.push(`remote ${description.type}`);
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
    this.remoteDescription = description;
  }
  async addIceCandidate({ candidate }) {
    assert.ok(this.remoteDescription, 'candidates wait for the remote description');
    this.asked.push(`candidate ${candidate}`);
  }
  state(next) {
    this.connectionState = next;
    this.onconnectionstatechange?.();
  }
  close() {
    this.connectionState = 'closed';
  }
}

const OFFER = { type: 'offer', sdp: 'remote' };
const ANSWER = { type: 'answer', sdp: 'remote' };
const TRACKS = { audio: { kind: 'audio' }, video: { kind: 'video' } };

let connections, sent, session, store, call, outgoing, grant, mediaStops;

beforeEach(() => {
  connections = [];
  sent = [];
  session = null;
  grant = null;
  mediaStops = 0;
  outgoing = { ...TRACKS };
  globalThis.RTCPeerConnection = FakeConnection;
  store = createStore('me');
  store.setRoomState('joined');
  call = build({});
});

function build(rtcConfig) {
  const note = (name) => (value) => {
    sent.push([name, value?.type ?? value?.candidate ?? value]);
    return true;
  };
  const client = {
    get session() {
      return session;
    },
    call(opponent) {
      if (session) return false;
      session = { id: '', opponent, outgoing: true, state: 0 };
      return note('session')(opponent);
    },
    offer: note('call'),
    answer: note('accept'),
    candidate: note('icecandidate'),
    stop() {
      session = null;
      sent.push(['stop']);
    },
    reject() {
      session = null;
      sent.push(['reject']);
    }
  };
  const media = {
    ensure: () => (grant ? grant : Promise.resolve()),
    outgoing: (kind) => (outgoing[kind] ? { track: outgoing[kind], stream: {} } : null),
    stop: () => void (mediaStops += 1)
  };
  return createCall({ store, media, client: () => client, rtcConfig });
}

/** Every queued step is done when a whole turn of the event loop has passed. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function dialled(id = 'bob') {
  await call.dial(id);
  Object.assign(session, { id: 's', state: SESSION.NEW });
  call.onSession(session);
  await settled();
}

async function ring(id = 'bob') {
  session = { id: 's', opponent: '', outgoing: false, state: SESSION.NEW };
  call.onSession(session);
  session.opponent = id;
  call.onCall(session, OFFER);
  await settled();
}

test('dialling: media, session, then the offer with what there is to send', async () => {
  await dialled();
  assert.deepEqual(sent, [['session', 'bob'], ['call', 'offer']]);
  assert.deepEqual(connections[0].transceivers.map(({ direction }) => direction), ['sendrecv', 'sendrecv']);
  assert.equal(store.state.roomState, 'calling');
  call.onAccept(ANSWER);
  await settled();
  assert.deepEqual(connections[0].asked, ['local offer', 'remote answer']);
});

test('without camera and microphone both kinds are asked for all the same', async () => {
  outgoing = {};
  await dialled();
  assert.deepEqual(connections[0].transceivers.map(({ receiver, direction }) => `${receiver.track.kind} ${direction}`), ['audio recvonly', 'video recvonly']);
});

test('own candidates go out as plain objects, null after the last', async () => {
  await dialled();
  sent.length = 0;
  connections[0].onicecandidate({ candidate: { toJSON: () => ({ candidate: 'c', sdpMid: '0' }) } });
  connections[0].onicecandidate({ candidate: null });
  assert.deepEqual(sent, [['icecandidate', 'c'], ['icecandidate', null]]);
});

test('ringing: nothing is opened or answered before Accept, and candidates wait', async () => {
  await ring();
  assert.equal(call.caller(), 'bob');
  call.onCandidate({ candidate: 'early' });
  call.onCandidate(null);
  await settled();
  assert.deepEqual([connections[0].asked, sent, store.state.peers.size], [[], [], 0]);
  call.accept();
  await settled();
  assert.deepEqual(connections[0].asked, ['remote offer', 'candidate early', 'candidate ', 'local answer']);
  assert.deepEqual(sent, [['accept', 'answer']]);
  assert.equal(call.caller(), '');
  assert.ok(store.state.peers.has('bob'));
});

test('somebody rings before the name has come', () => {
  session = { id: 's', opponent: '', outgoing: false, state: SESSION.NEW };
  call.onSession(session);
  assert.equal(call.caller(), null);
  call.accept();
  assert.deepEqual(sent, []);
  call.reject();
  assert.deepEqual(sent, [['reject']]);
  assert.equal(call.caller(), '');
});

test('a repeated offer replaces the one that rings', async () => {
  await ring();
  call.onCall(session, { type: 'offer', sdp: 'second' });
  call.accept();
  await settled();
  assert.equal(connections[0].remoteDescription.sdp, 'second');
  assert.equal(connections.length, 1);
});

test('an offer in the running call is answered without ringing', async () => {
  await dialled();
  call.onAccept(ANSWER);
  await settled();
  call.onCall(session, OFFER);
  await settled();
  assert.deepEqual(sent.at(-1), ['accept', 'answer']);
  assert.equal(call.caller(), '');
});

test('a camera that comes later makes one new offer', async () => {
  outgoing = { audio: TRACKS.audio };
  await dialled();
  call.onAccept(ANSWER);
  await settled();
  sent.length = 0;
  outgoing = { ...TRACKS };
  call.syncTracks();
  call.syncTracks();
  await settled();
  assert.deepEqual(sent, [['call', 'offer']]);
  call.onAccept(ANSWER);
  call.syncTracks();
  await settled();
  assert.deepEqual(sent, [['call', 'offer']], 'nothing changed since');
});

test('two call each other: whoever was late answers by itself', async () => {
  grant = new Promise(() => {});
  void call.dial('bob');
  grant = null;
  await ring('bob');
  assert.equal(connections[0].connectionState, 'closed');
  assert.deepEqual(sent, [['accept', 'answer']]);
});

test('somebody else is faster than our own call: it rings, ours is over', async () => {
  let allow;
  grant = new Promise((resolve) => (allow = resolve));
  const dialling = call.dial('bob');
  await ring('carol');
  allow();
  await dialling;
  assert.equal(call.caller(), 'carol');
  assert.deepEqual(sent, [], 'no session is asked for once somebody rings');
});

test('hanging up while the browser still asks for the camera calls nobody', async () => {
  let allow;
  grant = new Promise((resolve) => (allow = resolve));
  const dialling = call.dial('bob');
  call.hangUp();
  allow();
  await dialling;
  assert.deepEqual(sent, [['stop']]);
  assert.equal(store.state.peers.size, 0);
  assert.ok(mediaStops > 0);
});

test('the end closes the connection, turns off the devices and clears the stage', async () => {
  await dialled();
  session = null;
  call.close();
  assert.equal(connections[0].connectionState, 'closed');
  assert.deepEqual([store.state.peers.size, store.state.roomState, mediaStops], [0, 'joined', 1]);
});

test('a connection that fails ends the call in words', async () => {
  await dialled();
  connections[0].state('failed');
  assert.deepEqual(sent.at(-1), ['stop']);
  assert.match(store.view.error, /No direct connection to bob/);
});

test('an answer that cannot be used ends a new call, and leaves a running one alone', async () => {
  const consoleError = console.error;
  console.error = () => {};
  await dialled();
  call.onAccept({ type: 'answer', sdp: 'bad' });
  await settled();
  assert.deepEqual(sent.at(-1), ['stop']);
  assert.match(store.view.error, /InvalidAccessError/);

  await dialled();
  call.onAccept(ANSWER);
  connections[1].state('connected');
  await settled();
  call.onCall(session, { type: 'offer', sdp: 'bad' });
  await settled();
  assert.notEqual(connections[1].connectionState, 'closed');
  console.error = consoleError;
});

test('ICE settings the browser refuses are told, and nobody is left waiting', async () => {
  call = build({ broken: true });
  await call.dial('bob');
  assert.match(store.view.error, /bob.*SyntaxError/);
  await ring('carol');
  assert.deepEqual(sent.at(-1), ['stop']);
  assert.equal(session, null);
});
