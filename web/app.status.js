// Sentences about the state of room and calls. No DOM.

import { LARGE_ROOM } from './app.config.js';

/**
 * @param {RoomState} roomState
 * @param {number} connected calls that are up
 */
export function statusText(roomState, connected) {
  switch (roomState) {
    case 'idle':
      return 'Idle · not connected';
    case 'connecting':
      return 'Connecting…';
    case 'joined':
      return 'Joined · ready to call';
    case 'reconnecting':
      return 'Reconnecting…';
    case 'calling':
      return connected > 0 ? `Calling · ${connected} connected` : 'Calling…';
  }
}

/** @type {Record<RTCPeerConnectionState, string>} */
const CALL_TEXT = {
  new: 'Calling…',
  connecting: 'Connecting…',
  connected: 'In call',
  disconnected: 'Connection weak…',
  failed: 'Restoring…',
  closed: ''
};

/** @param {RTCPeerConnectionState | undefined} connectionState */
export function callText(connectionState) {
  return connectionState ? CALL_TEXT[connectionState] : '';
}

/**
 * What stands where the own picture would be.
 * @param {Pick<LiveState, 'localStream' | 'roomState'>} state
 * @param {Pick<View, 'mediaPending' | 'mediaIssue' | 'members'>} view
 */
export function localNote(state, view) {
  if (view.mediaPending) return 'The browser asks for camera and microphone: press “Allow”.';
  if (state.localStream?.getVideoTracks().length) return 'Your camera is off';
  if (view.mediaIssue) return 'No picture of your own';
  if (state.roomState !== 'joined') return 'Your camera is not on yet';
  return view.members.length > 1 ? 'Press “Call” beside a name to start.' : 'You are the first one here. Send the room link to the others.';
}

/**
 * @param {number} members
 * @returns {string} '' in rooms of a size a mesh carries well
 */
export function largeRoomHint(members) {
  if (members <= LARGE_ROOM) return '';
  return `${members} people are here. Every call sends its own copy of your picture; above ${LARGE_ROOM} a media server (SFU) does better. Call only those you need.`;
}
