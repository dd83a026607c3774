// A page of the least that an application needs around Ant Media's adaptor, whose files stand in `js/` as npm has them.
// A test starts it (`ready`) and calls the adaptor itself; what the adaptor tells is kept in `told`.

import { WebRTCAdaptor } from './js/webrtc_adaptor.js';

/** Everything that the adaptor told, in order: `info`, and of its object what can be copied. */
window.told = [];
/** Messages of data channels: text as it is, binary as its length and the sum of its bytes. */
window.heard = [];
/** Incoming tracks by the ids that the server gave them: browsers need not take over the ones in the description. */
window.tracks = new Map();

function show(track, id) {
  window.tracks.set(id, track);
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.playsInline = true;
  element.dataset.track = id;
  element.srcObject = new MediaStream([track]);
  document.querySelector('#tracks').append(element);
}

async function hear({ data }) {
  if (typeof data === 'string') return window.heard.push(data);
  const bytes = new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
  window.heard.push(`${bytes.length} bytes, sum ${bytes.reduce((sum, byte) => sum + byte, 0)}`);
}

/** Makes the adaptor; fulfilled when it is initialized. */
window.ready = ({ camera = false } = {}) => new Promise((resolve, reject) => {
  window.adaptor = new WebRTCAdaptor({
    websocket_url: `ws://${location.host}/LiveApp/websocket`,
    mediaConstraints: camera ? { video: { width: 640, height: 360 }, audio: true } : { video: false, audio: false },
    peerconnection_config: { iceServers: [] },
    sdp_constraints: camera ? {} : { OfferToReceiveAudio: false, OfferToReceiveVideo: false },
    localVideoElement: camera ? document.querySelector('#local') : null,
    isPlayMode: !camera,
    debug: false,
    callback(info, object) {
      window.told.push({ info, streamId: object?.streamId, trackId: object?.trackId });
      if (info === 'initialized') resolve();
      if (info === 'newTrackAvailable') show(object.track, object.trackId);
      if (info === 'data_received') hear(object);
    },
    callbackError(error, message) {
      window.told.push({ error, message: String(message) });
      if (window.told.length === 1) reject(new Error(`${error}: ${message}`));
    },
  });
});

/**
 * The adaptor leads the microphone through an AudioContext, which Firefox does not run on a machine without a sound card:
 * there the microphone itself is sent instead.
 */
window.unmute = async (streamId) => {
  if (window.adaptor.mediaManager.audioContext?.state !== 'suspended') return;
  const [microphone] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  const senders = window.adaptor.remotePeerConnection[streamId].getSenders();
  await senders.find(({ track }) => track?.kind === 'audio').replaceTrack(microphone);
};

/** What arrives of each track now. */
window.received = async () => {
  const all = {};
  const reports = await Promise.all([...window.tracks].map(async ([id, track]) => [id, await statistics(track)]));
  for (const [id, entry] of reports.filter(([, entry]) => entry)) {
    all[id] = {
      packets: entry.packetsReceived ?? 0,
      frames: entry.framesDecoded ?? 0,
      frameWidth: entry.frameWidth ?? 0,
      width: document.querySelector(`[data-track="${id}"]`)?.videoWidth ?? 0,
      energy: entry.totalAudioEnergy ?? 0,
    };
  }
  return all;
};

async function statistics(track) {
  for (const pc of window.__connections.filter((one) => one.connectionState !== 'closed')) {
    const receiver = pc.getReceivers().find((one) => one.track === track);
    if (!receiver) continue;
    return [...(await receiver.getStats()).values()].find((entry) => entry.type === 'inbound-rtp');
  }
  return undefined;
}
