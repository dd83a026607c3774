// Recording one stream into a file the browser downloads.

import { NOTHING_TO_RECORD, NO_RECORDER_API, errorName } from './app.errors.js';

const NAME = 'webrtc-recording';
/** WebM first, as the file is named after it; VP8 before VP9, because encoding beside a call must be cheap. */
const TYPES = ['video/webm;codecs=vp8,opus', 'video/webm;codecs=vp9,opus', 'video/webm', 'video/mp4'];
/** Regular chunks, so that a browser that dies mid-way has not kept everything in one buffer. */
const CHUNK_MS = 1000;
const REVOKE_AFTER_MS = 60_000;

/**
 * @param {(type: string) => boolean} isSupported
 * @returns {{ mimeType: string, blobType: string, fileName: string }} mimeType '' = let the browser choose
 */
export function recordingType(isSupported) {
  const mimeType = TYPES.find(isSupported) ?? '';
  const { blobType, fileName } = fileFor(mimeType);
  return { mimeType, blobType, fileName };
}

/** @param {string} mimeType what the recorder really writes */
export function fileFor(mimeType) {
  const mp4 = mimeType.startsWith('video/mp4');
  return { blobType: mp4 ? 'video/mp4' : 'video/webm', fileName: `${NAME}.${mp4 ? 'mp4' : 'webm'}` };
}

/**
 * @param {number} ms
 * @returns {string} minutes and seconds
 */
export function elapsed(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/**
 * The first caller's stream, else the screen, else the camera.
 * @param {LiveState} state
 */
function streamToRecord(state) {
  for (const { remoteStream } of state.peers.values()) {
    if (remoteStream?.getTracks().length) return remoteStream;
  }
  return state.screenStream ?? state.localStream;
}

/** @param {import('./app.state.js').Store} store */
export function createRecording(store) {
  const { state, view } = store;

  function start() {
    if (state.recorder) return;
    if (typeof MediaRecorder !== 'function') return store.setError(NO_RECORDER_API);
    const stream = streamToRecord(state);
    if (!stream) return store.setError(NOTHING_TO_RECORD);
    try {
      const { mimeType } = recordingType((type) => MediaRecorder.isTypeSupported(type));
      const recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
      recorder.ondataavailable = ({ data }) => void (data.size > 0 && state.recordedChunks.push(data));
      // Also reached after an error, and when the recorded person hangs up: what was recorded is kept.
      recorder.onstop = () => finish(recorder);
      recorder.start(CHUNK_MS);
      state.recorder = recorder;
      state.recordedChunks = [];
      view.recordingSince = Date.now();
      store.setError('');
    } catch (error) {
      store.setError(`Recording did not start (${errorName(error) || 'unknown reason'}). Wait until a picture is shown, then try again.`);
    }
    store.changed();
  }

  /** @param {MediaRecorder} recorder */
  function finish(recorder) {
    const { blobType, fileName } = fileFor(recorder.mimeType);
    const chunks = state.recordedChunks;
    state.recorder = null;
    state.recordedChunks = [];
    view.recordingSince = 0;
    if (chunks.length > 0) download(new Blob(chunks, { type: blobType }), fileName);
    store.changed();
  }

  function stop() {
    if (state.recorder && state.recorder.state !== 'inactive') state.recorder.stop();
  }

  return { start, stop };
}

/**
 * @param {Blob} blob
 * @param {string} fileName
 */
function download(blob, fileName) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  // Some browsers read the blob only after the click returned.
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
}
