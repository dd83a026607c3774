// What the page's address says: `?room=…&stream=…[&token=…][&transport=fmp4]`, as links to EvoStream's client page do.

/**
 * @param {string} href
 * @returns {import('./player.js').Wish}
 */
export function readAddress(href) {
  const { searchParams } = new URL(href);
  // Links of all ages: names were written in several ways.
  const text = (/** @type {string[]} */ ...names) => names.map((name) => (searchParams.get(name) ?? '').trim()).find(Boolean) ?? '';
  return { room: text('room', 'roomid', 'roomId'), stream: text('stream', 'streamName', 'streamname'), token: text('token'), ...(text('transport') === 'fmp4' && { transport: 'fmp4' }) };
}

/**
 * @param {string} href
 * @param {import('./player.js').Wish} wish
 */
export function writeAddress(href, { room, stream, token, transport = '' }) {
  const url = new URL(href);
  url.search = '';
  url.hash = '';
  for (const [name, value] of Object.entries({ room, stream, token, transport })) {
    if (value) url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * What cannot be asked for, in words; '' if it can.
 * @param {import('./player.js').Wish} wish
 */
export function problemOf({ room, stream }) {
  for (const [what, name] of [['room', room], ['stream', stream]]) {
    if (!name) return `Enter the name of the ${what} first.`;
    if (/["\\]/.test(name)) return `The name of the ${what} cannot hold quotes or backslashes.`;
    if (new TextEncoder().encode(name).length > 128) return `The name of the ${what} is too long.`;
  }
  return '';
}
