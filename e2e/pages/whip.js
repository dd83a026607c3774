// A page around the clients of WHIP's and WHEP's author, as npm has them.

import { WHEPClient } from './whip-whep/whep.js';
import { WHIPClient } from './whip-whep/whip.js';

/** Camera and microphone, sent to a WHIP endpoint; with layers, the camera in three sizes. */
window.publish = async (url, { token = '', layers = false } = {}) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } });
  const pc = new RTCPeerConnection();
  const encodings = [['h', 1], ['m', 2], ['l', 4]].map(([rid, scale]) => ({ rid, scaleResolutionDownBy: scale, active: true }));
  pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly' });
  pc.addTransceiver(stream.getVideoTracks()[0], { direction: 'sendonly', ...(layers ? { sendEncodings: encodings } : {}) });
  window.client = new WHIPClient();
  await window.client.publish(pc, url, token);
};

/** What a WHEP endpoint sends, shown. */
window.view = async (url, { token = '' } = {}) => {
  const pc = new RTCPeerConnection();
  const shown = new MediaStream();
  for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
  pc.ontrack = ({ track, streams }) => {
    window.streams = (window.streams ?? new Set()).add(streams[0]?.id);
    shown.addTrack(track);
    document.querySelector('#seen').srcObject = shown;
  };
  window.client = new WHEPClient();
  await window.client.view(pc, url, token);
};

/** What has come in: decoded frames, sound, height of the picture. */
window.received = async () => {
  const sum = { frames: 0, energy: 0, height: 0, state: window.client.pc.connectionState };
  for (const entry of (await window.client.pc.getStats()).values()) {
    if (entry.type !== 'inbound-rtp') continue;
    if (entry.kind === 'video') Object.assign(sum, { frames: entry.framesDecoded ?? 0, height: entry.frameHeight ?? 0 });
    else sum.energy = entry.totalAudioEnergy ?? 0;
  }
  return sum;
};
