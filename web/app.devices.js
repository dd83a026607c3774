// Opening camera and microphone: the largest part of what was asked that this machine and its user grant.

import { errorName, mediaErrorText } from './app.errors.js';

/**
 * @typedef {{ audio: string, video: string }} Choice device ids, '' = the browser's default
 * @typedef {{ stream: MediaStream | null, issue: string }} Opened `issue` says what is missing and why
 */

/**
 * What to ask for after a request for both was refused. A refusal by the user is final unless only one of the two
 * is blocked: asking again at once would nag.
 * @param {unknown} error
 * @param {{ audio: boolean, video: boolean }} blocked by a stored permission
 * @returns {Kind[]}
 */
export function fallbackKinds(error, blocked) {
  const name = errorName(error);
  if (name !== 'NotAllowedError' && name !== 'SecurityError') return ['audio', 'video'];
  if (blocked.video && !blocked.audio) return ['audio'];
  if (blocked.audio && !blocked.video) return ['video'];
  return [];
}

/**
 * @param {Kind} kind
 * @param {string} deviceId
 * @returns {MediaTrackConstraints | true}
 */
export function trackConstraints(kind, deviceId) {
  if (deviceId) return { deviceId: { exact: deviceId } };
  return kind === 'video' ? { facingMode: 'user' } : true;
}

/**
 * Has the user said no for good?
 * @param {string} name of the permission
 */
export async function isBlocked(name) {
  try {
    const status = await navigator.permissions.query({ name: /** @type {PermissionName} */ (name) });
    return status.state === 'denied';
  } catch {
    return false;
  }
}

/**
 * @param {MediaDevices} devices
 * @param {Choice} choice
 * @returns {Promise<Opened>}
 */
export async function openDevices(devices, choice) {
  const audio = trackConstraints('audio', choice.audio);
  const video = trackConstraints('video', choice.video);
  let refusal;
  try {
    return { stream: await devices.getUserMedia({ audio, video }), issue: '' };
  } catch (error) {
    refusal = error;
  }
  const blocked = { audio: await isBlocked('microphone'), video: await isBlocked('camera') };
  for (const kind of fallbackKinds(refusal, blocked)) {
    try {
      const stream = await devices.getUserMedia(kind === 'audio' ? { audio } : { video });
      const missing = kind === 'audio' ? 'video' : 'audio';
      const effect = missing === 'video' ? 'The others hear you but do not see you.' : 'The others see you but do not hear you.';
      return { stream, issue: `${effect} ${mediaErrorText(await reason(devices, missing, choice, refusal), missing)}` };
    } catch (error) {
      console.warn(`no ${kind}`, error);
    }
  }
  return {
    stream: null,
    issue: `You take part without sound and picture of your own; you still see and hear the others. ${mediaErrorText(refusal, 'both')}`
  };
}

/**
 * The refusal of both kinds does not say which one failed, so look whether the missing one exists at all.
 * @param {MediaDevices} devices
 * @param {Kind} kind
 * @param {Choice} choice
 * @param {unknown} refusal
 */
async function reason(devices, kind, choice, refusal) {
  if (choice[kind] || errorName(refusal) === 'NotAllowedError') return refusal;
  const all = await devices.enumerateDevices();
  return all.some((device) => device.kind === `${kind}input`) ? refusal : { name: 'NotFoundError' };
}
