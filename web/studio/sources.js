// What is published: camera or screen, and sound. Tells what is missing and why.

import { fallbackKinds, isBlocked, trackConstraints } from '../app.devices.js';
import { NO_SCREEN_API, errorName, mediaErrorText, noMediaApiText } from '../app.errors.js';
import { missingText, pickScreenText } from './texts.js';

/** @typedef {{ source: 'camera' | 'screen', camera: string, microphone: string }} Choice ids; '' = default, microphone 'none' = no sound */

export const NO_SOUND = 'none';

/**
 * What to ask a camera for; it may give less.
 * @param {string} deviceId
 * @returns {MediaTrackConstraints}
 */
export function cameraConstraints(deviceId) {
  const base = trackConstraints('video', deviceId);
  return { ...(base === true ? {} : base), width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
}

/** @param {string} deviceId */
const soundConstraints = (deviceId) => trackConstraints('audio', deviceId);

/**
 * @param {MediaDevices} devices
 * @param {MediaStreamConstraints} wanted
 * @returns {Promise<{ tracks: MediaStreamTrack[], issue: string }>}
 */
async function openCapture(devices, { audio, video }) {
  if (!audio && !video) return { tracks: [], issue: '' };
  let refusal;
  try {
    return { tracks: (await devices.getUserMedia({ audio, video })).getTracks(), issue: '' };
  } catch (error) {
    refusal = error;
  }
  if (!audio || !video) return { tracks: [], issue: `${missingText(video ? 'video' : 'audio')} ${mediaErrorText(refusal, video ? 'video' : 'audio')}` };
  const blocked = { audio: await isBlocked('microphone'), video: await isBlocked('camera') };
  for (const kind of fallbackKinds(refusal, blocked)) {
    try {
      const { [0]: track } = (await devices.getUserMedia(kind === 'audio' ? { audio } : { video })).getTracks();
      const missing = kind === 'audio' ? 'video' : 'audio';
      const present = (await devices.enumerateDevices()).some((device) => device.kind === `${missing}input`);
      return { tracks: [track], issue: `${missingText(missing)} ${mediaErrorText(present ? refusal : { name: 'NotFoundError' }, missing)}` };
    } catch (error) {
      console.warn(`no ${kind}`, error);
    }
  }
  return { tracks: [], issue: mediaErrorText(refusal, 'both') };
}

/**
 * @param {{ choice: Choice, onChange(): void, onEnded(kind: Kind): void }} options
 *   `onEnded`: the user or the system took it away
 */
export function createSources({ choice, onChange, onEnded }) {
  /** @type {MediaStreamTrack | null} */ let picture = null;
  /** @type {MediaStreamTrack | null} */ let microphone = null;
  /** The sound of a shared tab or screen. @type {MediaStreamTrack | null} */ let screenSound = null;
  /** @type {{ track: MediaStreamTrack, from: string, context: AudioContext } | null} */ let mix = null;
  let muted = false;
  let hidden = false;
  let issue = '';
  /** @type {Promise<void> | null} */ let opening = null;
  /** Counts closings: what the browser grants after one is not wanted any more. */
  let closings = 0;

  function apply() {
    for (const track of [microphone, screenSound]) if (track) track.enabled = !muted;
    if (picture) picture.enabled = !hidden;
    onChange();
  }

  /** @param {MediaStreamTrack} track */
  function adopt(track) {
    track.onended = () => {
      if (track !== picture && track !== microphone) return;
      const kind = track === picture ? 'video' : 'audio';
      if (kind === 'video') dropPicture();
      else microphone = null;
      onEnded(kind);
      apply();
    };
    return track;
  }

  function dropPicture() {
    picture?.stop();
    screenSound?.stop();
    picture = screenSound = null;
  }

  function dropMicrophone() {
    microphone?.stop();
    microphone = null;
  }

  function dropMix() {
    void mix?.context.close();
    mix = null;
  }

  /** One track goes out, so microphone and screen are mixed. @returns {MediaStreamTrack | null} */
  function sound() {
    if (!microphone || !screenSound) {
      dropMix();
      return microphone ?? screenSound;
    }
    const from = `${microphone.id} ${screenSound.id}`;
    if (mix?.from === from) return mix.track;
    dropMix();
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    for (const track of [microphone, screenSound]) context.createMediaStreamSource(new MediaStream([track])).connect(out);
    mix = { track: out.stream.getAudioTracks()[0], from, context };
    return mix.track;
  }

  /** @param {MediaStreamTrack[]} tracks */
  function discard(tracks) {
    for (const track of tracks) track.stop();
    return '';
  }

  async function openScreen() {
    const before = closings;
    // Safari and Chrome on phones lack it.
    if (!navigator.mediaDevices.getDisplayMedia) return NO_SCREEN_API;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: true });
      if (before !== closings) return discard(stream.getTracks());
      picture = adopt(stream.getVideoTracks()[0]);
      picture.contentHint = 'detail';
      screenSound = stream.getAudioTracks()[0] ?? null;
      return '';
    } catch (error) {
      return pickScreenText(errorName(error));
    }
  }

  async function openAll() {
    const devices = navigator.mediaDevices;
    if (!devices) {
      issue = noMediaApiText(window.isSecureContext);
      return;
    }
    const before = closings;
    const wantsSound = choice.microphone !== NO_SOUND && !microphone;
    issue = '';
    // First, while the click that led here still counts.
    if (choice.source === 'screen' && !picture) issue = await openScreen();
    const video = choice.source === 'camera' && !picture ? cameraConstraints(choice.camera) : undefined;
    if (before !== closings || (choice.source === 'screen' && !picture)) return;
    const opened = await openCapture(devices, { audio: wantsSound ? soundConstraints(choice.microphone) : undefined, video });
    if (before !== closings) return void discard(opened.tracks);
    issue ||= opened.issue;
    for (const track of opened.tracks) {
      if (track.kind === 'video') picture = adopt(track);
      else microphone = adopt(track);
    }
  }

  /** Opens what was chosen and is not open yet. */
  async function open() {
    opening ??= openAll().finally(() => (opening = null));
    await opening;
    apply();
  }

  return {
    open,
    get picture() {
      return picture;
    },
    get sound() {
      return sound();
    },
    get muted() {
      return muted;
    },
    get hidden() {
      return hidden;
    },
    get issue() {
      return issue;
    },
    get opening() {
      return opening !== null;
    },
    get isOpen() {
      return Boolean(picture || microphone);
    },

    close() {
      closings += 1;
      dropPicture();
      dropMicrophone();
      dropMix();
      issue = '';
      apply();
    },

    /**
     * Something else was chosen: what is open changes with it. The old device goes first, many phones open only one camera.
     * @param {Kind} kind
     */
    async renew(kind) {
      const wasOpen = Boolean(picture || microphone);
      await opening;
      if (kind === 'video') dropPicture();
      else dropMicrophone();
      if (wasOpen) await open();
      else apply();
    },

    toggleMuted() {
      muted = !muted;
      apply();
    },

    toggleHidden() {
      hidden = !hidden;
      apply();
    }
  };
}

/** @typedef {ReturnType<typeof createSources>} Sources */
