// What happens, in plain words.

import { shortAddress } from './address.js';
import { endText, refusedText, registrationText } from './reasons.js';

/**
 * @typedef {import('./call.js').Call} Call
 * @typedef {'offline' | 'connecting' | 'registering' | 'registered' | 'failed' | 'calling' | 'ringing' | 'incoming' | 'in-call' | 'held'} StateName
 * @typedef {{
 *   link: import('./client.js').LinkState, registration: import('./account.js').Registration, signedIn: boolean,
 *   incoming: unknown, current: Pick<Call, 'phase' | 'held' | 'heldByThem'> | null
 * }} Situation
 */

export const CANNOT_DIAL = 'The line to the server is not up at present. Call as soon as it is.';
export const ENOUGH_CALLS = 'There are too many calls already. End one, then call again.';
export const BAD_ACCOUNT = 'This is no SIP address. It has the form name@domain, for example alice@example.com.';
export const NO_PASSWORD = 'Enter the password of the account.';

/** @type {Record<StateName, string>} */
const STATES = {
  offline: 'Offline',
  connecting: 'Connecting…',
  registering: 'Registering…',
  registered: 'Ready',
  failed: 'Not registered',
  calling: 'Calling…',
  ringing: 'Ringing…',
  incoming: 'Incoming call',
  'in-call': 'In a call',
  held: 'On hold'
};

/**
 * What the pill at the top says. Who rings comes first: it is what waits for an answer.
 * @param {Situation} situation
 * @returns {{ state: StateName, text: string }}
 */
export function stateOf({ link, registration, signedIn, incoming, current }) {
  const state = incoming ? 'incoming' : current ? callState(current) : lineState(link, registration);
  return { state, text: state === 'offline' && !signedIn ? 'Signed out' : STATES[state] };
}

/**
 * @param {Pick<Call, 'phase' | 'held' | 'heldByThem'>} call
 * @returns {StateName}
 */
function callState({ phase, held, heldByThem }) {
  if (phase === 'ringing' || phase === 'early') return 'ringing';
  if (phase === 'active' || phase === 'answering') return held || heldByThem ? 'held' : 'in-call';
  return 'calling';
}

/**
 * @param {import('./client.js').LinkState} link
 * @param {import('./account.js').Registration} registration
 * @returns {StateName}
 */
function lineState(link, registration) {
  if (link === 'offline' || link === 'waiting') return 'offline';
  if (link === 'connecting') return 'connecting';
  return registration === 'none' ? 'connecting' : registration;
}

/**
 * Who is at the other end: the name that came with the call, or the address as it reads best.
 * @param {{ uri: string, name: string }} person
 * @param {string} domain
 */
export function whoText({ uri, name }, domain) {
  return name.trim() || shortAddress(uri, domain) || 'Somebody';
}

/** @param {number} seconds */
export function durationText(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/**
 * How long it has been going on; '' before it was answered.
 * @param {Pick<Call, 'phase' | 'startedAt'>} call
 * @param {number} now
 */
export function timerText({ phase, startedAt }, now) {
  return phase === 'active' ? durationText((now - startedAt) / 1000) : '';
}

/**
 * What there is to say of a call; '' if it goes on as it should.
 * @param {Pick<Call, 'phase' | 'held' | 'heldByThem' | 'code'>} call
 * @param {string} connection of its media
 */
export function callText({ phase, held, heldByThem, code }, connection) {
  switch (phase) {
    case 'preparing':
      return 'Opening the microphone…';
    case 'calling':
      if (code === 181) return 'Being forwarded…';
      return code === 182 ? 'Waiting in a queue…' : 'Calling…';
    case 'ringing':
      return 'Ringing…';
    case 'early':
      return 'Not answered yet, but heard';
    case 'incoming':
      return 'Rings';
    case 'answering':
      return 'Answering…';
    case 'ended':
      return 'Ended';
    case 'active':
      break;
  }
  if (held) return heldByThem ? 'On hold at both sides' : 'On hold';
  if (heldByThem) return 'The other side has put you on hold';
  if (connection === 'new' || connection === 'connecting') return 'Connecting…';
  if (connection === 'disconnected') return 'The connection is interrupted…';
  return '';
}

/**
 * Why a call is over; '' if there is nothing to say.
 * @param {Pick<Call, 'endedBy' | 'reason' | 'startedAt' | 'endedAt' | 'outgoing'>} call
 * @param {string} who
 * @returns {{ text: string, bad: boolean }} `bad`: it did not go as it should
 */
export function overText({ endedBy, reason, startedAt, endedAt, outgoing }, who) {
  const answered = startedAt > 0;
  const lasted = answered ? ` The call took ${durationText((endedAt - startedAt) / 1000)}.` : '';
  switch (endedBy) {
    case 'us':
    case '':
      return { text: answered ? `Call with ${who} ended.${lasted}` : '', bad: false };
    case 'them': {
      const text = endText(reason, who, answered);
      const normal = /^\s*2/.test(reason);
      // Who gave up calling us is among the missed calls.
      if (!answered && !outgoing) return { text: normal ? `The call from ${who} was answered elsewhere.` : '', bad: false };
      return { text: normal ? `${text}${lasted}` : text, bad: !normal };
    }
    case 'refused':
      return { text: refusedText(reason, who), bad: true };
    case 'network':
      return { text: endText(reason, who, answered), bad: true };
    case 'browser':
      return { text: `The browser could not set up the call with ${who}${reason ? ` (${reason})` : ''}. Try again, or use another browser.`, bad: true };
    case 'lost':
      return { text: `The line to the server broke, and the call with ${who} ended with it. Call again as soon as it is back.`, bad: true };
  }
}

/**
 * What is wrong with the line or the account; '' if nothing.
 * @param {{
 *   link: import('./client.js').LinkState, delay: number, wasOnline: boolean, closeReason: string,
 *   registration: import('./account.js').Registration, reason: string, domain: string
 * }} line
 */
export function lineText({ link, delay, wasOnline, closeReason, registration, reason, domain }) {
  if (link === 'waiting') {
    const said = closeReason ? ` It says: “${closeReason}”.` : '';
    const hint = wasOnline ? 'If this lasts, check your network.' : 'If this lasts, check your network, or ask the operator whether this server offers telephony.';
    return `The server cannot be reached.${said} Trying again in ${Math.round(delay / 1000)} s. ${hint}`;
  }
  return registration === 'failed' ? registrationText(reason, domain) : '';
}

/** @type {Record<import('./history.js').Outcome, (outgoing: boolean) => string>} */
const OUTCOMES = {
  answered: (outgoing) => (outgoing ? 'Outgoing' : 'Incoming'),
  missed: () => 'Missed',
  declined: () => 'Declined',
  unanswered: () => 'Not answered',
  failed: () => 'Failed',
  elsewhere: () => 'Answered elsewhere'
};

/**
 * One line of the list of calls.
 * @param {import('./history.js').Entry} entry
 * @param {Date} now
 * @param {string} [locale]
 */
export function historyText({ outcome, outgoing, seconds, at, video }, now, locale) {
  const date = new Date(at);
  const today = date.toDateString() === now.toDateString();
  const when = date.toLocaleString(locale, today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
  return [OUTCOMES[outcome](outgoing), video ? 'video' : '', outcome === 'answered' ? durationText(seconds) : '', when].filter(Boolean).join(' · ');
}

/** What stands on a call that is silent, though nobody said that it is held. @param {string} who */
export function silentText(who) {
  return `Nothing arrives from ${who} at the moment. They may have put you on hold, or their network is slow.`;
}
