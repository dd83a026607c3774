// The chat channels of one peer. Two simultaneous calls leave two of them; the reader sees one chat.

/** Longer texts from a peer are cut: the log is for people. */
export const MAX_CHAT_LENGTH = 4000;

/**
 * @param {RoomPeer} peer
 * @param {RTCDataChannel} channel
 * @param {{ opened(): void, closed(): void, text(text: string): void }} events
 */
export function adoptChannel(peer, channel, events) {
  peer.channels.add(channel);
  peer.dc = channel;
  const update = () => {
    const open = openChannel(peer);
    if (open) peer.dc = open;
    if (peer.chatOpen === Boolean(open)) return;
    peer.chatOpen = Boolean(open);
    if (open) events.opened();
    else events.closed();
  };
  channel.onopen = update;
  channel.onclose = () => {
    peer.channels.delete(channel);
    update();
  };
  channel.onmessage = (event) => {
    if (typeof event.data === 'string') events.text(event.data.slice(0, MAX_CHAT_LENGTH));
  };
}

/**
 * @param {RoomPeer} peer
 * @returns {RTCDataChannel | undefined}
 */
export function openChannel(peer) {
  return [...peer.channels].find((channel) => channel.readyState === 'open');
}

/** @param {RoomPeer} peer */
export function hasUsableChannel(peer) {
  return [...peer.channels].some((channel) => channel.readyState === 'open' || channel.readyState === 'connecting');
}

/** @param {RoomPeer} peer */
export function dropChannels(peer) {
  for (const channel of peer.channels) {
    channel.onopen = channel.onclose = channel.onmessage = null;
    channel.close();
  }
  peer.channels.clear();
}
