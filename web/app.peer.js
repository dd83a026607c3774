// One call's connection and what belongs to it, before anything is negotiated.

/**
 * @param {string} id
 * @param {RTCConfiguration} rtcConfig
 * @param {boolean} polite gives way when both sides offer at once
 * @returns {RoomPeer}
 */
export function newPeer(id, rtcConfig, polite) {
  return {
    id,
    pc: new RTCPeerConnection(rtcConfig),
    polite,
    makingOffer: false,
    ignoreOffer: false,
    pendingCandidates: [],
    remoteStream: null,
    channels: new Set(),
    chatOpen: false,
    senders: {},
    established: false,
    offerAgain: false,
    restartTimer: 0,
    queue: Promise.resolve()
  };
}

/**
 * Gathers what arrives into one stream per peer.
 * @param {RoomPeer} peer
 * @param {() => void} changed
 */
export function collectTracks(peer, changed) {
  peer.pc.ontrack = ({ track, streams }) => {
    // Some bridges send tracks without a stream.
    peer.remoteStream = streams[0] ?? peer.remoteStream ?? new MediaStream();
    if (!peer.remoteStream.getTracks().includes(track)) peer.remoteStream.addTrack(track);
    track.onmute = track.onunmute = () => changed();
    peer.remoteStream.onremovetrack = () => changed();
    changed();
  };
}

/** @param {RoomPeer} peer */
export function closePeer({ pc }) {
  pc.onicecandidate = pc.ontrack = pc.ondatachannel = pc.onconnectionstatechange = null;
  pc.close();
}
