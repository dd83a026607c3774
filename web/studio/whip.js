// A client of WHIP (RFC 9725) and WHEP: one connection of this browser to one stream of the server. It knows nothing of the page.
//
//   const pc = new RTCPeerConnection(config);
//   pc.addTransceiver(track, { direction: 'sendonly' });      // WHIP; for WHEP: ('video', { direction: 'recvonly' })
//   const session = new StreamSession({ endpoint: 'https://host/whip/demo', token: '', pc });
//   await session.open();                                      // throws StreamError
//   …
//   await session.close();

import { credentialsOf, renderFragment, restartedAnswer } from './sdp.js';
import { iceServersOf, layersUrlOf, parseLinks, retryAfterOf } from './links.js';

/**
 * @typedef {import('./sdp.js').Candidate} Candidate
 * @typedef {{ encodingId: string, width?: number, height?: number, bitrate?: number }} Encoding
 * @typedef {{ media?: Record<string, { active?: Encoding[] }> }} Layers
 */

/** Candidates come in bursts: longer delays the last of them, shorter makes a request of each. */
export const TRICKLE_MS = 100;
/** A server that is silent for this long is lost; shorter gives up on slow mobile networks. */
export const ANSWER_TIMEOUT_MS = 10_000;

const FRAGMENT = 'application/trickle-ice-sdpfrag';

