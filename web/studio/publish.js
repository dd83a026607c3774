// The sending side: which layers, which bit rates, one transceiver per kind.

/** @typedef {{ simulcast: boolean, screen: boolean, height: number }} Wish `height`: the shorter side of the picture in pixels */

/**
 * What a picture of this many lines needs to look clean, in bit/s. More is spent on nothing visible; less shows blocks.
 * @param {number} height
 */
export function bitrateFor(height) {
  if (height >= 1000) return 4_000_000;
  if (height >= 700) return 2_500_000;
  if (height >= 500) return 1_400_000;
  if (height >= 340) return 800_000;
  if (height >= 220) return 400_000;
  return 200_000;
}

/** Below this, a quarter of the picture shows nothing any more. */
const THREE_LAYERS = 480;
/** Below this, even half of it. */
const TWO_LAYERS = 240;
const LAYERS = [
  { rid: 'h', scaleResolutionDownBy: 1 },
  { rid: 'm', scaleResolutionDownBy: 2 },
  { rid: 'l', scaleResolutionDownBy: 4 }
];

/**
 * @param {Wish} wish
 * @returns {RTCRtpEncodingParameters[]}
 */
export function encodingsFor({ simulcast, screen, height }) {
  // Text wants sharp edges: a still screen costs little, a changing one needs more at once.
  const rate = (/** @type {number} */ lines) => Math.round(bitrateFor(lines) * (screen ? 1.25 : 1));
  const count = height >= THREE_LAYERS ? 3 : height >= TWO_LAYERS ? 2 : 1;
  if (!simulcast || count === 1) return [{ maxBitrate: rate(height) }];
  return LAYERS.slice(0, count).map((layer) => ({ ...layer, maxBitrate: rate(height / layer.scaleResolutionDownBy) }));
}

/**
 * @param {MediaStreamTrack} track
 * @returns {number} the shorter side; 720 while the browser does not tell
 */
export function heightOf(track) {
  const { width, height } = track.getSettings();
  return width && height ? Math.min(width, height) : 720;
}

/**
 * @param {RTCPeerConnection} pc
 * @param {{ picture: MediaStreamTrack | null, sound: MediaStreamTrack | null }} tracks
 * @param {{ simulcast: boolean, screen: boolean }} wish
 */
export function addTracks(pc, { picture, sound }, wish) {
  const streams = [new MediaStream()];
  if (sound) pc.addTransceiver(sound, { direction: 'sendonly', streams });
  if (!picture) return;
  const sendEncodings = encodingsFor({ ...wish, height: heightOf(picture) });
  pc.addTransceiver(picture, { direction: 'sendonly', streams, sendEncodings });
}

/**
 * Puts the present tracks into a running connection.
 * @param {RTCPeerConnection} pc
 * @param {{ picture: MediaStreamTrack | null, sound: MediaStreamTrack | null }} tracks
 * @returns {boolean} false: a kind was not offered, only a new connection can carry it
 */
export function replaceTracks(pc, { picture, sound }) {
  let fits = true;
  for (const [kind, track] of /** @type {const} */ ([['audio', sound], ['video', picture]])) {
    // What a transceiver receives tells its kind even while it sends nothing.
    const sender = pc.getTransceivers().find(({ receiver }) => receiver.track.kind === kind)?.sender;
    if (!sender) fits &&= !track;
    else if (sender.track !== track) void sender.replaceTrack(track).catch((error) => console.warn(`${kind} not replaced`, error));
  }
  return fits;
}
