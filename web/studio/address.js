// What the page's address says, and the addresses it leads to.

/**
 * @typedef {import('./line.js').Mode} Mode
 * @typedef {{ mode: Mode, stream: string, app: string }} Place `app` is '' for streams outside applications
 */

/**
 * @param {string} href
 * @returns {Place}
 */
export function readAddress(href) {
  const { searchParams } = new URL(href);
  const text = (/** @type {string} */ name) => (searchParams.get(name) ?? '').trim();
  return { mode: text('mode') === 'watch' ? 'watch' : 'publish', stream: text('stream'), app: text('app') };
}

/**
 * @param {string} href
 * @param {Place} place
 */
export function writeAddress(href, { mode, stream, app }) {
  const url = new URL(href);
  const set = (/** @type {string} */ name, /** @type {string} */ value) =>
    value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
  set('stream', stream);
  set('app', app);
  set('mode', mode);
  url.hash = '';
  return url.href;
}

/** What the server takes as a name. */
const NAME = /^[A-Za-z0-9._-]{1,256}$/;

/**
 * What cannot be a name, in words; '' if it can.
 * @param {Pick<Place, 'stream' | 'app'>} place
 */
export function nameProblem({ stream, app }) {
  if (!stream) return 'Enter a stream name first, for example “demo”.';
  for (const [what, name] of [['stream', stream], ['application', app || 'x']]) {
    if (!NAME.test(name)) return `The name of the ${what} may hold only letters without accents, digits, “-”, “_” and “.”. Choose another one.`;
  }
  // Browsers resolve these before they ask.
  if (/^\.{1,2}$/.test(stream) || /^\.{1,2}$/.test(app)) return 'A name cannot consist of dots only. Choose another one.';
  return '';
}

/**
 * Relative to the page, so a reverse proxy may serve everything below a prefix.
 * @param {string} href the page's
 * @param {Place} place
 */
export function endpointOf(href, { mode, stream, app }) {
  const parts = [...(app ? [app] : []), mode === 'publish' ? 'whip' : 'whep', stream];
  return new URL(`../${parts.map(encodeURIComponent).join('/')}`, href).href;
}
