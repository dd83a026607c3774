// Which tracks a connection sends: brings an RTCPeerConnection in line with what the page has to offer.

/** @type {readonly Kind[]} */
const KINDS = ['audio', 'video'];

/**
 * @param {RoomPeer} peer
 * @param {(kind: Kind) => { track: MediaStreamTrack, stream: MediaStream } | null} outgoing
 * @returns {Promise<boolean>} whether the other side must be told by a new offer
 */
export async function syncSenders(peer, outgoing) {
  let renegotiate = false;
  for (const kind of KINDS) {
    const wanted = outgoing(kind);
    const sender = peer.senders[kind];
    if (!sender) {
      if (!wanted) continue;
      peer.senders[kind] = peer.pc.addTrack(wanted.track, wanted.stream);
      renegotiate = true;
      continue;
    }
    const track = wanted?.track ?? null;
    if (sender.track !== track) await sender.replaceTrack(track);
    if (setSending(peer.pc, sender, track !== null)) renegotiate = true;
  }
  return renegotiate;
}

/**
 * A picture that merely stops would freeze at the other end; the direction says that there is none.
 * @param {RTCPeerConnection} pc
 * @param {RTCRtpSender} sender
 * @param {boolean} sending
 */
function setSending(pc, sender, sending) {
  const transceiver = pc.getTransceivers().find((item) => item.sender === sender);
  if (!transceiver || transceiver.direction === 'stopped') return false;
  const before = transceiver.direction;
  const receiving = before === 'sendrecv' || before === 'recvonly';
  /** @type {RTCRtpTransceiverDirection} */
  const after = sending ? (receiving ? 'sendrecv' : 'sendonly') : receiving ? 'recvonly' : 'inactive';
  if (before === after) return false;
  transceiver.direction = after;
  return true;
}

/**
 * Asks for sound and picture even where we have none to send.
 * @param {RTCPeerConnection} pc
 */
export function wantBothKinds(pc) {
  for (const kind of KINDS) {
    const present = pc.getTransceivers().some((item) => item.receiver.track.kind === kind && item.direction !== 'stopped');
    if (!present) pc.addTransceiver(kind, { direction: 'recvonly' });
  }
}
