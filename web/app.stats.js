// How a call is doing: figures out of getStats, every two seconds per connected peer.

export const STATS_INTERVAL_MS = 2000;

/**
 * @typedef {{ at: number, bytesSent: number, audioReceived: number, audioLost: number }} Sample running totals
 * @typedef {{ sent: string, size: string, loss: string, rtt: string, codec: string }} Figures as shown
 */

/** Nothing to tell: nothing is sent, or no time has passed. */
const NONE = '';

/**
 * @param {number} bytes
 * @param {number} ms
 */
export function kilobits(bytes, ms) {
  if (!(ms > 0) || bytes < 0) return NONE;
  return `${Math.round((bytes * 8) / ms)} kbit/s`;
}

/**
 * @param {number} received
 * @param {number} lost may be negative: duplicates count against it
 */
export function lossPercent(received, lost) {
  const missing = Math.max(0, lost);
  const all = received + missing;
  return all > 0 ? `${((missing / all) * 100).toFixed(1)} %` : NONE;
}

/**
 * @param {Iterable<Record<string, any>>} entries of an RTCStatsReport
 * @param {Sample | undefined} before
 * @returns {{ figures: Figures, sample: Sample }}
 */
export function readStats(entries, before) {
  const all = [...entries];
  const video = all.find((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video');
  const audio = all.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio');
  const transport = all.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId);
  // Firefox names no selected pair; there the nominated one is in use.
  const pair =
    all.find((entry) => entry.id !== undefined && entry.id === transport?.selectedCandidatePairId) ??
    all.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
  const codec = all.find((entry) => entry.type === 'codec' && entry.id === video?.codecId);

  const sample = {
    at: video?.timestamp ?? audio?.timestamp ?? 0,
    bytesSent: video?.bytesSent ?? 0,
    audioReceived: audio?.packetsReceived ?? 0,
    audioLost: audio?.packetsLost ?? 0
  };
  const rtt = pair?.currentRoundTripTime;
  return {
    sample,
    figures: {
      sent: video && before ? kilobits(sample.bytesSent - before.bytesSent, sample.at - before.at) : NONE,
      size: video?.frameWidth && video.frameHeight ? `${video.frameWidth}×${video.frameHeight}` : NONE,
      loss: before ? lossPercent(sample.audioReceived - before.audioReceived, sample.audioLost - before.audioLost) : NONE,
      rtt: typeof rtt === 'number' ? `${Math.round(rtt * 1000)} ms` : NONE,
      codec: typeof codec?.mimeType === 'string' ? codec.mimeType.replace(/^video\//i, '') : NONE
    }
  };
}

/**
 * @param {LiveState} state
 * @param {(id: string, figures: Figures) => void} show
 */
export function startStats(state, show) {
  /** @type {WeakMap<RTCPeerConnection, Sample>} */
  const samples = new WeakMap();
  return setInterval(async () => {
    for (const { id, pc } of [...state.peers.values()]) {
      if (pc.connectionState !== 'connected') continue;
      try {
        const report = await pc.getStats();
        const { figures, sample } = readStats(report.values(), samples.get(pc));
        samples.set(pc, sample);
        show(id, figures);
      } catch {
        // Closed in between.
      }
    }
  }, STATS_INTERVAL_MS);
}
