// Every failure in plain words: what happened, and what to do next.

/** @type {Record<string, (context: { id: string, room: string, detail: string }) => string>} */
const SERVER_ERRORS = {
  invalid_id: ({ id }) => `The name “${id}” cannot be used. Choose 1 to 64 letters, digits, “-” or “_”, then join again.`,
  invalid_room: () =>
    'This room name cannot be used. Choose a name of at most 64 bytes (64 plain letters, fewer with accents or emoji), then join again.',
  invalid_join: () => 'Room and name are both needed. Fill in the room, then join again.',
  identity_locked: () => 'This connection already goes by another name. Leave the room, then join under the new name.',
  already_joined: () => 'You are still in another room. Leave it first, then join this one.',
  duplicate_id: ({ id }) => `Somebody in this room is already called “${id}”. Choose another name, then join again.`,
  room_full: ({ room }) => `The room “${room}” is full. Try again when somebody has left, or agree on another room.`,
  room_limit_reached: () => 'The server has no space for another room. Join a room that exists, or try again later.',
  not_joined: () => 'The server no longer counts you in this room. Leave, then join again.',
  room_missing: () => 'This room no longer exists on the server. Leave, then join again.',
  membership_lost: () => 'The server no longer counts you in this room. Leave, then join again.',
  invalid_target: () => 'This member cannot be called. Pick another member from the list.',
  target_not_found: () => 'This member is not in the room any more. Pick somebody from the list.',
  rate_limited: () => 'The server asks this page to slow down. Wait a few seconds, then try again.',
  unknown_type: () => 'The server did not understand this page. Reload it to get the matching version.'
};

/**
 * @param {string} code
 * @param {string} detail the server's own text
 * @param {{ id: string, room: string }} context
 */
export function serverErrorText(code, detail, { id, room }) {
  const known = Object.hasOwn(SERVER_ERRORS, code) ? SERVER_ERRORS[code] : undefined;
  if (known) return known({ id, room, detail });
  return `The server refused this: ${detail || code || 'no reason given'}. Try again, or reload the page.`;
}

/**
 * @param {number} delayMs
 * @param {'lost' | 'duplicate_id'} cause
 * @param {{ id: string, calls: number }} context
 */
export function retryText(delayMs, cause, { id, calls }) {
  const wait = `Trying again in ${Math.round(delayMs / 1000)} s.`;
  if (cause === 'duplicate_id') {
    return `The name “${id}” is still taken in this room, perhaps by your own lost connection. ${wait} If it is somebody else, leave and choose another name.`;
  }
  const calls_ = calls > 0 ? ' Calls in progress go on.' : '';
  return `The server cannot be reached, reconnecting. ${wait}${calls_} If this lasts, check your network.`;
}

/** @typedef {'both' | Kind} Wanted */

/** @type {Record<Wanted, string>} */
const DEVICE = { both: 'camera and microphone', audio: 'microphone', video: 'camera' };

/** @param {unknown} error */
export function errorName(error) {
  return error instanceof Error || (typeof error === 'object' && error !== null && 'name' in error)
    ? String(/** @type {{ name: unknown }} */ (error).name)
    : '';
}

/**
 * Why a device could not be opened.
 * @param {unknown} error
 * @param {Wanted} wanted
 */
export function mediaErrorText(error, wanted) {
  const device = DEVICE[wanted];
  const a = wanted === 'both' ? 'camera or microphone' : device;
  switch (errorName(error)) {
    case 'NotFoundError':
      return `No ${a} was found. Connect one, then press “Try again”.`;
    case 'NotAllowedError':
    case 'SecurityError':
      return `The browser was not allowed to use your ${device}. Allow it in the address bar, then press “Try again”.`;
    case 'NotReadableError':
    case 'AbortError':
      return `Your ${device} is busy or does not start. Close other programs that use it, then press “Try again”.`;
    case 'OverconstrainedError':
      return `The chosen ${a} is gone. Choose another device, then press “Try again”.`;
    default:
      return `Your ${device} could not be opened (${errorName(error) || 'unknown reason'}). Press “Try again”, or reload the page.`;
  }
}

/** @param {boolean} secure */
export function noMediaApiText(secure) {
  return secure
    ? 'This browser offers no camera or microphone to pages. Open the page in a current Chrome, Edge, Firefox or Safari.'
    : 'Browsers give camera and microphone only to secure pages. Open this page over https://, or on localhost.';
}

/** @param {unknown} error */
export function screenErrorText(error) {
  switch (errorName(error)) {
    case 'NotAllowedError':
      return 'Screen sharing was cancelled or is not allowed. Press “Share screen” and pick a screen to try again.';
    case 'NotFoundError':
    case 'NotReadableError':
      return 'The screen could not be captured. Pick another screen or window, or check the system’s privacy settings.';
    case 'InvalidStateError':
      return 'The browser wants a click before it shares a screen. Press “Share screen”.';
    default:
      return `Screen sharing did not start (${errorName(error) || 'unknown reason'}). Press “Share screen” to try again.`;
  }
}

export const NO_SCREEN_API = 'This browser cannot share a screen. Use a current desktop browser over https://.';
export const NO_RECORDER_API = 'This browser cannot record. Use a current Chrome, Edge, Firefox or Safari.';
export const NOTHING_TO_RECORD = 'There is nothing to record yet. Call somebody or turn on your camera first.';
export const NO_CHAT_CHANNEL = 'No chat channel is open. Call somebody first; chat runs inside the call.';
export const NO_ROOM = 'Enter a room name first, for example “demo”.';
export const NOT_IN_ROOM = 'You are in no room. Join one first, then call.';
export const RECONNECTING = 'The line to the server is being restored. Call again as soon as you are back in the room.';
export const NO_TARGET = 'Pick a member to call: press “Call” beside a name, or enter a name.';
export const NO_WEBRTC = 'This browser cannot make calls (WebRTC or WebSocket is missing). Use a current Chrome, Edge, Firefox or Safari.';

/**
 * @param {string} id
 * @param {boolean} established
 */
export function connectionFailedText(id, established) {
  return established
    ? `The connection to ${id} was lost. Press “Call” to try again.`
    : `No direct connection to ${id} could be made. One of the networks may block it; try another network or ask the operator for a TURN server.`;
}

/**
 * @param {string} id
 * @param {unknown} error
 */
export function negotiationErrorText(id, error) {
  return `The call with ${id} could not be set up (${errorName(error) || 'unknown reason'}). Press “Call” to try again.`;
}
