// Ant Media's adaptor offers no simulcast. This page does: a moving picture in three sizes, published by the same messages.

/** Bits per second of each size: the two lower ones together fit where the highest does not. */
const ENCODINGS = [
  { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 80_000 },
  { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 180_000 },
  { rid: 'h', maxBitrate: 800_000 },
];
const FRAMES_PER_SECOND = 10;

/** Noise in places: enough detail that the highest size takes all it may have. */
function draw(context, step) {
  const { width, height } = context.canvas;
  context.fillStyle = `hsl(${step % 360} 60% 40%)`;
  context.fillRect(0, 0, width, height);
  for (let i = 0; i < 150; i += 1) {
    context.fillStyle = `hsl(${Math.random() * 360} 80% 60%)`;
    context.fillRect(Math.random() * width, Math.random() * height, 32, 32);
  }
}

/** Publishes; fulfilled when the server says that it flows. */
window.publish = (streamId) => new Promise(async (resolve, reject) => {
  const canvas = document.querySelector('#picture');
  const context = canvas.getContext('2d');
  let step = 0;
  setInterval(() => draw(context, (step += 1)), 1_000 / FRAMES_PER_SECOND);
  const pc = new RTCPeerConnection({ iceServers: [] });
  const [track] = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks();
  const { sender } = pc.addTransceiver(track, { direction: 'sendonly', sendEncodings: ENCODINGS });
  pc.createDataChannel(streamId);
  // On a busy machine the browser would make the pictures smaller by itself; rather fewer of them.
  track.contentHint = 'detail';
  await sender.setParameters({ ...sender.getParameters(), degradationPreference: 'maintain-resolution' });
  // Behind everything that waits: it may be open before somebody listens to it.
  const socket = new WebSocket(`ws://${location.host}/LiveApp/websocket`);
  const say = (message) => socket.send(JSON.stringify({ streamId, ...message }));
  pc.onicecandidate = ({ candidate }) => {
    if (!candidate) return;
    say({ command: 'takeCandidate', label: candidate.sdpMLineIndex, id: candidate.sdpMid, candidate: candidate.candidate });
  };
  socket.onopen = () => say({ command: 'publish', video: true, audio: false });
  socket.onmessage = async ({ data }) => {
    const message = JSON.parse(data);
    if (message.command === 'start') {
      await pc.setLocalDescription();
      say({ command: 'takeConfiguration', type: 'offer', sdp: pc.localDescription.sdp });
    } else if (message.command === 'takeConfiguration') {
      await pc.setRemoteDescription({ type: message.type, sdp: message.sdp });
    } else if (message.command === 'takeCandidate') {
      await pc.addIceCandidate({ candidate: message.candidate, sdpMLineIndex: message.label, sdpMid: message.id });
    } else if (message.definition === 'publish_started') {
      resolve();
    } else if (message.command === 'error') {
      reject(new Error(message.definition));
    }
  };
});

/** Widths and frames that were sent, by rid. */
window.sizes = async () => {
  const sizes = {};
  for (const pc of window.__connections) {
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type === 'outbound-rtp' && entry.framesEncoded) sizes[entry.rid] = { width: entry.frameWidth, frames: entry.framesSent };
    }
  }
  return sizes;
};
