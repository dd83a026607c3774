// The media of one call: an RTCPeerConnection, what it sends and in which direction. Its owner sees to it that one thing is done at a time.

/**
 * @typedef {{ audio: MediaStreamTrack | null, video: MediaStreamTrack | null }} Tracks
 * @typedef {{ held: boolean, silent: boolean, heldByThem: boolean, video: boolean }} Wish
 *   `held` by us, as the other side is told; `silent`: nothing is sent, told or not; `video`: ours is sent
 * @typedef {{
 *   onCandidate(candidate: RTCIceCandidateInit | null): void, onChange(): void, onFailed(established: boolean): void
 * }} LegEvents `null` after the last candidate
 * @typedef {ReturnType<typeof createLeg>} Leg
 */

/** How long a digit sounds, and the pause after it, in ms: what the oldest receivers still hear. */
export const DIGIT_MS = 160;
const GAP_MS = 80;

/** @type {readonly Kind[]} */
const KINDS = ['audio', 'video'];

/**
 * @param {Kind} kind
 * @param {Wish} wish
 * @param {boolean} hasTrack
 * @returns {RTCRtpTransceiverDirection}
 */
export function directionFor(kind, { held, heldByThem, video }, hasTrack) {
  if (kind === 'video') return held ? 'inactive' : video && hasTrack ? 'sendrecv' : 'recvonly';
  // RFC 3264 section 8.4: who holds only sends; if both hold, nothing flows. Without a microphone it may be plugged in later.
  return held ? (heldByThem ? 'inactive' : 'sendonly') : 'sendrecv';
}

/**
 * @param {RTCConfiguration} rtcConfig
 * @param {LegEvents} events
 */
export function createLeg(rtcConfig, { onCandidate, onChange, onFailed }) {
  const pc = new RTCPeerConnection({ ...rtcConfig, bundlePolicy: 'max-bundle' });
  const remote = new MediaStream();
  const own = new MediaStream();
  let established = false;

  pc.onicecandidate = ({ candidate }) => {
    // An empty one ends those of a section in some browsers; the last of all is null.
    if (!candidate || candidate.candidate) onCandidate(candidate?.toJSON() ?? null);
  };
  pc.ontrack = ({ track }) => {
    if (!remote.getTracks().includes(track)) remote.addTrack(track);
    track.onmute = track.onunmute = track.onended = onChange;
    onChange();
  };
  pc.onconnectionstatechange = () => {
    if (pc.connectionState === 'connected') established = true;
    if (pc.connectionState === 'failed') onFailed(established);
    onChange();
  };

  /** @param {Kind} kind */
  const transceiverOf = (kind) => pc.getTransceivers().find(({ receiver, direction }) => receiver.track.kind === kind && direction !== 'stopped');

  /**
   * What goes out changes at once; the other side need not know.
   * @param {Tracks} tracks
   * @param {Wish} wish
   */
  async function put(tracks, wish) {
    for (const kind of KINDS) {
      const sender = transceiverOf(kind)?.sender;
      const track = wish.silent || (kind === 'video' && !wish.video) ? null : tracks[kind];
      if (sender && sender.track !== track) await sender.replaceTrack(track);
    }
  }

  /**
   * @param {Tracks} tracks
   * @param {Wish} wish
   */
  async function arrange(tracks, wish) {
    for (const kind of KINDS) {
      const transceiver = transceiverOf(kind);
      if (!transceiver) continue;
      transceiver.direction = directionFor(kind, wish, tracks[kind] !== null);
      transceiver.sender.setStreams?.(own);
    }
    await put(tracks, wish);
  }

  return {
    pc,
    remote,

    put,

    /**
     * @param {Tracks} tracks
     * @param {Wish} wish
     */
    async offer(tracks, wish) {
      for (const kind of KINDS) {
        if (!transceiverOf(kind) && (kind === 'audio' || wish.video)) pc.addTransceiver(kind, { streams: [own] });
      }
      await arrange(tracks, wish);
      await pc.setLocalDescription(await pc.createOffer());
      return pc.localDescription?.sdp ?? '';
    },

    /**
     * @param {string} sdp an offer
     * @param {Tracks} tracks
     * @param {Wish} wish
     */
    async answer(sdp, tracks, wish) {
      await pc.setRemoteDescription({ type: 'offer', sdp });
      await arrange(tracks, wish);
      await pc.setLocalDescription(await pc.createAnswer());
      return pc.localDescription?.sdp ?? '';
    },

    /** @param {string} sdp */
    async takeAnswer(sdp) {
      // A second one for the same offer says nothing new.
      if (pc.signalingState === 'have-local-offer') await pc.setRemoteDescription({ type: 'answer', sdp });
    },

    /** Our offer was refused, or theirs comes first. */
    async rollback() {
      if (pc.signalingState !== 'have-local-offer') return;
      await pc.setLocalDescription({ type: 'rollback' });
      // Left alone, a section that nobody wanted would be offered for ever.
      for (const transceiver of pc.getTransceivers()) if (transceiver.mid === null) transceiver.stop();
    },

    /**
     * @param {string} digit
     * @returns {boolean} false: what was negotiated has no tones
     */
    tone(digit) {
      const dtmf = transceiverOf('audio')?.sender.dtmf;
      if (!dtmf?.canInsertDTMF) return false;
      dtmf.insertDTMF(dtmf.toneBuffer + digit, DIGIT_MS, GAP_MS);
      return true;
    },

    close() {
      pc.onicecandidate = pc.ontrack = pc.onconnectionstatechange = null;
      for (const track of remote.getTracks()) track.onmute = track.onunmute = track.onended = null;
      pc.close();
    }
  };
}
