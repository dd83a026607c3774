// Microphone and camera of the calls: opened when the first call needs them, closed with the last one.

import { fallbackKinds, isBlocked, trackConstraints } from '../app.devices.js';
import { mediaErrorText, noMediaApiText } from '../app.errors.js';
import { cameraConstraints } from '../studio/sources.js';

/**
 * @typedef {{ microphone: string, camera: string }} Choice ids, '' = the browser's default
 * @typedef {{ audio: boolean, video: boolean }} Kinds
 */

const EFFECT = { audio: 'The others do not hear you.', video: 'The others do not see you.' };

/**
 * As much of what is wanted as there is.
 * @param {MediaDevices} devices
 * @param {Kinds} wanted
 * @param {Choice} choice
 * @returns {Promise<{ tracks: MediaStreamTrack[], issue: string }>}
 */
export async function openWanted(devices, wanted, choice) {
  const audio = wanted.audio ? trackConstraints('audio', choice.microphone) : false;
  const video = wanted.video ? cameraConstraints(choice.camera) : false;
  let refusal;
  try {
    return { tracks: (await devices.getUserMedia({ audio, video })).getTracks(), issue: '' };
  } catch (error) {
    refusal = error;
  }
  const only = wanted.audio ? 'audio' : 'video';
  if (!wanted.audio || !wanted.video) return { tracks: [], issue: `${EFFECT[only]} ${mediaErrorText(refusal, only)}` };
  const blocked = { audio: await isBlocked('microphone'), video: await isBlocked('camera') };
  for (const kind of fallbackKinds(refusal, blocked)) {
    try {
      const stream = await devices.getUserMedia(kind === 'audio' ? { audio } : { video });
      const missing = kind === 'audio' ? 'video' : 'audio';
      return { tracks: stream.getTracks(), issue: `${EFFECT[missing]} ${mediaErrorText(refusal, missing)}` };
    } catch (error) {
      console.warn(`no ${kind}`, error);
    }
  }
  return { tracks: [], issue: `The others neither hear nor see you. ${mediaErrorText(refusal, 'both')}` };
}

/** @param {{ choice: Choice, onChange(): void, onTracks(): void }} options `onTracks`: other ones are to be sent */
export function createDevices({ choice, onChange, onTracks }) {
  /** @type {{ audio: MediaStreamTrack | null, video: MediaStreamTrack | null }} */
  const tracks = { audio: null, video: null };
  let muted = false;
  let hidden = false;
  let issue = '';
  /** Counts closings: what the browser grants after one is not wanted any more. */
  let closings = 0;
  /** One question at a time. @type {Promise<void>} */
  let queue = Promise.resolve();

  function apply() {
    if (tracks.audio) tracks.audio.enabled = !muted;
    if (tracks.video) tracks.video.enabled = !hidden;
    onChange();
  }

  /** @param {MediaStreamTrack} track */
  function adopt(track) {
    const kind = /** @type {Kind} */ (track.kind);
    tracks[kind]?.stop();
    tracks[kind] = track;
    track.onended = () => {
      if (tracks[kind] !== track) return;
      tracks[kind] = null;
      issue = `${EFFECT[kind]} ${mediaErrorText({ name: 'NotFoundError' }, kind)}`;
      onTracks();
      apply();
    };
  }

  /** @param {Kinds} wanted */
  async function open(wanted) {
    const missing = { audio: wanted.audio && !tracks.audio, video: wanted.video && !tracks.video };
    if (!missing.audio && !missing.video) return;
    const devices = navigator.mediaDevices;
    if (!devices) {
      issue = `The others do not hear you. ${noMediaApiText(window.isSecureContext)}`;
      return;
    }
    const before = closings;
    const opened = await openWanted(devices, missing, choice);
    if (before !== closings) return opened.tracks.forEach((track) => track.stop());
    issue = opened.issue;
    opened.tracks.forEach(adopt);
    if (opened.tracks.length > 0) onTracks();
  }

  /** @param {Kinds} wanted */
  function ensure(wanted) {
    queue = queue.then(() => open(wanted)).then(apply, (error) => console.error('no devices', error));
    return queue;
  }

  return {
    /** @returns {import('./leg.js').Tracks} */
    tracks: () => ({ ...tracks }),
    get muted() {
      return muted;
    },
    get hidden() {
      return hidden;
    },
    get issue() {
      return issue;
    },

    /** Opens what is wanted and not open yet; never fails, since a call that only listens is a call. @param {Kinds} wanted */
    ensure,

    /** Something else was chosen. The old device goes first: many phones open only one camera. @param {Kind} kind */
    async renew(kind) {
      if (!tracks[kind]) return;
      const old = tracks[kind];
      tracks[kind] = null;
      old?.stop();
      await ensure({ audio: kind === 'audio', video: kind === 'video' });
    },

    toggleMuted() {
      muted = !muted;
      apply();
    },

    /** @param {boolean} next */
    setHidden(next) {
      hidden = next;
      apply();
    },

    close() {
      closings += 1;
      for (const kind of /** @type {const} */ (['audio', 'video'])) {
        tracks[kind]?.stop();
        tracks[kind] = null;
      }
      muted = hidden = false;
      issue = '';
      onChange();
    }
  };
}

/** @typedef {ReturnType<typeof createDevices>} Devices */
