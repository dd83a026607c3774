import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createDevices, openWanted } from '../phone/devices.js';
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
  assert.match((await opened(machine(), { audio: false, video: true }))[1], /^The others do not see you\. No camera/);
  const chosen = { ...machine('audio', 'video'), async getUserMedia(wanted) { this.wanted = wanted; return { getTracks: () => [] }; } };
  await openWanted(chosen, { audio: true, video: false }, { microphone: 'm', camera: 'c' });
  assert.deepEqual(chosen.wanted, { audio: { deviceId: { exact: 'm' } }, video: false });
  await openWanted(chosen, { audio: false, video: true }, { microphone: 'm', camera: 'c' });
  assert.deepEqual([chosen.wanted.audio, chosen.wanted.video.deviceId], [false, { exact: 'c' }]);
  assert.match((await opened(machine('video'), { audio: true, video: true }))[1], /^The others do not hear you\./);
  assert.match((await opened(machine(), { audio: true, video: true }))[1], /neither hear nor see/);
  assert.match((await opened(machine(), { audio: true, video: false }))[1], /^The others do not hear you\. No microphone/);
});

const browser = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
const inBrowser = (value) => Object.defineProperty(globalThis, 'navigator', { configurable: true, value });
after(() => (browser ? Object.defineProperty(globalThis, 'navigator', browser) : delete globalThis.navigator));

test('a camera that is forbidden for good does not take the microphone with it', async () => {
  inBrowser({ permissions: { query: async ({ name }) => ({ state: name === 'camera' ? 'denied' : 'granted' }) } });
  const devices = machine('audio');
  devices.refusal = 'NotAllowedError';
  const [kinds, issue] = await opened(devices, { audio: true, video: true });
  assert.deepEqual([kinds, devices.asked.at(-1)], ['audio', ['audio']]);
  assert.match(issue, /do not see you.*not allowed/);
  inBrowser({ permissions: { query: async ({ name }) => ({ state: name === 'microphone' ? 'denied' : 'granted' }) } });
  const other = machine('video');
  other.refusal = 'NotAllowedError';
  assert.equal((await opened(other, { audio: true, video: true }))[0], 'video');
});

test('who refuses both is not asked again at once', async () => {
  inBrowser({});
  const devices = machine();
  devices.refusal = 'NotAllowedError';
  assert.match((await opened(devices, { audio: true, video: true }))[1], /not allowed/);
  assert.equal(devices.asked.length, 1);
});

/** Devices whose tracks tell whether they run. */
function running(...kinds) {
  const opened = [];
  const mediaDevices = {
    opened,
    gate: Promise.resolve(),
    async getUserMedia(wanted) {
      await this.gate;
      const tracks = kinds.filter((kind) => wanted[kind]).map((kind) => ({ kind, enabled: true, live: true, stop() { this.live = false; } }));
      opened.push(...tracks);
      return { getTracks: () => tracks };
    }
  };
  inBrowser({ mediaDevices });
  const told = { changes: 0, tracks: 0 };
  const devices = createDevices({ choice: { ...CHOICE }, onChange: () => (told.changes += 1), onTracks: () => (told.tracks += 1) });
  return { devices, told, mediaDevices, opened };
}

test('devices are opened when they are needed, and once', async () => {
  const { devices, told, opened } = running('audio', 'video');
  await devices.ensure({ audio: true, video: false });
  await devices.ensure({ audio: true, video: false });
  assert.deepEqual([opened.length, told.tracks, devices.tracks().audio, devices.tracks().video], [1, 1, opened[0], null]);
  await devices.ensure({ audio: true, video: true });
  assert.deepEqual(opened.map(({ kind }) => kind), ['audio', 'video']);
  devices.close();
  assert.deepEqual([opened.some(({ live }) => live), devices.tracks()], [false, { audio: null, video: null }]);
});

test('muted and hidden hold for what is opened later, and end with the call', async () => {
  const { devices, opened } = running('audio', 'video');
  assert.deepEqual([devices.muted, devices.hidden], [false, false]);
  devices.toggleMuted();
  devices.setHidden(true);
  await devices.ensure({ audio: true, video: true });
  assert.deepEqual(opened.map(({ enabled }) => enabled), [false, false]);
  devices.toggleMuted();
  devices.setHidden(false);
  assert.deepEqual(opened.map(({ enabled }) => enabled), [true, true]);
  devices.toggleMuted();
  devices.close();
  assert.deepEqual([devices.muted, devices.hidden], [false, false]);
});

test('another device takes the place of the first, which goes before it', async () => {
  const { devices, told, opened } = running('audio', 'video');
  await devices.renew('audio');
  assert.equal(opened.length, 0, 'nothing is open that could be replaced');
  await devices.ensure({ audio: true, video: true });
  for (const [kind, index] of [['audio', 0], ['video', 1]]) {
    await devices.renew(kind);
    assert.deepEqual([opened[index].live, opened.at(-1).kind, devices.tracks()[kind]], [false, kind, opened.at(-1)]);
  }
  assert.equal(told.tracks, 3);
});

test('a device that is unplugged is missed, and said to be', async () => {
  const { devices, told, opened } = running('audio');
  await devices.ensure({ audio: true, video: false });
  const [first] = opened;
  first.onended();
  assert.deepEqual([devices.tracks().audio, told.tracks], [null, 2]);
  assert.match(devices.issue, /do not hear you\. No microphone/);
  await devices.ensure({ audio: true, video: false });
  first.onended();
  assert.equal(devices.tracks().audio, opened[1], 'the old one has been replaced');
  assert.equal(devices.issue, '');
});

test('what is granted after the call ended is closed at once', async () => {
  const { devices, mediaDevices, opened, told } = running('audio');
  let grant;
  mediaDevices.gate = new Promise((resolve) => (grant = resolve));
  const asked = devices.ensure({ audio: true, video: false });
  await new Promise((resolve) => setImmediate(resolve));
  devices.close();
  grant();
  await asked;
  assert.deepEqual([opened[0].live, devices.tracks().audio, told.tracks], [false, null, 0]);
});

test('a page that is not secure gets no devices, and says why', async () => {
  const { devices } = running('audio');
  inBrowser({});
  globalThis.window = { isSecureContext: false };
  await devices.ensure({ audio: true, video: false });
  assert.match(devices.issue, /do not hear you.*https/);
  delete globalThis.window;
});
