// What the codes of SIP mean to a person, and what to do.

import { codeOf } from './protocol.js';

/** Wrong password, as the gateway puts it: it has no answer to the challenge. */
const WRONG_PASSWORD = 904;

/** Registrations with these codes fail again until the user changes something. */
const FINAL = new Set([400, 401, 402, 403, 404, 405, 407, 416, 420, 423, 604, 900, WRONG_PASSWORD]);

/** @param {number} code */
export function isFinal(code) {
  return FINAL.has(code);
}

/** @type {Record<number, (domain: string) => string>} */
const REGISTRATION = {
  401: () => 'The telephone server does not accept this account without a password. Enter it, then sign in again.',
  403: (domain) => `${domain} does not let this account register. Check the address, or ask whoever runs the account to allow it.`,
  404: (domain) => `${domain} does not know this account. Check the address for typing errors.`,
  405: (domain) => `${domain} takes no registrations. Check the part behind the “@”.`,
  408: (domain) => `${domain} does not answer. It may be down, or out of reach for this server; the page tries again by itself.`,
  423: (domain) => `${domain} wants another registration period. Ask the operator of this server.`,
  480: (domain) => `${domain} is not available at present. The page tries again by itself.`,
  500: (domain) => `${domain} has a fault at present. The page tries again by itself.`,
  503: (domain) => `${domain} is overloaded or cannot be reached. The page tries again by itself.`,
  900: () => 'The telephone server wants a kind of password check that this one cannot do. Ask the operator.',
  904: () =>
    'The password is wrong. Enter it again. If it is right, the server may keep it under another realm: ask for that and enter it under “Advanced”.'
};

/**
 * Why a registration failed.
 * @param {string} reason the server's
 * @param {string} domain
 */
export function registrationText(reason, domain) {
  const code = codeOf(reason);
  const own = REGISTRATION[code] ?? (code >= 500 && code < 600 ? REGISTRATION[500] : undefined);
  if (own) return `${own(domain)} (${code})`;
  if (/SIP domain not allowed/i.test(reason)) return `This server does not serve accounts of ${domain}. Ask its operator, or use another account.`;
  if (/^DNS/i.test(reason)) return `The domain ${domain} cannot be found. Check the part behind the “@”.`;
  if (/already added/i.test(reason)) return 'This account is in use on this connection already. Sign out, then sign in again.';
  if (/invalid SIP URI/i.test(reason)) return 'The server does not take this address. Check it for typing errors, for example alice@example.com.';
  return `The account could not be registered: ${reason || 'no reason given'}. Check address and password, or ask the operator.`;
}

/** @type {Record<number, (who: string) => string>} */
const CALL = {
  400: (who) => `${who} could not be called: the request was not understood. Check the address.`,
  401: () => 'The telephone server wants a password for this call and does not take yours. Sign in again.',
  402: () => 'This call costs money that the account does not have. Ask whoever runs the account.',
  403: (who) => `You are not allowed to call ${who}. Ask whoever runs the account.`,
  404: (who) => `There is no ${who}. Check the address or number for typing errors.`,
  405: (who) => `${who} takes no calls. Check the address.`,
  407: () => 'The telephone server wants a password for this call and does not take yours. Sign in again.',
  408: (who) => `${who} does not answer. Try again later.`,
  410: (who) => `${who} is no longer reachable under this address. Ask for the new one.`,
  415: (who) => `${who} and this browser do not understand each other’s media. Try again without video.`,
  480: (who) => `${who} is not reachable at present: offline, or not answering. Try again later.`,
  481: (who) => `The call with ${who} is not known any more. Call again.`,
  482: (who) => `The call to ${who} goes in circles. Ask the operator.`,
  483: (who) => `The call to ${who} goes in circles. Ask the operator.`,
  484: () => 'The number is not complete. Check it, then call again.',
  485: (who) => `${who} could be several people. Use the full address.`,
  486: (who) => `${who} is busy. Try again a little later.`,
  487: (who) => `The call to ${who} was cancelled.`,
  488: (who) => `${who} and this browser have no sound format in common, or they do not take video. Try again without video.`,
  491: (who) => `Both sides changed the call with ${who} at once. Try again.`,
  500: () => 'The telephone server has a fault. Try again later.',
  502: () => 'The telephone server has a fault. Try again later.',
  503: (who) => `No way leads to ${who} at present: a server is overloaded or out of reach. Try again later.`,
  504: (who) => `A server on the way to ${who} does not answer. Try again later.`,
  600: (who) => `${who} is busy everywhere. Try again later.`,
  603: (who) => `${who} declined the call.`,
  604: (who) => `There is no ${who} anywhere. Check the address or number for typing errors.`,
  606: (who) => `${who} cannot take calls of this kind. Try again without video.`,
  900: () => 'The telephone server wants a kind of password check that this one cannot do. Ask the operator.',
  904: () => 'The telephone server does not take your password. Sign in again.'
};

/** @type {Record<number, string>} */
const CLASSES = {
  3: 'was forwarded to where this server does not follow. Ask for the new address.',
  4: 'could not be called. Check the address.',
  5: 'could not be called because a server on the way failed. Try again later.',
  6: 'does not take the call.'
};

/**
 * Why a call did not come about, or ended.
 * @param {string} reason the server's, which begins with the code of SIP if there is one
 * @param {string} who
 * @param {boolean} answered
 */
export function endText(reason, who, answered) {
  const code = codeOf(reason);
  if (code >= 200 && code < 300) return answered ? `${who} hung up.` : `The call with ${who} has ended.`;
  if (answered) {
    if (code === 408) return `The call with ${who} broke: the other side does not answer any more. Call again.`;
    if (/ICE/i.test(reason)) return `The call with ${who} broke: no sound passes the network any more. Call again, or try another network.`;
    return `The call with ${who} has ended${reason.trim() ? `: ${reason.trim()}` : ''}.`;
  }
  if (/ICE/i.test(reason)) {
    return 'No connection to the server comes about for sound and picture. A firewall may block it; try another network, or ask the operator.';
  }
  const own = CALL[code]?.(who);
  if (own) return `${own} (${code})`;
  const phrase = reason.trim() || 'no reason given';
  return CLASSES[Math.floor(code / 100)] ? `${who} ${CLASSES[Math.floor(code / 100)]} (${phrase})` : `The call with ${who} did not come about: ${phrase}.`;
}

/**
 * Why the server did not even try.
 * @param {string} detail the server's words
 * @param {string} who
 */
export function refusedText(detail, who) {
  if (/^DNS/i.test(detail)) return `The domain of ${who} cannot be found. Check the part behind the “@”.`;
  if (/invalid SIP URI/i.test(detail)) return `${who} is no address that the server takes. Check it, then call again.`;
  if (/Unknown account/i.test(detail)) return 'The server does not know your account any more. Sign in again, then call.';
  return `The server refused the call${detail ? `: ${detail}` : ''}. Try again, or ask the operator.`;
}

/**
 * Why a running call stays as it is.
 * @param {'hold' | 'resume' | 'video'} what
 * @param {string} reason
 * @param {string} who
 */
export function updateText(what, reason, who) {
  const why = reason.trim() ? ` (${reason.trim()})` : '';
  switch (what) {
    case 'hold':
      return `${who} could not be told that they are on hold${why}. They hear nothing from you until you resume.`;
    case 'resume':
      return `${who} could not be told that the call goes on${why}. If they hear nothing, hang up and call again.`;
    case 'video':
      return reason === ''
        ? `${who} takes no video in this call. You go on with sound only.`
        : `Video could not be added${why}. You go on with sound only.`;
  }
}
