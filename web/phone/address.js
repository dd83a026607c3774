// SIP addresses as people type them, as the server wants them, and as people read them.

/**
 * @typedef {{ address: string, user: string, domain: string }} Account `address` is `user@domain`, without scheme
 * @typedef {{ uri: string, problem: string }} Target one of the two is ''
 */

/** What the server takes as an address, in bytes. */
const MAX_BYTES = 256;
/** RFC 3261 section 25.1: what may stand in a user as it is. */
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/;
const NOT_IN_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/%]/gu;
const LABELS = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/;
const SIX = /^\[[0-9A-Fa-f:.]+\]$/;
const PARAMETER = /^[A-Za-z0-9\-_.!~*'()[\]/:&+$%]+(?:=[A-Za-z0-9\-_.!~*'()[\]/:&+$%]+)?$/;
const NUMBER = /^\+?[0-9*#][0-9*#\s().\-/]*$/;

/** @param {string} text */
const withoutScheme = (text) => text.replace(/^sips?:/i, '');

/** @param {string} text the host, perhaps with port and parameters */
function isHost(text) {
  const [, host, rest] = /^(\[[^\]]*\]|[^:;]*)(.*)$/s.exec(text) ?? [];
  if (host === undefined || !(LABELS.test(host) || SIX.test(host))) return false;
  const [port, ...parameters] = rest.split(';');
  if (port !== '' && !(/^:[0-9]{1,5}$/.test(port) && Number(port.slice(1)) >= 1 && Number(port.slice(1)) <= 65_535)) return false;
  return parameters.every((parameter) => PARAMETER.test(parameter));
}

/** @param {string} user as typed; what may not stand there as it is becomes an escape */
function escaped(user) {
  return user.replace(NOT_IN_USER, (character) => encodeURIComponent(character));
}

/**
 * The own account.
 * @param {string} text
 * @returns {Account | null}
 */
export function readAccount(text) {
  const address = withoutScheme(text.trim());
  const at = address.indexOf('@');
  const [user, host] = [address.slice(0, Math.max(0, at)), address.slice(at + 1)];
  if (at < 1 || !USER.test(user) || !isHost(host) || address.length > MAX_BYTES) return null;
  const domain = host.replace(/^(\[[^\]]*\]|[^:;]*).*$/s, '$1');
  return { address, user, domain };
}

const EMPTY = 'Enter whom to call: a name, a number, or an address such as bob@example.com.';
const BAD = 'This is no address. Write a name, a number, or an address such as bob@example.com.';
const LONG = 'This address is too long. Check it, then call again.';

/**
 * Whom to call. What is no full address belongs to the own domain.
 * @param {string} typed
 * @param {string} domain
 * @returns {Target}
 */
export function readTarget(typed, domain) {
  // Copied from a mail or an address book: “Bob” <sip:bob@example.com>.
  const text = (/<([^<>]*)>\s*$/.exec(typed)?.[1] ?? typed).trim().replace(/^tel:/i, '');
  const named = withoutScheme(text).trim();
  if (named === '') return { uri: '', problem: EMPTY };
  const uri = complete(named, domain, named !== text);
  if (uri === '') return { uri, problem: BAD };
  return uri.length > MAX_BYTES ? { uri: '', problem: LONG } : { uri, problem: '' };
}

/**
 * @param {string} text without scheme
 * @param {string} domain
 * @param {boolean} schemed a scheme was written
 */
function complete(text, domain, schemed) {
  const at = text.lastIndexOf('@');
  if (at >= 0) {
    const user = escaped(text.slice(0, at));
    const host = text.slice(at + 1);
    return USER.test(user) && isHost(host) ? `${user}@${host}` : '';
  }
  // What people put between digits to read them better is not dialled.
  if (NUMBER.test(text)) return `${escaped(text.replace(/[^0-9*#+]/g, ''))}@${domain}`;
  // Only who writes the scheme can mean a host alone.
  if (schemed && text.includes('.') && isHost(text)) return text;
  const user = escaped(text);
  return !/\s/.test(text) && USER.test(user) ? `${user}@${domain}` : '';
}

/** @param {string} user */
function unescaped(user) {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/**
 * How an address reads best: within the own domain, the name alone.
 * @param {string} uri
 * @param {string} domain
 */
export function shortAddress(uri, domain) {
  const address = withoutScheme(uri);
  const at = address.indexOf('@');
  if (at < 1) return address;
  const user = unescaped(address.slice(0, at));
  const host = address.slice(at + 1).replace(/;.*$/s, '');
  return host.toLowerCase() === domain.toLowerCase() ? user : `${user}@${host}`;
}

/**
 * Are these the same, however they are written? Hosts have no case.
 * @param {string} one
 * @param {string} other
 */
export function sameAddress(one, other) {
  const [a, b] = [one, other].map((uri) => {
    const [user, host = ''] = withoutScheme(uri).replace(/;.*$/s, '').split('@');
    return `${unescaped(user)}@${host.toLowerCase()}`;
  });
  return a === b;
}

/**
 * `?to=` of the page's address: fills the field in, never dials.
 * @param {string} search `location.search`
 */
export function targetFrom(search) {
  return withoutScheme((new URLSearchParams(search).get('to') ?? '').trim()).slice(0, MAX_BYTES);
}
