// What happens, in plain words, and what to do next.

/**
 * @typedef {import('./player.js').PlayerState} PlayerState
 * @typedef {import('./player.js').Reason} Reason
 * @typedef {import('./player.js').Wish} Wish
 */

export const NO_WEBRTC = 'This browser has no WebRTC. Use a current Chrome, Edge, Firefox or Safari.';

/** @param {PlayerState} state */
export function stateText(state) {
  switch (state) {
    case 'idle':
      return 'Not connected';
    case 'connecting':
    case 'opening':
      return 'Connecting…';
    case 'waiting':
      return 'Waiting';
    case 'live':
      return 'Playing';
    case 'retrying':
      return 'Reconnecting…';
    case 'failed':
      return 'Stopped';
  }
}

/**
 * What the picture's place says while there is none.
 * @param {Reason} reason
 * @param {Wish} wish
 */
export function reasonText(reason, { room, stream, token }) {
  switch (reason) {
    case 'room':
      return `Nobody streams into the room “${room}” now. This page looks again and starts by itself.`;
    case 'stream':
      return `The room “${room}” has no stream “${stream}”. Check its name; this page goes on looking for it.`;
    case 'ended':
      return `“${stream}” has ended. This page starts by itself when it comes back.`;
    case 'lost':
      return 'The server cannot be reached. Trying again.';
    case 'unreachable':
      return 'The server answers, but no connection comes about. A firewall may block it: try another network, or ask the operator to check STUN and TURN.';
    case 'token':
      return token
        ? 'The server does not accept this token: it is wrong, has expired, or is used from another address. Ask the operator for a new one.'
        : 'This room needs a token. Enter it, or ask the operator for a link that has one.';
    case 'forbidden':
      return `The server has no room “${room}”. Check its name, or ask the operator to open it.`;
    case 'other':
      return 'The server refused this. Try again, or ask the operator.';
    case 'browser':
      return 'This browser cannot play what the server offers. Try another one, for example a current Chrome.';
    case '':
      return '';
  }
}
