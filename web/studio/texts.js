// What happens, in plain words, and what to do next.

import { errorName } from '../app.errors.js';
import { StreamError } from './whip.js';

/**
 * @typedef {import('./line.js').LineState} LineState
 * @typedef {{ mode: import('./line.js').Mode, stream: string, hasToken: boolean }} Context
 */

export const NO_WEBRTC = 'This browser has no WebRTC. Use a current Chrome, Edge, Firefox or Safari.';
export const NOTHING_TO_SEND = 'There is neither picture nor sound to publish. Allow or connect a device, then press “Go live” again.';
export const SOUND_ENDED = 'The microphone is gone. Choose another one below “Source”.';
export const CAMERA_ENDED = 'The camera is gone. Choose another one below “Source”.';
export const SCREEN_ENDED = 'Sharing the screen was ended, so the stream was stopped. Press “Go live” to share again.';
export const LINK_COPIED = 'Watch link copied.';
export const LINK_NOT_COPIED = 'The link could not be copied. Copy the address of this page instead.';

/** @type {Record<number, (context: Context) => string>} */
const REFUSALS = {
  400: () => 'The server did not understand this browser. Reload the page to get the matching version.',
  401: ({ hasToken }) =>
    hasToken
      ? 'The server does not accept this token. Check it under “Access”, or ask the operator for a new one.'
      : 'This stream needs a token. Enter it under “Access”, then try again.',
  403: ({ hasToken }) =>
    `The server does not allow this: it does not take streams from this page’s address, or ${hasToken ? 'this token is not enough' : 'a token is needed'}. Ask the operator.`,
  404: () => 'The server takes no streams under this name. Check name and application; if both are right, ask the operator to switch on WHIP.',
  405: () => 'There is no such service at this address. Ask the operator to switch on WHIP and WHEP.',
  409: ({ stream }) => `Somebody else is publishing “${stream}”. Choose another name, or try again when they have stopped.`,
  413: () => 'This browser’s offer is too long for the server. Choose only one camera, then try again.',
  415: () => 'The server did not understand this browser. Reload the page to get the matching version.',
  422: ({ mode }) =>
    mode === 'publish'
      ? 'Server and browser have no codec in common. Try another browser, for example a current Chrome or Firefox.'
      : 'This browser cannot play the codec of the stream. Try another browser, for example a current Chrome or Firefox.',
  429: () => 'The server asks this page to slow down.',
  501: () => 'This server handles no media. Ask the operator to switch it on.',
  503: () => 'The server is overloaded and takes nobody at present.'
};

/**
 * Why it is not live.
 * @param {unknown} error
 * @param {Context} context
 * @returns {string} '' for a stream that is awaited
 */
export function errorText(error, context) {
  if (!(error instanceof StreamError)) {
    return `The browser could not set up the connection (${errorName(error) || 'unknown reason'}). Try again, or use another browser.`;
  }
  const { status, detail } = error;
  if (status === 404 && context.mode === 'watch') return '';
  if (status === 0) return 'The server cannot be reached. If this lasts, check your network.';
  const own = REFUSALS[status]?.(context) ?? `The server refused this (status ${status}). Try again, or ask the operator.`;
  return detail ? `${own} The server says: “${detail}”` : own;
}

/** @param {number} ms */
export function retryText(ms) {
  return ms < 1000 ? 'Trying again now.' : `Trying again in ${Math.round(ms / 1000)} s.`;
}

/** @param {import('./line.js').LineTrouble} trouble */
export function troubleText(trouble) {
  return trouble === 'lost'
    ? 'The connection was lost.'
    : 'The server answers, but no connection comes about. A firewall may block it; try another network, or ask the operator to check the UDP port.';
}

/**
 * What the pill at the top says.
 * @param {LineState} state
 * @param {import('./line.js').Mode} mode
 */
export function stateText(state, mode) {
  switch (state) {
    case 'idle':
      return 'Not connected';
    case 'connecting':
      return 'Connecting…';
    case 'waiting':
      return 'Waiting';
    case 'live':
      return mode === 'publish' ? 'Live' : 'Watching';
    case 'restoring':
      return 'Restoring…';
    case 'retrying':
      return 'Reconnecting…';
    case 'failed':
      return 'Stopped';
  }
}

/**
 * @param {string} stream
 * @param {number} ms
 * @param {boolean} wasLive
 */
export function waitingText(stream, ms, wasLive) {
  const what = wasLive ? `“${stream}” has ended.` : `“${stream}” is not live yet.`;
  return `${what} This page looks again every ${Math.max(1, Math.round(ms / 1000))} s and starts by itself.`;
}

/** @param {Kind} kind what could not be opened */
export function missingText(kind) {
  return kind === 'video' ? 'Viewers get no picture of you.' : 'Viewers get no sound from you.';
}

/** @param {string} name of the error */
export function pickScreenText(name) {
  switch (name) {
    case 'NotAllowedError':
      return 'Sharing the screen was cancelled or is not allowed. Press “Try again” and pick a screen or window.';
    case 'InvalidStateError':
      return 'The browser wants a click before it shares a screen. Press “Try again”.';
    default:
      return 'The screen could not be captured. Press “Try again” and pick another screen or window, or check the system’s privacy settings.';
  }
}

/** @param {unknown} error */
export function qualityErrorText(error) {
  return error instanceof StreamError && error.status === 0
    ? 'The quality could not be changed: the server cannot be reached. Try again.'
    : 'The server did not change the quality. Choose another one.';
}
