// The calls: one RTCPeerConnection per member, from the first offer to the last hang-up.

import { adoptChannel, dropChannels, hasUsableChannel } from './app.channels.js';
import { NOT_IN_ROOM, NO_TARGET, RECONNECTING, connectionFailedText, negotiationErrorText } from './app.errors.js';
import { isNewSession, isPolite, makeOffer, takeAnswer, takeCandidate, takeOffer } from './app.negotiation.js';
import { closePeer, collectTracks, newPeer } from './app.peer.js';
import { syncSenders, wantBothKinds } from './app.senders.js';
import { withPeers } from './app.state.js';

/** @typedef {ReturnType<typeof createPeers>} Peers */

/** Enough for one ICE restart over a slow path; after that a hang-up is kinder than a frozen picture. */
const RESTART_TIMEOUT_MS = 12_000;

/**
 * @param {{
 *   store: import('./app.state.js').Store,
 *   media: Pick<import('./app.media.js').Media, 'ensure' | 'outgoing'>,
 *   rtcConfig: RTCConfiguration,
 *   send(message: Message): boolean,
 *   chat(line: { from: string, text: string } | { opened: string } | { closed: string }): void
 * }} options
 */
export function createPeers({ store, media, rtcConfig, send, chat }) {
  const { state } = store;

  /** @param {RoomPeer} peer */
  const isCurrent = (peer) => state.peers.get(peer.id) === peer;

  function announcePeers() {
    const next = withPeers(state.roomState, state.peers.size);
    if (next !== state.roomState) window.setRoomState(next);
    store.changed();
  }

  /**
   * @param {string} id
   * @returns {RoomPeer}
   */
  function ensurePeer(id) {
    const known = state.peers.get(id);
    if (known) return known;
    const peer = newPeer(id, rtcConfig, isPolite(state.myId, id));
    wire(peer);
    state.peers.set(id, peer);
    announcePeers();
    return peer;
  }

  /** @param {RoomPeer} peer */
  function wire(peer) {
    const { pc, id } = peer;
    pc.onicecandidate = ({ candidate }) => {
      // Firefox ends its candidates with an empty one, which this protocol does not carry.
      if (candidate?.candidate) send({ type: 'candidate', to: id, candidate: candidate.toJSON() });
    };
    collectTracks(peer, store.changed);
    pc.ondatachannel = ({ channel }) => adopt(peer, channel);
    pc.onconnectionstatechange = () => onConnectionState(peer);
  }

  /**
   * @param {RoomPeer} peer
   * @param {RTCDataChannel} channel
   */
  function adopt(peer, channel) {
    adoptChannel(peer, channel, {
      opened: () => {
        chat({ opened: peer.id });
        store.changed();
      },
      closed: () => {
        chat({ closed: peer.id });
        store.changed();
      },
      text: (text) => chat({ from: peer.id, text })
    });
  }

  /** @param {RoomPeer} peer */
  function onConnectionState(peer) {
    if (!isCurrent(peer)) return;
    switch (peer.pc.connectionState) {
      case 'connected':
        peer.established = true;
        clearTimeout(peer.restartTimer);
        peer.restartTimer = 0;
        break;
      case 'failed':
        onFailed(peer);
        break;
      case 'closed':
        remove(peer, false);
        break;
    }
    store.changed();
  }

  /**
   * One attempt to find another path. Only the impolite side offers, so the two restarts cannot collide.
   * @param {RoomPeer} peer
   */
  function onFailed(peer) {
    if (!peer.established || peer.restartTimer) {
      giveUp(peer);
      return;
    }
    peer.restartTimer = window.setTimeout(() => giveUp(peer), RESTART_TIMEOUT_MS);
    if (!peer.polite) enqueue(peer, async () => void (await makeOffer(peer, describe(peer), { iceRestart: true })));
  }

  /** @param {RoomPeer} peer */
  function giveUp(peer) {
    if (!isCurrent(peer)) return;
    remove(peer, true);
    store.setError(connectionFailedText(peer.id, peer.established));
  }

  /**
   * Usually silent; but if our own end is broken too, the other side merely gave up first.
   * @param {RoomPeer} peer
   */
  function onHangup(peer) {
    const failed = peer.pc.connectionState === 'failed';
    remove(peer, false);
    if (failed) store.setError(connectionFailedText(peer.id, peer.established));
  }

  /** @param {RoomPeer} peer */
  const describe = (peer) => {
    return (/** @type {RTCSessionDescription} */ { type, sdp }) =>
      send({ type, to: peer.id, sdp: { type, sdp } });
  };

  /**
   * @param {RoomPeer} peer
   * @param {() => Promise<void>} task
   */
  function enqueue(peer, task) {
    peer.queue = peer.queue.then(async () => {
      if (!isCurrent(peer)) return;
      try {
        await task();
      } catch (error) {
        // A connection closed by a hang-up makes the running step fail; nobody needs to hear of that.
        if (isCurrent(peer)) onTaskFailed(peer, error);
      }
    });
    return peer.queue;
  }

  /**
   * @param {RoomPeer} peer
   * @param {unknown} error
   */
  function onTaskFailed(peer, error) {
    console.error('negotiation failed', peer.id, error);
    // A call that runs goes on with what it has.
    if (peer.established) return;
    remove(peer, true);
    store.setError(negotiationErrorText(peer.id, error));
  }

  /** @param {RoomPeer} peer */
  async function addMedia(peer) {
    await media.ensure();
    return isCurrent(peer) && (await syncSenders(peer, media.outgoing));
  }

  /** @param {string} id */
  async function call(id) {
    if (!id || id === state.myId) return store.setError(NO_TARGET);
    if (state.roomState === 'reconnecting') return store.setError(RECONNECTING);
    if (state.roomState !== 'joined' && state.roomState !== 'calling') return store.setError(NOT_IN_ROOM);
    store.setError('');
    const peer = open(id);
    if (!peer) return;
    await enqueue(peer, async () => {
      await addMedia(peer);
      if (!isCurrent(peer)) return;
      wantBothKinds(peer.pc);
      if (!hasUsableChannel(peer)) adopt(peer, peer.pc.createDataChannel('chat'));
      if (await makeOffer(peer, describe(peer))) return;
      if (isCurrent(peer) && !peer.established) remove(peer, false);
      store.setError(RECONNECTING);
    });
  }

  /**
   * @param {string} id
   * @returns {RoomPeer | null}
   */
  function open(id) {
    try {
      return ensurePeer(id);
    } catch (error) {
      // The ICE settings of the server do not suit this browser.
      store.setError(negotiationErrorText(id, error));
      return null;
    }
  }

  /**
   * @param {string} id
   * @param {RTCSessionDescriptionInit} offer
   */
  function onOffer(id, offer) {
    const known = state.peers.get(id);
    if (known && isNewSession(known.pc.remoteDescription?.sdp, offer.sdp)) remove(known, false);
    const peer = open(id);
    if (!peer) return;
    void enqueue(peer, async () => {
      await takeOffer(peer, offer, async () => void (await addMedia(peer)), describe(peer));
      if (!peer.offerAgain) return;
      peer.offerAgain = false;
      await makeOffer(peer, describe(peer));
    });
  }

  /**
   * @param {RoomPeer} peer
   * @param {boolean} notify tell the other side
   */
  function remove(peer, notify) {
    if (!isCurrent(peer)) return;
    state.peers.delete(peer.id);
    clearTimeout(peer.restartTimer);
    if (notify) send({ type: 'hangup', to: peer.id });
    dropChannels(peer);
    closePeer(peer);
    if (peer.chatOpen) chat({ closed: peer.id });
    announcePeers();
  }

  return {
    call,

    /** @param {Message & { from: string }} message */
    onRelay(message) {
      const { type, from, sdp, candidate } = message;
      const peer = state.peers.get(from);
      if (type === 'offer' && sdp) onOffer(from, { type: 'offer', sdp: sdp.sdp });
      else if (!peer) return;
      else if (type === 'answer' && sdp) void enqueue(peer, () => takeAnswer(peer, { type: 'answer', sdp: sdp.sdp }));
      else if (type === 'candidate' && candidate) void enqueue(peer, () => takeCandidate(peer, candidate));
      else if (type === 'hangup') onHangup(peer);
    },

    /**
     * @param {string} id
     * @param {boolean} [notify]
     */
    hangup(id, notify = true) {
      const peer = state.peers.get(id);
      if (peer) remove(peer, notify);
    },

    /** @param {boolean} [notify] */
    hangupAll(notify = true) {
      for (const peer of [...state.peers.values()]) remove(peer, notify);
    },

    /** Camera, microphone or screen changed: every call sends the new tracks. */
    syncTracks() {
      for (const peer of state.peers.values()) {
        void enqueue(peer, async () => {
          const changed = await syncSenders(peer, media.outgoing);
          // Before the first offer or answer there is nothing to renegotiate; that one will carry the tracks.
          if (changed && peer.pc.signalingState === 'stable' && peer.pc.remoteDescription) await makeOffer(peer, describe(peer));
        });
      }
    }
  };
}
