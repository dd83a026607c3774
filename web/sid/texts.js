// What happened, in plain words, and what to do next.

/** @typedef {'stop' | 'reject' | 'leave' | 'closed' | 'lost'} Ended */

/** @type {Record<number, (who: string) => string>} */
const ERRORS = {
  9000: () => 'The server could not read what this page sent. Reload the page to get the matching version.',
  9001: () => 'The server does not take this name. Choose 1 to 256 bytes of text, then connect again.',
  9002: () => 'The server did not understand this page. Reload the page to get the matching version.',
  9100: () => 'The server does not know you under a name. Leave, then connect again.',
  9101: () => 'You are connected under a name already. Leave first to take another one.',
  9102: (who) => `The name “${who}” is taken. Choose another one, then connect again.`,
  9200: () => 'That is yourself. Pick somebody else from the list.',
  9201: (who) => `${who || 'This person'} is not here any more. Pick somebody from the list.`,
  9202: () => 'You are in a call already. Hang up first, then call again.',
  9203: (who) => `${who || 'This person'} is in another call. Try again a little later.`,
  9204: () => 'This call no longer exists on the server. Call again.',
  9300: () => 'That is yourself. Pick somebody else from the list.',
  9301: (who) => `Your message did not arrive: ${who || 'this person'} is not here any more. Pick somebody from the list.`,
  9400: (who) => `The line to ${who || 'the other side'} broke. Call again in a moment.`,
  9401: (who) => `The line to ${who || 'the other side'} broke. Call again in a moment.`,
  9402: (who) => `The line to ${who || 'the other side'} broke. Call again in a moment.`
};

/**
 * @param {number} code
 * @param {string} who the name it is about, '' if unknown
 */
export function errorText(code, who) {
  return ERRORS[code]?.(who) ?? `The server refused this (error ${code}). Try again, or reload the page.`;
}

/**
 * @param {Ended} why
 * @param {string} who
 */
export function endedText(why, who) {
  const name = who || 'The caller';
  switch (why) {
    case 'stop':
      return `${name} hung up.`;
    case 'reject':
      return `${name} rejected the call.`;
    case 'leave':
      return `${name} left: the page was closed or the network broke.`;
    case 'closed':
      return `The call with ${who || 'the caller'} has ended.`;
    case 'lost':
      return `The call with ${who || 'the caller'} ended because the server cannot be reached.`;
  }
}

/**
 * @param {number} delayMs
 * @param {'lost' | 'taken'} cause
 * @param {string} who
 */
export function retryText(delayMs, cause, who) {
  const wait = `Trying again in ${Math.round(delayMs / 1000)} s.`;
  return cause === 'taken'
    ? `The name “${who}” is still taken, perhaps by your own lost connection. ${wait} If it is somebody else, leave and choose another name.`
    : `The server cannot be reached. ${wait} If this lasts, check your network.`;
}
