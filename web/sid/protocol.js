// The messages of the sid protocol as text and types: no socket, no DOM, no WebRTC.

/** States of a session, as `ssu` tells them. */
export const SESSION = Object.freeze({ NEW: 1, PENDING: 2, ACTIVE: 3, CLOSED: 4 });
const CALLING = 2;

/**
 * @typedef {{ sId: string, busy: boolean }} Listed one client of the list
 * @typedef {{
 *   cmd: string, sId: string, sessionId: string, opponentId: string, list: Listed[], state: number, code: number,
 *   offer: RTCSessionDescriptionInit | null, answer: RTCSessionDescriptionInit | null,
 *   icecandidate: RTCIceCandidateInit | null | undefined, type: unknown
 * }} Received what a message lacks is '', [], NaN, null or undefined; an `icecandidate` of null ends the candidates
 */

/**
 * Reads what the server sent. Anything that is no message is `null`: one odd frame must not end a call.
 * @param {unknown} data
 * @returns {Received | null}
 */
export function readMessage(data) {
  if (typeof data !== 'string') return null;
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (!isObject(value) || typeof value.cmd !== 'string') return null;
  return {
    cmd: value.cmd,
    sId: text(value.sId),
    sessionId: text(value.sessionId),
    opponentId: text(value.opponentId),
    list: readList(value.list),
    state: typeof value.state === 'number' ? value.state : NaN,
    code: typeof value.code === 'number' ? value.code : NaN,
    offer: readDescription('offer', value.offer),
    answer: readDescription('answer', value.answer),
    icecandidate: value.icecandidate === null || typeof value.icecandidate?.candidate === 'string' ? value.icecandidate : undefined,
    type: value.type
  };
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
function isObject(value) {
  return value !== null && typeof value === 'object';
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}

/**
 * @param {unknown} list
 * @returns {Listed[]}
 */
function readList(list) {
  if (!Array.isArray(list)) return [];
  return list.filter((entry) => isObject(entry) && text(entry.sId)).map(({ sId, state }) => ({ sId, busy: state === CALLING }));
}

/**
 * A description is an object like the browser's own; some clients send the bare SDP.
 * @param {'offer' | 'answer'} type
 * @param {unknown} value
 * @returns {RTCSessionDescriptionInit | null}
 */
function readDescription(type, value) {
  const sdp = text(isObject(value) ? value.sdp : value);
  // The reference server trims texts, and browsers refuse an SDP whose last line has no end.
  return sdp === '' ? null : { type, sdp: sdp.endsWith('\n') ? sdp : `${sdp}\r\n` };
}

/**
 * A notify may carry any JSON; a person reads text.
 * @param {unknown} type
 */
export function noticeText(type) {
  return typeof type === 'string' ? type : (JSON.stringify(type) ?? '');
}

const MAX_ID_BYTES = 256;

/**
 * What the server takes as a name: 1 to 256 bytes. It trims them itself.
 * @param {string} sId
 */
export function isValidId(sId) {
  const bytes = new TextEncoder().encode(sId.trim()).length;
  return bytes >= 1 && bytes <= MAX_ID_BYTES;
}

/**
 * Where the socket is, relative to the page: `#tenant=a&token=t` names a world of its own, and what opens a locked door.
 * The fragment of a page reaches no server log.
 * @param {string} hash `location.hash`
 */
export function endpointFrom(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const [tenant, token] = ['tenant', 'token'].map((key) => encodeURIComponent(given.get(key) ?? ''));
  // `/sid` stands beside the folder `/sid/` of the page.
  return `../sid${tenant && `/${tenant}`}${token && `?token=${token}`}`;
}
