// The media of the one call: an RTCPeerConnection that follows the client's session, from dialling or ringing to its end.

import { connectionFailedText, negotiationErrorText } from '../app.errors.js';
import { makeOffer, takeAnswer, takeCandidate, takeOffer } from '../app.negotiation.js';
import { closePeer, collectTracks, newPeer } from '../app.peer.js';
import { syncSenders, wantBothKinds } from '../app.senders.js';
import { withPeers } from '../app.state.js';
import { SESSION } from './protocol.js';

/** @typedef {import('./client.js').Session} Session */

/**
 * @param {{
 *   store: import('../app.state.js').Store,
 *   media: Pick<import('../app.media.js').Media, 'ensure' | 'outgoing' | 'stop'>,
 *   client: () => import('./client.js').SidClient,
 *   rtcConfig: RTCConfiguration
 * }} options
 */
export function createCall({ store, media, client, rtcConfig }) {
  const { state } = store;
  /** @type {RoomPeer | null} */
  let peer = null;
  /** The offer that rings; null once it is accepted. @type {RTCSessionDescriptionInit | null} */
  let ringing = null;
  /** Whom we were calling when somebody called us: if it is the same person, both want this call. */
  let wished = '';

  /**
   * @param {string} id
   * @param {boolean} polite
   */
  function open(id, polite) {
    let opened;
    try {
      opened = newPeer(id, rtcConfig, polite);
    } catch (error) {
      // The ICE settings of the server do not suit this browser.
      fail(negotiationErrorText(id, error));
      return null;
    }
    const { pc } = opened;
    peer = opened;
    pc.onicecandidate = ({ candidate }) => void client().candidate(candidate?.toJSON() ?? null);
    collectTracks(opened, store.changed);
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'connected') opened.established = true;
      if (pc.connectionState === 'failed') fail(connectionFailedText(id, opened.established));
      store.changed();
    };
    return opened;
  }

  /** Puts the call on the stage. @param {RoomPeer} shown */
  function show(shown) {
    state.peers.set(shown.id, shown);
    store.setRoomState(withPeers(state.roomState, state.peers.size));
  }

  function close() {
    if (peer) closePeer(peer);
    peer = ringing = null;
    state.peers.clear();
    media.stop();
    store.setRoomState(withPeers(state.roomState, 0));
  }

  function hangUp() {
    client().stop();
    close();
  }

  /** @param {string} text */
  function fail(text) {
    hangUp();
    store.setError(text);
  }

  /**
   * One description or candidate at a time, in the order they came.
   * @param {RoomPeer} mine
   * @param {() => Promise<unknown>} task
   */
  function enqueue(mine, task) {
    mine.queue = mine.queue.then(async () => {
      if (peer !== mine) return;
      try {
        await task();
      } catch (error) {
        if (peer !== mine) return;
        console.error('negotiation failed', error);
        // A call that runs goes on with what it has.
        if (!mine.established) fail(negotiationErrorText(mine.id, error));
      }
    });
  }

  /** @param {RoomPeer} mine */
  const sendOffer = (mine) => makeOffer(mine, ({ type, sdp }) => client().offer({ type, sdp }));

  /**
   * @param {RoomPeer} mine
   * @param {RTCSessionDescriptionInit} offer
   */
  function answer(mine, offer) {
    enqueue(mine, async () => {
      const addMedia = async () => {
        await media.ensure();
        if (peer === mine) await syncSenders(mine, media.outgoing);
      };
      await takeOffer(mine, offer, addMedia, ({ type, sdp }) => client().answer({ type, sdp }));
      if (!mine.offerAgain) return;
      mine.offerAgain = false;
      await sendOffer(mine);
    });
  }

  function accept() {
    const offer = ringing;
    if (!peer || !offer) return;
    ringing = null;
    show(peer);
    answer(peer, offer);
  }

  return {
    accept,
    hangUp,
    close,

    /**
     * Camera and microphone come first: the question for permission would keep the other side busy.
     * @param {string} id
     */
    async dial(id) {
      if (peer || client().session) return;
      wished = '';
      const mine = open(id, false);
      if (!mine) return;
      show(mine);
      await media.ensure();
      if (peer === mine && !client().call(id)) close();
    },

    reject() {
      client().reject();
      close();
    },

    /** Who rings: '' nobody, null somebody whose name has not come yet. */
    caller() {
      const { session } = client();
      if (!session || session.outgoing || (peer && !ringing)) return '';
      return ringing ? session.opponent : null;
    },

    /** @param {Session} session */
    onSession(session) {
      if (session.state !== SESSION.NEW) return;
      const mine = peer;
      if (!session.outgoing) {
        wished = mine?.id ?? '';
        close();
      } else if (mine) {
        enqueue(mine, async () => {
          await syncSenders(mine, media.outgoing);
          wantBothKinds(mine.pc);
          await sendOffer(mine);
        });
      }
    },

    /**
     * @param {Session} session
     * @param {RTCSessionDescriptionInit} offer
     */
    onCall({ opponent }, offer) {
      if (peer && !ringing) return answer(peer, offer);
      if (!peer && !open(opponent, true)) return;
      ringing = offer;
      if (opponent === wished) accept();
      store.changed();
    },

    /** @param {RTCSessionDescriptionInit} description */
    onAccept(description) {
      const mine = peer;
      if (mine) enqueue(mine, () => takeAnswer(mine, description));
    },

    /** Those that come while it still rings are kept until the offer is taken. @param {RTCIceCandidateInit | null} candidate */
    onCandidate(candidate) {
      const mine = peer;
      if (mine) enqueue(mine, () => takeCandidate(mine, candidate ?? { candidate: '' }));
    },

    /** Camera or microphone changed: a new offer in the running session tells the other side. */
    syncTracks() {
      const mine = peer;
      if (!mine || ringing) return;
      enqueue(mine, async () => {
        const changed = await syncSenders(mine, media.outgoing);
        // Before the first offer or answer there is nothing to renegotiate; that one will carry the tracks.
        if (changed && mine.pc.signalingState === 'stable' && mine.pc.remoteDescription) await sendOffer(mine);
      });
    }
  };
}
