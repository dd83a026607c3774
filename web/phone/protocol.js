// The messages of the sylk protocol (`sylkRTC-2`) as text and types: no socket, no DOM, no WebRTC.

export const SUBPROTOCOL = 'sylkRTC-2';
/** Relative to the page, so that a reverse proxy may serve everything below a prefix. */
export const ENDPOINT = '../webrtcgateway/ws';

/**
 * @typedef {{ uri: string, name: string }} Person `name` is '' if none is told
 * @typedef {{ kind: 'ready' } | { kind: 'ack', transaction: string } | { kind: 'error', transaction: string, error: string }} Answer
 * @typedef {{ kind: 'registration', account: string, state: string, reason: string }} RegistrationTold
 * @typedef {{ kind: 'incoming', account: string, session: string, from: Person, sdp: string }} IncomingTold
 * @typedef {{ kind: 'missed', account: string, from: Person }} MissedTold
 * @typedef {{ kind: 'session', session: string, event: 'state' | 'update', state: string, sdp: string, reason: string, code: number }} SessionTold
 *   what is not told is '', `code` is 0
 * @typedef {Answer | RegistrationTold | IncomingTold | MissedTold | SessionTold} Received
 */

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}

/** Browsers refuse a description whose last line has no end. @param {unknown} value */
function description(value) {
  const sdp = text(value);
  return sdp === '' || sdp.endsWith('\n') ? sdp : `${sdp}\r\n`;
}

/** @param {unknown} value @returns {Person} */
function person(value) {
  return isObject(value) ? { uri: text(value.uri), name: text(value.display_name) } : { uri: '', name: '' };
}

/**
 * Reads what the server sent. What the page has no use for is `null`: one odd frame must not end a call.
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
  if (!isObject(value)) return null;
  switch (value.sylkrtc) {
    case 'ready-event':
      return { kind: 'ready' };
    case 'ack':
      return { kind: 'ack', transaction: text(value.transaction) };
    case 'error':
      return { kind: 'error', transaction: text(value.transaction), error: text(value.error) };
    case 'account-event':
      return accountEvent(value);
    case 'session-event':
      return sessionEvent(value);
    default:
      return null;
  }
}

/**
 * @param {Record<string, any>} value
 * @returns {Received | null}
 */
function accountEvent(value) {
  const account = text(value.account);
  switch (value.event) {
    case 'registration-state':
      return { kind: 'registration', account, state: text(value.state), reason: text(value.reason) };
    case 'incoming-session': {
      const [session, sdp] = [text(value.session), description(value.sdp)];
      return session && sdp ? { kind: 'incoming', account, session, from: person(value.originator), sdp } : null;
    }
    case 'missed-session':
      return { kind: 'missed', account, from: person(value.originator) };
    default:
      return null;
  }
}

/**
 * @param {Record<string, any>} value
 * @returns {Received | null}
 */
function sessionEvent(value) {
  const { event } = value;
  if (event !== 'state' && event !== 'update') return null;
  return {
    kind: 'session',
    session: text(value.session),
    event,
    state: text(value.state),
    sdp: description(value.sdp),
    reason: text(value.reason),
    code: typeof value.code === 'number' ? value.code : 0
  };
}

/**
 * A name for a transaction or a session. `getRandomValues` rather than `randomUUID`: it also exists on plain http pages.
 * @param {{ getRandomValues(bytes: Uint8Array<ArrayBuffer>): Uint8Array }} source
 */
export function newId(source = crypto) {
  const bytes = source.getRandomValues(new Uint8Array(16));
  // Version 4, as all clients of this protocol send.
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/**
 * The code at the start of a reason such as `486 Busy Here`; 0 if there is none.
 * @param {string} reason
 */
export function codeOf(reason) {
  return Number(/^\s*([1-9][0-9]{2})\b/.exec(reason)?.[1] ?? 0);
}
