// What the server's answer says in its header: links (RFC 8288) and how long to wait.

/** @typedef {{ target: string, params: Record<string, string> }} Link */

const LAYERS = 'urn:ietf:params:whep:ext:core:layer';

/** One target, then its parameters; commas and semicolons inside <> and quotes belong to them. */
const LINK = /<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
const PARAM = /;\s*([^\s=;,]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/g;

/**
 * @param {string | null} header several headers of the name, joined by commas
 * @returns {Link[]}
 */
export function parseLinks(header) {
  return [...(header ?? '').matchAll(LINK)].map(([, target, rest]) => {
    /** @type {Record<string, string>} */
    const params = {};
    for (const [, name, quoted, plain] of rest.matchAll(PARAM)) {
      params[name.toLowerCase()] ??= quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1');
    }
    return { target: target.trim(), params };
  });
}

/**
 * A `rel` may name several relations.
 * @param {Link} link
 * @param {string} relation
 */
const relates = ({ params }, relation) => (params.rel ?? '').toLowerCase().split(/\s+/).includes(relation);

/**
 * @param {Link[]} links
 * @returns {RTCIceServer[]}
 */
export function iceServersOf(links) {
  return links
    .filter((link) => relates(link, 'ice-server') && /^(stun|turn)s?:/i.test(link.target))
    .map(({ target, params: { username, credential } }) =>
      username === undefined && credential === undefined ? { urls: target } : { urls: target, username, credential }
    );
}

/**
 * Where the qualities of a watched stream are listed and chosen; '' if the server offers no choice.
 * @param {Link[]} links
 * @param {string} base
 */
export function layersUrlOf(links, base) {
  const link = links.find((item) => relates(item, LAYERS));
  return link ? new URL(link.target, base).href : '';
}

/**
 * @param {string | null} header `Retry-After`: seconds, or a date
 * @param {number} now in ms
 * @returns {number | null} ms; null if nothing usable is said
 */
export function retryAfterOf(header, now) {
  const text = (header ?? '').trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = text ? Date.parse(text) : NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
