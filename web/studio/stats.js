// How a stream is doing: two statistics reports in, figures out. No DOM, no WebRTC.

/**
 * @typedef {Record<string, any>} Entry of an RTCStatsReport
 * @typedef {{ rid: string, bitrate: number | null, size: string, fps: number | null }} Layer
 * @typedef {{
 *   bitrate: number | null, received: number | null, loss: number | null, rtt: number | null,
 *   size: string, fps: number | null, codec: string, limit: string, layers: Layer[]
 * }} Figures bit/s, percent, ms; null where nothing is known; `bitrate` of both directions, `received` of one;
 *   `limit`: what keeps the picture below its best, '' if nothing; `layers` of the picture sent, highest first
 */

/** What the charts show, in samples of one second. */
export const HISTORY = 60;
export const SAMPLE_MS = 1000;

/** @param {unknown} value */
const numberOf = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/**
 * @param {Entry} entry
 * @param {Entry | undefined} before the same entry one report earlier
 * @param {string} name of a running total
 */
function grown(entry, before, name) {
  const [now, then] = [numberOf(entry[name]), numberOf(before?.[name])];
  // Less than before: the counter started anew.
  return now === null || then === null || now < then ? null : now - then;
}

/**
 * @param {Entry} entry
 * @param {Entry | undefined} before
 * @param {'bytesSent' | 'bytesReceived'} bytes
 * @returns {number | null} bit/s
 */
function bitrateOf(entry, before, bytes) {
  const [size, ms] = [grown(entry, before, bytes), grown(entry, before, 'timestamp')];
  return size === null || !ms ? null : (size * 8000) / ms;
}

/** @param {(number | null)[]} values */
function sumOf(values) {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
}

/** @param {Entry} entry */
const sizeOf = (entry) => (entry.frameWidth && entry.frameHeight ? `${entry.frameWidth}×${entry.frameHeight}` : '');

/** @param {Entry} entry */
const fpsOf = (entry) => {
  const fps = numberOf(entry.framesPerSecond);
  return fps === null ? null : Math.round(fps);
};

/**
 * @param {Entry[]} received
 * @param {(entry: Entry) => Entry | undefined} earlier
 */
function lossReceived(received, earlier) {
  const lost = sumOf(received.map((entry) => numberOf(entry.packetsLost)));
  const lostBefore = sumOf(received.map((entry) => numberOf(earlier(entry)?.packetsLost)));
  const arrived = sumOf(received.map((entry) => grown(entry, earlier(entry), 'packetsReceived')));
  if (lost === null || lostBefore === null || arrived === null) return null;
  // Late packets count as lost first and are taken back afterwards.
  const missing = Math.max(0, lost - lostBefore);
  return missing + arrived > 0 ? (missing / (missing + arrived)) * 100 : null;
}

/**
 * What the receiver tells of each stream sent, weighted by what was sent.
 * @param {Entry[]} sent
 * @param {(entry: Entry) => Entry | undefined} earlier
 * @param {Map<string, Entry>} byId
 */
function lossSent(sent, earlier, byId) {
  let packets = 0;
  let lost = 0;
  for (const entry of sent) {
    const fraction = numberOf(byId.get(entry.remoteId)?.fractionLost);
    const count = grown(entry, earlier(entry), 'packetsSent');
    if (fraction === null || !count) continue;
    packets += count;
    lost += fraction * count;
  }
  return packets > 0 ? (lost / packets) * 100 : null;
}

/**
 * @param {Entry[]} entries
 * @param {Map<string, Entry>} byId
 * @param {Entry[]} sent
 */
function roundTrip(entries, byId, sent) {
  const transport = entries.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId);
  // Firefox names no selected pair; there the nominated one is in use.
  const pair =
    byId.get(transport?.selectedCandidatePairId) ??
    entries.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
  const reported = sent.map((entry) => numberOf(byId.get(entry.remoteId)?.roundTripTime)).find((value) => value !== null);
  const seconds = reported ?? numberOf(pair?.currentRoundTripTime);
  return seconds === null ? null : seconds * 1000;
}

/** @type {Record<string, string>} */
const LIMITS = { cpu: 'limited by this device', bandwidth: 'limited by the network', other: 'limited by the browser' };

/**
 * @param {Iterable<Entry>} now
 * @param {Iterable<Entry>} before the report one step earlier, empty at first
 * @returns {Figures}
 */
export function readFigures(now, before) {
  const entries = [...now];
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const old = new Map([...before].map((entry) => [entry.id, entry]));
  const earlier = (/** @type {Entry} */ entry) => old.get(entry.id);
  const sent = entries.filter((entry) => entry.type === 'outbound-rtp');
  const received = entries.filter((entry) => entry.type === 'inbound-rtp');

  const rate = (/** @type {Entry} */ entry) => bitrateOf(entry, earlier(entry), entry.type === 'outbound-rtp' ? 'bytesSent' : 'bytesReceived');
  const pictures = [...sent, ...received]
    .filter((entry) => entry.kind === 'video')
    // The largest first; those that send nothing last.
    .sort((a, b) => (b.frameWidth ?? 0) - (a.frameWidth ?? 0) || String(a.rid ?? '').localeCompare(String(b.rid ?? '')));
  const [best] = pictures;
  const codec = byId.get((best ?? sent[0] ?? received[0])?.codecId)?.mimeType;
  return {
    bitrate: sumOf([...sent, ...received].map(rate)),
    received: sumOf(received.map(rate)),
    loss: received.length > 0 ? lossReceived(received, earlier) : lossSent(sent, earlier, byId),
    rtt: roundTrip(entries, byId, sent),
    size: best ? sizeOf(best) : '',
    fps: best ? fpsOf(best) : null,
    codec: typeof codec === 'string' ? codec.replace(/^(video|audio)\//i, '') : '',
    limit: LIMITS[best?.qualityLimitationReason] ?? '',
    layers: pictures
      .filter((entry) => entry.rid)
      .map((entry) => ({ rid: String(entry.rid), bitrate: rate(entry), size: sizeOf(entry), fps: fpsOf(entry) }))
  };
}

/**
 * The samples of the last minute.
 * @template T
 * @param {T[]} history
 * @param {T} sample
 * @returns {T[]}
 */
export function withSample(history, sample) {
  return [...history, sample].slice(-HISTORY);
}

/** @param {number | null} bits per second */
export function bitrateText(bits) {
  if (bits === null) return '–';
  return bits >= 1_000_000 ? `${(bits / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`;
}

/** @param {number | null} percent */
export function lossText(percent) {
  return percent === null ? '–' : `${percent.toFixed(1)} %`;
}

/** @param {number | null} ms */
export function rttText(ms) {
  return ms === null ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Size, frames and codec in one line. @param {Figures} figures */
export function pictureText({ size, fps, codec, limit }) {
  return [size, fps === null ? '' : `${fps} fps`, codec, limit].filter(Boolean).join(' · ');
}
