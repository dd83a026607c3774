// What a description says about a call: which media, in which direction.

/** @typedef {'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'} Direction as the description's writer sees it */

/**
 * @param {string} sdp
 * @param {Kind} kind
 * @returns {{ accepted: boolean, direction: Direction } | null} the first section of the kind; null if there is none
 */
export function sectionOf(sdp, kind) {
  const [session, ...sections] = sdp.split(/^(?=m=)/m);
  const section = sections.find((text) => text.startsWith(`m=${kind} `));
  if (section === undefined) return null;
  const port = Number(/^m=\S+ ([0-9]+)/.exec(section)?.[1] ?? 0);
  const told = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m;
  const direction = /** @type {Direction} */ (told.exec(section)?.[1] ?? told.exec(session)?.[1] ?? 'sendrecv');
  return { accepted: port !== 0, direction };
}

/** Does its writer offer or take a picture? @param {string} sdp */
export function hasVideo(sdp) {
  return sectionOf(sdp, 'video')?.accepted ?? false;
}

/**
 * Has its writer put us on hold? Who only sends, or nothing flows, does not listen.
 * @param {string} sdp
 */
export function holdsUs(sdp) {
  const direction = sectionOf(sdp, 'audio')?.direction;
  return direction === 'sendonly' || direction === 'inactive';
}
