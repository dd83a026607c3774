// The signalling messages as text: no socket, no DOM.

/**
 * Reads what the server sent. Anything that is no message is `null`: one odd frame must not end a call.
 * @param {unknown} data
 * @returns {Message | null}
 */
export function parseMessage(data) {
  if (typeof data !== 'string') return null;
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object' || typeof value.type !== 'string') return null;
  /** @type {Message} */
  const message = { type: value.type };
  for (const key of /** @type {const} */ (['room', 'from', 'to', 'code', 'error'])) {
    if (typeof value[key] === 'string') message[key] = value[key];
  }
  for (const key of /** @type {const} */ (['sdp', 'candidate'])) {
    if (value[key] !== null && typeof value[key] === 'object') message[key] = value[key];
  }
  if (Array.isArray(value.members)) {
    message.members = value.members.filter((/** @type {unknown} */ id) => typeof id === 'string' && id !== '');
  }
  return message;
}

/**
 * `room` and `from` lead, as in every message of this protocol; the server trusts neither outside `join`.
 * @param {string} room
 * @param {string} from
 * @param {Message} message
 */
export function formatMessage(room, from, message) {
  const { type, ...rest } = message;
  return JSON.stringify({ type, room, from, ...rest });
}

const ID_FORM = /^[A-Za-z0-9_-]{1,64}$/;

/** @param {string} id */
export function isValidId(id) {
  return ID_FORM.test(id);
}

/**
 * 1 to 64 bytes (not characters) without control characters, as the server counts.
 * @param {string} room
 */
export function isValidRoom(room) {
  const bytes = new TextEncoder().encode(room).length;
  return bytes >= 1 && bytes <= 64 && !/\p{Cc}/u.test(room);
}
