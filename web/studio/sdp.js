// Session descriptions as text: the fragments that trickle candidates and restart ICE (RFC 8840, RFC 9725).

/**
 * @typedef {{ ufrag: string, pwd: string }} Credentials
 * @typedef {{ mid: string, line: string }} Candidate `line` as the browser tells it, without `a=`
 */

/** @param {string} text */
const linesOf = (text) => text.split(/\r\n|\n/).filter((line) => line !== '');

/** @param {string[]} lines */
const textOf = (lines) => lines.map((line) => `${line}\r\n`).join('');

/**
 * The value of the first line that starts so.
 * @param {string[]} lines
 * @param {string} start
 */
function valueOf(lines, start) {
  return lines.find((line) => line.startsWith(start))?.slice(start.length).trim() ?? '';
}

/**
 * The part before the first `m=` line, then one part per `m=` line.
 * @param {string} sdp
 */
function partsOf(sdp) {
  /** @type {string[][]} */
  const parts = [[]];
  for (const line of linesOf(sdp)) {
    if (line.startsWith('m=')) parts.push([]);
    parts[parts.length - 1].push(line);
  }
  return parts;
}

/**
 * All media share one transport, so the first credentials count for all.
 * @param {string} sdp a description or a fragment
 * @returns {Credentials}
 */
export function credentialsOf(sdp) {
  const lines = linesOf(sdp);
  return { ufrag: valueOf(lines, 'a=ice-ufrag:'), pwd: valueOf(lines, 'a=ice-pwd:') };
}

/**
 * The body of a PATCH: our credentials and the candidates found since the last one.
 * @param {string} sdp our own description
 * @param {Candidate[]} candidates none in the request that restarts ICE
 * @param {boolean} done no more will come
 */
export function renderFragment(sdp, candidates, done) {
  const { ufrag, pwd } = credentialsOf(sdp);
  const media = partsOf(sdp).slice(1);
  const mids = media.map((part) => valueOf(part, 'a=mid:'));
  const known = candidates.filter(({ mid }) => mids.includes(mid));
  const lines = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`];
  media.forEach((part, index) => {
    const own = known.filter(({ mid }) => mid === mids[index]);
    // Without any candidate the first part still says which transport this is about.
    if (own.length === 0 && (known.length > 0 || index > 0)) return;
    const kind = valueOf(part, 'm=').split(' ')[0];
    lines.push(`m=${kind} 9 UDP/TLS/RTP/SAVPF 0`, `a=mid:${mids[index]}`);
    for (const { line } of own) lines.push(`a=${line}`);
    if (done) lines.push('a=end-of-candidates');
  });
  return textOf(lines);
}

/**
 * The server's old answer with the credentials and candidates of a restart.
 * @param {string} answer
 * @param {string} fragment
 * @returns {string} '' if the fragment holds no credentials
 */
export function restartedAnswer(answer, fragment) {
  const { ufrag, pwd } = credentialsOf(fragment);
  if (!ufrag || !pwd) return '';
  const candidates = new Set(linesOf(fragment).filter((line) => line.startsWith('a=candidate:')));
  const parts = partsOf(answer);
  const isCandidate = (/** @type {string} */ line) => line.startsWith('a=candidate:');
  const isOld = (/** @type {string} */ line) => isCandidate(line) || line === 'a=end-of-candidates';
  const holders = parts.filter((part) => part.some(isCandidate));
  // Where candidates stood, there they stand again; if nowhere, the first medium has them.
  const places = holders.length > 0 ? holders : parts.slice(1, 2);
  const written = parts.flatMap((part) => {
    const kept = part
      .filter((line) => !isOld(line))
      .map((line) => line.replace(/^a=ice-ufrag:.*/, () => `a=ice-ufrag:${ufrag}`).replace(/^a=ice-pwd:.*/, () => `a=ice-pwd:${pwd}`));
    return places.includes(part) ? [...kept, ...candidates, 'a=end-of-candidates'] : kept;
  });
  return textOf(written);
}
