// Perfect negotiation over one RTCPeerConnection. Every function expects to run alone per peer: the peer's queue sees to that.

/** A peer that never answers must not fill our memory with candidates. */
const MAX_PENDING_CANDIDATES = 256;

/**
 * The rule both ends must share letter by letter: exactly one of them is polite.
 * @param {string} myId
 * @param {string} peerId
 */
export function isPolite(myId, peerId) {
  return myId.localeCompare(peerId) > 0;
}

/**
 * @param {{ polite: boolean, makingOffer: boolean }} peer
 * @param {string} signalingState
 * @returns {'accept' | 'ignore' | 'rollback'} what to do with an incoming offer
 */
export function judgeOffer(peer, signalingState) {
  if (!peer.makingOffer && signalingState === 'stable') return 'accept';
  return peer.polite ? 'rollback' : 'ignore';
}

/** @param {string | undefined} sdp */
function fingerprints(sdp) {
  return new Set(sdp?.match(/^a=fingerprint:.*$/gim)?.map((line) => line.trim().toLowerCase()));
}

/**
 * Does this offer come from another RTCPeerConnection than the one we talk to? Then the old one is gone without a
 * hang-up (a reload, a crash), and its offer cannot be applied to our half of the old call.
 * @param {string | undefined} known the remote description in use
 * @param {string | undefined} offered
 */
export function isNewSession(known, offered) {
  const before = fingerprints(known);
  const after = fingerprints(offered);
  if (before.size === 0 || after.size === 0) return false;
  return ![...after].some((line) => before.has(line));
}

/**
 * @param {RoomPeer} peer
 * @param {(description: RTCSessionDescription) => boolean} send
 * @param {RTCOfferOptions} [options]
 * @returns {Promise<boolean>} whether it could be sent
 */
export async function makeOffer(peer, send, options) {
  try {
    peer.makingOffer = true;
    await peer.pc.setLocalDescription(await peer.pc.createOffer(options));
    return peer.pc.localDescription !== null && send(peer.pc.localDescription);
  } finally {
    peer.makingOffer = false;
  }
}

/**
 * @param {RoomPeer} peer
 * @param {RTCSessionDescriptionInit} offer
 * @param {() => Promise<void>} addMedia called between offer and answer
 * @param {(description: RTCSessionDescription) => boolean} send
 */
export async function takeOffer(peer, offer, addMedia, send) {
  const verdict = judgeOffer(peer, peer.pc.signalingState);
  peer.ignoreOffer = verdict === 'ignore';
  if (verdict === 'ignore') return;
  if (verdict === 'rollback') await rollBack(peer);
  await peer.pc.setRemoteDescription(offer);
  await drainCandidates(peer);
  await addMedia();
  await peer.pc.setLocalDescription(await peer.pc.createAnswer());
  if (peer.pc.localDescription) send(peer.pc.localDescription);
}

/** @param {RoomPeer} peer */
async function rollBack(peer) {
  // Mid-call our offer carried a change the other side has not seen: it must follow. At the start theirs says it all.
  peer.offerAgain = peer.pc.remoteDescription !== null;
  await peer.pc.setLocalDescription({ type: 'rollback' });
  // Receive-only transceivers do not attach to the sections of a remote offer; left alone they would add empty ones.
  for (const transceiver of peer.pc.getTransceivers()) {
    if (transceiver.mid === null && transceiver.direction === 'recvonly') transceiver.stop();
  }
}

/**
 * @param {RoomPeer} peer
 * @param {RTCSessionDescriptionInit} answer
 */
export async function takeAnswer(peer, answer) {
  // A late answer to an offer that was rolled back since.
  if (peer.pc.signalingState !== 'have-local-offer') return;
  await peer.pc.setRemoteDescription(answer);
  peer.ignoreOffer = false;
  await drainCandidates(peer);
}

/**
 * @param {RoomPeer} peer
 * @param {RTCIceCandidateInit} candidate
 */
export async function takeCandidate(peer, candidate) {
  if (peer.ignoreOffer) return;
  if (!peer.pc.remoteDescription) {
    if (peer.pendingCandidates.length < MAX_PENDING_CANDIDATES) peer.pendingCandidates.push(candidate);
    return;
  }
  await addCandidate(peer, candidate);
}

/** @param {RoomPeer} peer */
async function drainCandidates(peer) {
  for (const candidate of peer.pendingCandidates.splice(0)) await addCandidate(peer, candidate);
}

/**
 * One bad candidate is no reason to give up: another may work.
 * @param {RoomPeer} peer
 * @param {RTCIceCandidateInit} candidate
 */
async function addCandidate(peer, candidate) {
  try {
    await peer.pc.addIceCandidate(candidate);
  } catch (error) {
    console.warn('candidate refused', peer.id, error);
  }
}
