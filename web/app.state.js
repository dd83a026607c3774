// The one observable store: the documented `state` object, what the page shows beside it, and who listens.

/** @typedef {ReturnType<typeof createStore>} Store */

const ROOM_STATES = new Set(['idle', 'connecting', 'joined', 'reconnecting', 'calling']);

/** @param {string} myId */
export function createStore(myId) {
  /** @type {LiveState} */
  const state = {
    myId,
    ws: null,
    roomId: '',
    roomState: 'idle',
    localStream: null,
    screenStream: null,
    usingScreen: false,
    muted: false,
    cameraOff: false,
    peers: new Map(),
    recorder: null,
    recordedChunks: []
  };
  /** @type {View} */
  const view = { members: [], error: '', mediaIssue: '', mediaPending: false, recordingSince: 0 };
  /** @type {Set<() => void>} */
  const listeners = new Set();

  function changed() {
    for (const listener of listeners) listener();
  }

  return {
    state,
    view,
    changed,

    /** @param {() => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /**
     * The last link behind `window.setRoomState`; everybody else calls that one, so that a page's own hook sees it.
     * @param {RoomState} next
     */
    setRoomState(next) {
      if (!ROOM_STATES.has(next)) throw new TypeError(`unknown room state: ${String(next)}`);
      state.roomState = next;
      changed();
    },

    /** @param {string} text '' takes the message away */
    setError(text) {
      if (view.error === text) return;
      view.error = text;
      changed();
    }
  };
}

/**
 * In a room, `calling` is the state while at least one peer exists; elsewhere the number of peers changes nothing.
 * @param {RoomState} current
 * @param {number} peers
 * @returns {RoomState}
 */
export function withPeers(current, peers) {
  if (current !== 'joined' && current !== 'calling') return current;
  return peers > 0 ? 'calling' : 'joined';
}
