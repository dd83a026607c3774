import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNewSession, isPolite, judgeOffer, makeOffer, takeAnswer, takeCandidate, takeOffer } from '../app.negotiation.js';

/** A connection that follows the signalling states and notes what was asked of it. */
function fakePeer(polite) {
  const calls = [];
  const pc = {
    signalingState: 'stable',
    localDescription: null,
    remoteDescription: null,
    transceivers: [],
    getTransceivers: () => pc.transceivers,
    createOffer: async () => ({ type: 'offer', sdp: 'local-offer' }),
    createAnswer: async () => ({ type: 'answer', sdp: 'local-answer' }),
    setLocalDescription: async (description) => {
      calls.push(`local ${description.type}`);
      pc.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
      pc.localDescription = description.type === 'rollback' ? null : description;
    },
    setRemoteDescription: async (description) => {
      assert.notEqual(pc.signalingState === 'have-local-offer' && description.type === 'offer', true, 'no implicit rollback');
      calls.push(`remote ${description.type}`);
      pc.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
      pc.remoteDescription = description;
    },
    addIceCandidate: async (candidate) => {
      assert.ok(pc.remoteDescription, 'candidates wait for the remote description');
      if (candidate.candidate === 'bad') throw new Error('bad');
      calls.push(`candidate ${candidate.candidate}`);
    }
  };
  return { peer: { id: 'b', pc, polite, makingOffer: false, ignoreOffer: false, pendingCandidates: [], offerAgain: false }, pc, calls };
}

const offer = { type: 'offer', sdp: 'remote-offer' };
const noMedia = async () => {};
const sendOk = () => true;

test('exactly one of two is polite, and web clients are polite towards ids that begin with _', () => {
  for (const [a, b] of [['a', 'b'], ['0f', 'f0'], ['alice', 'Alice'], ['x-1', 'x_1']]) assert.notEqual(isPolite(a, b), isPolite(b, a), `${a} ${b}`);
  assert.ok(isPolite('b', 'a'));
  for (const id of ['0', 'a', 'Z', '-x', 'ffffffffffff']) assert.ok(isPolite(id, '_sip-100'), id);
});

test('an offer collides while one is made or the state is not stable', () => {
  assert.equal(judgeOffer({ polite: false, makingOffer: false }, 'stable'), 'accept');
  assert.equal(judgeOffer({ polite: false, makingOffer: true }, 'stable'), 'ignore');
  assert.equal(judgeOffer({ polite: false, makingOffer: false }, 'have-local-offer'), 'ignore');
  assert.equal(judgeOffer({ polite: true, makingOffer: false }, 'have-local-offer'), 'rollback');
});

test('an offer is answered, media added in between', async () => {
  const { peer, calls } = fakePeer(false);
  const sent = [];
  await takeOffer(peer, offer, async () => void calls.push('media'), (description) => sent.push(description.type));
  assert.deepEqual(calls, ['remote offer', 'media', 'local answer']);
  assert.deepEqual(sent, ['answer']);
});

test('the polite side rolls back explicitly, then answers', async () => {
  const { peer, pc, calls } = fakePeer(true);
  await makeOffer(peer, sendOk);
  const orphan = { mid: null, direction: 'recvonly', stop: () => calls.push('stop orphan') };
  pc.transceivers = [orphan, { mid: '0', direction: 'recvonly', stop: () => assert.fail() }];
  await takeOffer(peer, offer, noMedia, sendOk);
  assert.deepEqual(calls, ['local offer', 'local rollback', 'stop orphan', 'remote offer', 'local answer']);
  assert.equal(peer.offerAgain, false, 'the first offer needs no second one');
});

test('a rolled back change in a running call is offered again', async () => {
  const { peer, pc } = fakePeer(true);
  pc.remoteDescription = { type: 'answer', sdp: '' };
  await makeOffer(peer, sendOk);
  await takeOffer(peer, offer, noMedia, sendOk);
  assert.equal(peer.offerAgain, true);
});

test('the impolite side ignores the offer and its candidates until the answer', async () => {
  const { peer, calls } = fakePeer(false);
  await makeOffer(peer, sendOk);
  await takeOffer(peer, offer, () => assert.fail(), () => assert.fail());
  await takeCandidate(peer, { candidate: 'of the ignored offer' });
  await takeAnswer(peer, { type: 'answer', sdp: '' });
  await takeCandidate(peer, { candidate: 'of the answer' });
  assert.deepEqual(calls, ['local offer', 'remote answer', 'candidate of the answer']);
});

test('early candidates wait for the remote description; a bad one does no harm', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { peer, calls } = fakePeer(false);
  await makeOffer(peer, sendOk);
  for (const candidate of ['1', 'bad', '2']) await takeCandidate(peer, { candidate });
  assert.equal(peer.pendingCandidates.length, 3);
  await takeAnswer(peer, { type: 'answer', sdp: '' });
  assert.deepEqual(calls.slice(2), ['candidate 1', 'candidate 2']);
  assert.equal(peer.pendingCandidates.length, 0);
});

test('the queue of early candidates is bounded', async () => {
  const { peer } = fakePeer(false);
  for (let i = 0; i < 1000; i += 1) await takeCandidate(peer, { candidate: String(i) });
  assert.equal(peer.pendingCandidates.length, 256);
});

test('an answer nobody waits for is dropped', async () => {
  const { peer, calls } = fakePeer(false);
  await takeAnswer(peer, { type: 'answer', sdp: '' });
  assert.deepEqual(calls, []);
});

test('makingOffer is true only while the offer is made', async () => {
  const { peer, pc } = fakePeer(false);
  pc.createOffer = async () => {
    assert.equal(peer.makingOffer, true);
    throw new Error('closed');
  };
  await assert.rejects(makeOffer(peer, sendOk));
  assert.equal(peer.makingOffer, false);
});

test('another certificate means another connection at the other end', () => {
  const sdp = (...prints) => prints.map((print) => `m=audio\r\na=fingerprint:sha-256 ${print}\r\n`).join('');
  assert.equal(isNewSession(sdp('AA:01', 'AA:01'), sdp('aa:01')), false);
  assert.equal(isNewSession(sdp('AA:01'), sdp('BB:02')), true);
  assert.equal(isNewSession(undefined, sdp('BB:02')), false);
  assert.equal(isNewSession(sdp('AA:01'), 'v=0'), false);
});
