// Which calls end when the list of members changes.

/**
 * How long a running call outlives its member's entry in the list. Media flows between the members, so a member whose
 * line to the server broke is still there; it comes back within one reconnect delay (8 s) or not at all.
 */
export const VANISH_GRACE_MS = 10_000;

/**
 * @param {Iterable<{ id: string, pc: Pick<RTCPeerConnection, 'connectionState'> }>} peers
 * @param {readonly string[]} members
 * @returns {{ close: string[], watch: string[] }} whom to close now, whom to look at again after the grace time
 */
export function vanishedPeers(peers, members) {
  const present = new Set(members);
  /** @type {string[]} */
  const close = [];
  /** @type {string[]} */
  const watch = [];
  for (const { id, pc } of peers) {
    if (present.has(id)) continue;
    (pc.connectionState === 'connected' ? watch : close).push(id);
  }
  return { close, watch };
}
