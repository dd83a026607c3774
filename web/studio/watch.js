// The receiving side: what is asked for, and which qualities can be chosen.

/**
 * @typedef {import('./whip.js').Layers} Layers
 * @typedef {{ id: string, text: string }} Quality
 */

/** How often the qualities are asked for: more burdens the server, less offers what is gone. */
export const LAYERS_MS = 3000;

/**
 * @param {RTCPeerConnection} pc
 * @param {(stream: MediaStream) => void} show
 */
export function receive(pc, show) {
  pc.addTransceiver('audio', { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  const stream = new MediaStream();
  pc.ontrack = ({ track }) => {
    stream.addTrack(track);
    show(stream);
  };
}

/** @param {number | undefined} bits */
function rateText(bits) {
  if (!bits || bits <= 0) return '';
  return bits >= 1_000_000 ? ` · ${(bits / 1_000_000).toFixed(1)} Mbit/s` : ` · ${Math.round(bits / 1000)} kbit/s`;
}

/**
 * The qualities of the picture, highest first.
 * @param {Layers} layers
 * @param {string | null | undefined} mid of the picture
 * @returns {{ mediaId: string, qualities: Quality[] }}
 */
export function qualitiesOf({ media = {} }, mid) {
  const mediaId = mid && media[mid] ? mid : (Object.keys(media)[0] ?? '');
  const active = media[mediaId]?.active ?? [];
  return {
    mediaId,
    qualities: active.map(({ encodingId, width, height, bitrate }) => ({
      id: String(encodingId),
      text: `${width && height ? `${width}×${height}` : encodingId}${rateText(bitrate)}`
    }))
  };
}

/**
 * A chosen quality that is not sent at the moment stays in the list, since the choice still holds.
 * @param {Quality[]} qualities
 * @param {string} chosen '' for automatic
 * @returns {Quality[]}
 */
export function withChosen(qualities, chosen) {
  if (!chosen || qualities.some(({ id }) => id === chosen)) return qualities;
  return [...qualities, { id: chosen, text: `${chosen} (not sent at present)` }];
}
