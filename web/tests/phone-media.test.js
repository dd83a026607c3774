import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { openWanted } from '../phone/devices.js';
import { createLeg } from '../phone/leg.js';

class FakeStream {
  tracks = [];
  getTracks() {
    return this.tracks;
  }
  addTrack(track) {
    this.tracks.push(track);
  }
}

/** As far as a leg looks at it. */
class FakePc {
  connectionState = 'new';
  signalingState = 'stable';
  localDescription = null;
  transceivers = [];
  done = [];
  constructor(config) {
    this.config = config;
    pc = this;
  }
  addTransceiver(kind, { streams } = {}) {
    const transceiver = {
      mid: null, direction: 'sendrecv', streams,
      receiver: { track: { kind } },
      sender: {
        track: null,
        replaceTrack: async (track) => void (transceiver.sender.track = track),
        dtmf: { canInsertDTMF: true, toneBuffer: '', insertDTMF: (...tones) => this.done.push(tones) }
      },
      stop: () => (transceiver.direction = 'stopped')
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }
  getTransceivers() {
    return this.transceivers;
  }
  async createOffer() {
    return { type: 'offer', sdp: `offer ${this.directions()}` };
  }
  async createAnswer() {
    return { type: 'answer', sdp: `answer ${this.directions()}` };
  }
  async setLocalDescription(description) {
    this.done.push(description.type);
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
    if (description.type !== 'rollback') this.localDescription = description;
  }
  async setRemoteDescription(description) {
    this.done.push(`their ${description.type}`);
    if (description.type === 'offer') for (const kind of description.sdp.split(' ')) if (!this.transceivers.some(({ receiver }) => receiver.track.kind === kind)) this.addTransceiver(kind);
    for (const [index, transceiver] of this.transceivers.entries()) transceiver.mid = String(index);
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
  }
  directions() {
    return this.transceivers.filter(({ direction }) => direction !== 'stopped').map(({ receiver, direction }) => `${receiver.track.kind}:${direction}`).join(' ');
  }
  close() {
    this.done.push('close');
  }
}

const [audio, video] = [{ kind: 'audio' }, { kind: 'video' }];
const BOTH = { audio, video };
const WISH = { held: false, silent: false, heldByThem: false, video: false };
let pc, candidates, failures, changes, leg;

beforeEach(() => {
  globalThis.RTCPeerConnection = FakePc;
  globalThis.MediaStream = FakeStream;
  candidates = [];
  failures = [];
  changes = 0;
  leg = createLeg({ iceServers: [] }, { onCandidate: (candidate) => candidates.push(candidate), onChange: () => (changes += 1), onFailed: (was) => failures.push(was) });
});

const sent = () => pc.transceivers.map(({ sender }) => sender.track);

test('an offer has sound, and a picture only if one is sent', async () => {
  assert.equal(await leg.offer(BOTH, WISH), 'offer audio:sendrecv');
  assert.deepEqual(sent(), [audio]);
  assert.equal(await leg.offer(BOTH, { ...WISH, video: true }), 'offer audio:sendrecv video:sendrecv');
  assert.deepEqual(sent(), [audio, video]);
  assert.equal(pc.transceivers.length, 2, 'what is there is not added again');
  assert.deepEqual([pc.config.iceServers, pc.config.bundlePolicy], [[], 'max-bundle']);
});

test('an answer takes the kinds that are offered', async () => {
  assert.equal(await leg.answer('audio video', BOTH, WISH), 'answer audio:sendrecv video:recvonly');
  assert.deepEqual(sent(), [audio, null]);
  assert.deepEqual(pc.done, ['their offer', 'answer']);
});

test('on hold nothing goes out, before anybody is told', async () => {
  await leg.offer(BOTH, { ...WISH, video: true });
  await leg.put(BOTH, { ...WISH, video: true, silent: true });
  assert.deepEqual(sent(), [null, null]);
  assert.equal(pc.directions(), 'audio:sendrecv video:sendrecv');
  assert.equal(await leg.offer(BOTH, { ...WISH, video: true, silent: true, held: true }), 'offer audio:sendonly video:inactive');
  await leg.put(BOTH, { ...WISH, video: true });
  assert.deepEqual(sent(), [audio, video]);
});

test('an offer that was refused leaves no section behind', async () => {
  await leg.answer('audio', BOTH, WISH);
  await leg.offer(BOTH, { ...WISH, video: true });
  await leg.rollback();
  assert.equal(pc.directions(), 'audio:sendrecv');
  await leg.rollback();
  assert.deepEqual(pc.done.filter((what) => what === 'rollback'), ['rollback'], 'there is nothing to take back');
});

test('only one answer is taken for an offer', async () => {
  await leg.takeAnswer('early');
  await leg.offer(BOTH, WISH);
  await leg.takeAnswer('x');
  await leg.takeAnswer('y');
  assert.deepEqual(pc.done, ['offer', 'their answer']);
});

test('candidates: as they are, the empty one of a section is nothing, null is the end', () => {
  const json = { candidate: 'candidate:1', sdpMid: '0' };
  pc.onicecandidate({ candidate: { candidate: 'candidate:1', toJSON: () => json } });
  pc.onicecandidate({ candidate: { candidate: '', toJSON: () => ({}) } });
  pc.onicecandidate({ candidate: null });
  assert.deepEqual(candidates, [json, null]);
});

test('a connection that fails says whether it ever was one', () => {
  pc.connectionState = 'failed';
  pc.onconnectionstatechange();
  pc.connectionState = 'connected';
  pc.onconnectionstatechange();
  pc.connectionState = 'failed';
  pc.onconnectionstatechange();
  assert.deepEqual([failures, changes], [[false, true], 3]);
});

test('tracks are gathered into one stream, each once', () => {
  const track = { kind: 'audio' };
  pc.ontrack({ track });
  pc.ontrack({ track });
  assert.deepEqual(leg.remote.getTracks(), [track]);
  track.onmute();
  assert.equal(changes, 3);
  leg.close();
  assert.deepEqual([track.onmute, pc.ontrack, pc.done], [null, null, ['close']]);
});

test('tones are added to those that still sound, if there can be any', async () => {
  assert.equal(leg.tone('1'), false, 'nothing is negotiated');
  await leg.offer(BOTH, WISH);
  const { dtmf } = pc.transceivers[0].sender;
  dtmf.toneBuffer = '2';
  assert.equal(leg.tone('3'), true);
  assert.deepEqual(pc.done.at(-1), ['23', 160, 80]);
  dtmf.canInsertDTMF = false;
  assert.equal(leg.tone('4'), false);
});

/** A machine with some devices. */
const machine = (...kinds) => ({
  asked: [],
  async getUserMedia(wanted) {
    this.asked.push(Object.keys(wanted).filter((kind) => wanted[kind]));
    if (this.asked.at(-1).some((kind) => !kinds.includes(kind))) throw Object.assign(new Error(), { name: this.refusal ?? 'NotFoundError' });
    return { getTracks: () => this.asked.at(-1).map((kind) => ({ kind })) };
  }
});
const CHOICE = { microphone: '', camera: '' };
const opened = async (devices, wanted) => {
  const { tracks, issue } = await openWanted(devices, wanted, CHOICE);
  return [tracks.map(({ kind }) => kind).join(), issue];
};

test('of the devices that are wanted, those are opened that there are', async () => {
  assert.deepEqual(await opened(machine('audio', 'video'), { audio: true, video: true }), ['audio,video', '']);
  const [kinds, issue] = await opened(machine('audio'), { audio: true, video: true });
  assert.equal(kinds, 'audio');
  assert.match(issue, /^The others do not see you\. No camera/);
  assert.match((await opened(machine('video'), { audio: true, video: true }))[1], /^The others do not hear you\./);
  assert.match((await opened(machine(), { audio: true, video: true }))[1], /neither hear nor see/);
  assert.match((await opened(machine(), { audio: true, video: false }))[1], /^The others do not hear you\. No microphone/);
});

test('a camera that is forbidden for good does not take the microphone with it', async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { permissions: { query: async ({ name }) => ({ state: name === 'camera' ? 'denied' : 'granted' }) } } });
  const devices = machine('audio');
  devices.refusal = 'NotAllowedError';
  const [kinds, issue] = await opened(devices, { audio: true, video: true });
  assert.deepEqual([kinds, devices.asked.at(-1)], ['audio', ['audio']]);
  assert.match(issue, /do not see you.*not allowed/);
  if (before) Object.defineProperty(globalThis, 'navigator', before);
  else delete globalThis.navigator;
});

test('who refuses both is not asked again at once', async () => {
  const devices = machine();
  devices.refusal = 'NotAllowedError';
  assert.match((await opened(devices, { audio: true, video: true }))[1], /not allowed/);
  assert.equal(devices.asked.length, 1);
});
