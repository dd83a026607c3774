// Own sound and picture: opened once, muted, switched, replaced by the screen.

import { openDevices, trackConstraints } from './app.devices.js';
import { NO_SCREEN_API, mediaErrorText, noMediaApiText, screenErrorText } from './app.errors.js';

/** @typedef {ReturnType<typeof createMedia>} Media */

/**
 * @param {import('./app.state.js').Store} store
 * @param {() => void} onTracksChanged the tracks to send are other ones now
 */
export function createMedia(store, onTracksChanged) {
  const { state, view } = store;
  const choice = { audio: '', video: '' };
  /** @type {Promise<void> | null} */
  let opening = null;
  let refused = false;
  /** Leaving while the browser still asks must not leave a camera on. */
  let epoch = 0;

  function applySwitches() {
    for (const track of state.localStream?.getAudioTracks() ?? []) track.enabled = !state.muted;
    for (const track of state.localStream?.getVideoTracks() ?? []) track.enabled = !state.cameraOff;
  }

  /** @param {MediaStreamTrack} track */
  function watchEnd(track) {
    track.addEventListener('ended', () => {
      if (!state.localStream?.getTracks().includes(track)) return;
      state.localStream.removeTrack(track);
      view.mediaIssue = mediaErrorText({ name: 'NotFoundError' }, /** @type {Kind} */ (track.kind));
      if (state.localStream.getTracks().length === 0) state.localStream = null;
      refused = true;
      store.changed();
      onTracksChanged();
    });
  }

  async function open() {
    const mine = epoch;
    view.mediaPending = true;
    store.changed();
    const { stream, issue } = navigator.mediaDevices
      ? await openDevices(navigator.mediaDevices, choice)
      : { stream: null, issue: `You take part without sound and picture of your own; you still see and hear the others. ${noMediaApiText(window.isSecureContext)}` };
    if (mine !== epoch) {
      stream?.getTracks().forEach((track) => track.stop());
      return;
    }
    state.localStream = stream;
    stream?.getTracks().forEach(watchEnd);
    view.mediaPending = false;
    view.mediaIssue = issue;
    refused = issue !== '';
    applySwitches();
    store.changed();
  }

  /**
   * Opens what it can, once; never fails, since a call without own media is still a call.
   * @returns {Promise<void>}
   */
  function ensure() {
    if (state.localStream || refused) return Promise.resolve();
    opening ??= open().finally(() => {
      opening = null;
    });
    return opening;
  }

  /** The user asks (again) for camera and microphone. */
  async function retry() {
    stopTracks(state.localStream);
    state.localStream = null;
    refused = false;
    await ensure();
    onTracksChanged();
  }

  function stop() {
    epoch += 1;
    opening = null;
    refused = false;
    stopTracks(state.localStream);
    state.localStream = null;
    state.muted = false;
    state.cameraOff = false;
    view.mediaIssue = '';
    view.mediaPending = false;
    store.changed();
  }

  /**
   * @param {Kind} kind
   * @param {string} deviceId
   */
  async function choose(kind, deviceId) {
    choice[kind] = deviceId;
    if (!state.localStream) return;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: trackConstraints(kind, deviceId) });
      const old = state.localStream?.getTracks().filter((track) => track.kind === kind) ?? [];
      const [track] = stream.getTracks();
      if (!state.localStream) return track.stop();
      // Own `stop()` fires no `ended`, so this replacement is not taken for an unplugged device.
      for (const item of old) {
        item.stop();
        state.localStream.removeTrack(item);
      }
      state.localStream.addTrack(track);
      watchEnd(track);
      if (state.localStream.getTracks().length === 2) view.mediaIssue = '';
      applySwitches();
      store.changed();
      onTracksChanged();
    } catch (error) {
      store.setError(mediaErrorText(error, kind));
    }
  }

  async function startScreenShare() {
    if (state.usingScreen) return;
    if (!navigator.mediaDevices?.getDisplayMedia) {
      store.setError(NO_SCREEN_API);
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
      const [track] = stream.getVideoTracks();
      track.addEventListener('ended', () => {
        if (state.screenStream === stream) stopScreenShare();
      });
      state.screenStream = stream;
      state.usingScreen = true;
      store.setError('');
      store.changed();
      onTracksChanged();
    } catch (error) {
      store.setError(screenErrorText(error));
    }
  }

  function stopScreenShare() {
    if (!state.usingScreen) return;
    stopTracks(state.screenStream);
    state.screenStream = null;
    state.usingScreen = false;
    store.changed();
    onTracksChanged();
  }

  return {
    ensure,
    retry,
    stop,
    choose,
    startScreenShare,
    stopScreenShare,

    toggleMute() {
      state.muted = !state.muted;
      applySwitches();
      store.changed();
    },

    toggleCamera() {
      state.cameraOff = !state.cameraOff;
      applySwitches();
      store.changed();
    },

    /**
     * What to send now: the screen takes the camera's place.
     * @param {Kind} kind
     * @returns {{ track: MediaStreamTrack, stream: MediaStream } | null}
     */
    outgoing(kind) {
      const stream = kind === 'video' && state.screenStream ? state.screenStream : state.localStream;
      const track = stream?.getTracks().find((item) => item.kind === kind);
      return stream && track ? { track, stream } : null;
    }
  };
}

/** @param {MediaStream | null} stream */
function stopTracks(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}
