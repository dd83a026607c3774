// What the page starts from: constants, the server's configuration, an id, the signalling address.

/** A mesh sends one copy of the picture per member; above this many the page says so. */
export const LARGE_ROOM = 10;

export const DEFAULT_RTC_CONFIG = Object.freeze({
  iceServers: [{ urls: ['stun:stun.l.google.com:19302'] }]
});

/**
 * The server's ICE settings if they have a list of servers (an empty one counts), else the public STUN server.
 * @param {AppConfig | undefined} config
 * @returns {RTCConfiguration}
 */
export function rtcConfigFrom(config) {
  const own = config?.rtcConfig;
  return own && Array.isArray(own.iceServers) ? own : DEFAULT_RTC_CONFIG;
}

/**
 * Twelve hexadecimal digits. `getRandomValues` rather than `randomUUID`: it also exists on plain http pages.
 * @param {{ getRandomValues(bytes: Uint8Array<ArrayBuffer>): Uint8Array }} source
 */
export function newClientId(source = crypto) {
  const bytes = source.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The endpoint relative to the page, so a reverse proxy may serve the app below a prefix.
 * @param {string} pageUrl
 * @param {string} [endpoint]
 */
export function signalingUrl(pageUrl, endpoint = 'ws') {
  const url = new URL(endpoint, pageUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/**
 * Room links carry the name in the fragment: it never reaches server or proxy logs.
 * @param {string} pageUrl
 * @param {string} room
 */
export function roomLink(pageUrl, room) {
  const url = new URL(pageUrl);
  url.hash = room ? new URLSearchParams({ room }).toString() : '';
  return url.href;
}

/**
 * @param {string} hash `location.hash`
 * @returns {string}
 */
export function roomFromHash(hash) {
  return (new URLSearchParams(hash.replace(/^#/, '')).get('room') ?? '').trim();
}