/** The server said no, or could not be asked. */
export class StreamError extends Error {
  /**
   * @param {number} status 0 if there was no answer
   * @param {string} [detail] the server's own words
   * @param {number | null} [retryAfter] ms
   */
  constructor(status, detail = '', retryAfter = null) {
    super(detail || `status ${status}`);
    this.name = 'StreamError';
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {Response} response
 * @returns {Promise<StreamError>}
 */
async function refusalOf(response) {
  let detail = '';
  try {
    // Other bodies, say a proxy's page in HTML, are no words for the user.
    if (/\bjson\b/.test(response.headers.get('content-type') ?? '')) {
      const problem = await response.json();
      detail = String(problem.detail ?? problem.title ?? '');
    }
  } catch {
    // The status says enough.
  }
  return new StreamError(response.status, detail, retryAfterOf(response.headers.get('retry-after'), Date.now()));
}

export class StreamSession {
  /** Where the qualities are chosen, '' if there is no choice. */
  layersUrl = '';
  #endpoint;
  #token;
  #pc;
  #fetch;
  #onGone;
  #resource = '';
  #etag = '';
  #answer = '';
  /** @type {Candidate[]} */ #candidates = [];
  #gathered = false;
  #trickles = true;
  /** While ICE is restarted, new candidates wait for the new entity tag. */
  #restarting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** One PATCH at a time, in order. @type {Promise<void>} */ #queue = Promise.resolve();
  #closed = false;
  /** @type {Promise<void> | null} */ #opening = null;
  /** The DELETE, until it turns out that it did not arrive. @type {Promise<boolean> | null} */ #ending = null;

  /**
   * @param {{
   *   endpoint: string, token?: string, pc: RTCPeerConnection, fetch?: typeof fetch,
   *   onGone?: () => void
   * }} options `pc` with its transceivers; `onGone` is told that the server no longer knows this session
   */
  constructor({ endpoint, token = '', pc, fetch: ask = (...request) => fetch(...request), onGone = () => {} }) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#pc = pc;
    this.#fetch = ask;
    this.#onGone = onGone;
  }

  /** Offers, and takes the answer. The server knows all its candidates, so nobody waits for ours. */
  open() {
    return (this.#opening = this.#open());
  }

  async #open() {
    const pc = this.#pc;
    pc.onicecandidate = ({ candidate }) => this.#found(candidate);
    const offer = await pc.createOffer();
    const response = await this.#ask('POST', this.#endpoint, { 'Content-Type': 'application/sdp' }, offer.sdp);
    if (response.status !== 201) throw await refusalOf(response);
    const base = response.url || this.#endpoint;
    this.#resource = new URL(response.headers.get('location') ?? '', base).href;
    this.#etag = response.headers.get('etag') ?? '';
    const links = parseLinks(response.headers.get('link'));
    this.layersUrl = layersUrlOf(links, base);
    this.#answer = await response.text();
    if (this.#closed) return;
    // Candidates are gathered from here on, so the servers named in the answer can still be used.
    const servers = iceServersOf(links);
    if (servers.length > 0) {
      const config = pc.getConfiguration();
      pc.setConfiguration?.({ ...config, iceServers: [...(config.iceServers ?? []), ...servers] });
    }
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: 'answer', sdp: this.#answer });
  }

  /**
   * New ways through the network for the same session.
   * @returns {Promise<boolean>} false: this session cannot be saved
   */
  async restart() {
    const pc = this.#pc;
    if (this.#closed || !this.#resource) return false;
    this.#restarting = true;
    this.#candidates = [];
    this.#gathered = false;
    this.#trickles = true;
    try {
      pc.restartIce();
      await pc.setLocalDescription(await pc.createOffer());
      const body = renderFragment(pc.localDescription?.sdp ?? '', [], false);
      const response = await this.#ask('PATCH', this.#resource, { 'Content-Type': FRAGMENT, 'If-Match': '*' }, body);
      if (response.status !== 200) return false;
      const answer = restartedAnswer(this.#answer, await response.text());
      if (!answer || this.#closed) return false;
      this.#etag = response.headers.get('etag') ?? this.#etag;
      this.#answer = answer;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
      return true;
    } catch (error) {
      console.warn('ICE restart failed', error);
      return false;
    } finally {
      this.#restarting = false;
      this.#schedule();
    }
  }

  /**
   * Ends it here and on the server. May be called again until the server has heard of it.
   * @param {{ keepalive?: boolean }} [options] `keepalive`: the page is going away
   * @returns {Promise<boolean>} false: the server could not be reached
   */
  async close({ keepalive = false } = {}) {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pc.onicecandidate = null;
    // With an answer on its way, the server is about to have a session that nobody wants.
    if (!this.#resource) await this.#opening?.catch(() => {});
    if (this.#resource) {
      this.#ending ??= this.#ask('DELETE', this.#resource, {}, undefined, keepalive).then(
        () => true,
        () => false
      );
    }
    const ended = (await this.#ending) ?? true;
    if (!ended) this.#ending = null;
    // Afterwards: a server that sees the transport close first would not know the resource any more.
    this.#pc.close();
    return ended;
  }

  /** @returns {Promise<Layers>} the qualities at this moment */
  async layers() {
    const response = await this.#ask('GET', this.layersUrl, {});
    if (!response.ok) throw await refusalOf(response);
    return response.json();
  }

  /**
   * @param {string} mediaId
   * @param {string} encodingId '' for automatic
   */
  async choose(mediaId, encodingId) {
    const body = JSON.stringify(encodingId ? { mediaId, encodingId } : {});
    const response = await this.#ask('POST', this.layersUrl, { 'Content-Type': 'application/json' }, body);
    if (!response.ok) throw await refusalOf(response);
  }

  /** @param {RTCIceCandidate | null} candidate */
  #found(candidate) {
    if (candidate?.candidate) {
      // What was gathered before a restart is of no use after it.
      const { ufrag } = credentialsOf(this.#pc.localDescription?.sdp ?? '');
      if (candidate.usernameFragment && ufrag && candidate.usernameFragment !== ufrag) return;
      this.#candidates.push({ mid: candidate.sdpMid ?? '0', line: candidate.candidate });
    } else if (!candidate) {
      this.#gathered = true;
    }
    this.#schedule();
  }

  #schedule() {
    if (this.#closed || !this.#trickles || this.#timer !== undefined) return;
    if (this.#candidates.length === 0 && !this.#gathered) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#queue = this.#queue.then(() => this.#trickle());
    }, TRICKLE_MS);
  }

  async #trickle() {
    if (this.#closed || this.#restarting || !this.#trickles) return;
    const done = this.#gathered;
    const candidates = this.#candidates.splice(0);
    this.#gathered = false;
    if (candidates.length === 0 && !done) return;
    const body = renderFragment(this.#pc.localDescription?.sdp ?? '', candidates, done);
    const etag = this.#etag;
    /** @type {Record<string, string>} */
    const headers = { 'Content-Type': FRAGMENT };
    if (etag) headers['If-Match'] = etag;
    try {
      const { status } = await this.#ask('PATCH', this.#resource, headers, body);
      if (this.#closed) return;
      if (status === 404) this.#onGone();
      // The server finds our address by itself in most networks, so the connection may well do without.
      // Crossing a restart, the refusal is of the past.
      else if (status >= 400 && etag === this.#etag && !this.#restarting) this.#trickles = false;
    } catch {
      // If the network is gone, the connection itself will tell.
    }
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {Record<string, string>} headers
   * @param {string} [body]
   * @param {boolean} [keepalive]
   */
  async #ask(method, url, headers, body, keepalive = false) {
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    const signal = AbortSignal.timeout?.(ANSWER_TIMEOUT_MS);
    try {
      return await this.#fetch(url, { method, headers, body, keepalive, signal, cache: 'no-store' });
    } catch (error) {
      console.warn(`${method} ${url} failed`, error);
      throw new StreamError(0);
    }
  }
}
