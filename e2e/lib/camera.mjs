// A media server of EvoStream's family in a browser's tab, as far as its signalling and media go (ers.md parts 1.5 and 3): it
// serves one stream in a room, each player by a connection of its own, offers by itself, puts no candidate into a
// description, begins to look for a way with the first candidate that comes behind the answer, and opens the data channel.

import { until } from './until.mjs';

/** Runs in the page. */
function serve({ room, stream, token }) {
  const log = [];
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 240;
  const context = canvas.getContext('2d');
  let hue = 0;
  setInterval(() => {
    hue = (hue + 5) % 360;
    context.fillStyle = `hsl(${hue} 90% 50%)`;
    context.fillRect(0, 0, 320, 240);
  }, 40);
  const picture = canvas.captureStream(25);
  const connections = [];

  async function join() {
    const [sid] = (await (await fetch('/socket.io/1/?t=1')).text()).split(':');
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/socket.io/1/websocket/${sid}`);
    let peer = '';
    let pc = null;
    let answer = '';
    let answered = false;
    const early = [];
    const say = (type, payload) => socket.send(`5:::${JSON.stringify({ name: 'message', args: [{ to: peer, sid: '1432678845741', roomType: 'video', type, payload, prefix: 'webkit' }] })}`);
    const own = { socket, end: () => { pc?.close(); socket.close(); } };
    connections.push(own);
    socket.onmessage = async ({ data }) => {
      log.push(data.slice(0, 200));
      if (data.startsWith('2::')) return socket.send(data);
      if (data.includes('"ersid"')) {
        return socket.send(`5:1+::${JSON.stringify({ name: 'join', args: [room, { index: 1, EMS: true, emsToken: token, capabilities: 'hasHeartBeat' }] })}`);
      }
      if (!data.startsWith('5:::')) return;
      const { name, args: [first] } = JSON.parse(data.slice(4));
      if (name === 'remove') return own.end();
      if (name === 'clientJoined') {
        peer = first.id;
        if (first.streamName !== stream) {
          return socket.send(`5:::${JSON.stringify({ name: 'message', args: [{ to: peer, message: 'Unable to retrieve stream!', prefix: 'webkit' }] })}`);
        }
        void join();
        pc = new RTCPeerConnection();
        pc.addTrack(picture.getVideoTracks()[0], picture);
        const channel = pc.createDataChannel('emsStreamChannel');
        channel.onopen = () => log.push('channel open');
        pc.onicecandidate = ({ candidate }) => {
          if (candidate?.candidate) say('candidate', { candidate: { candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex } });
        };
        const offer = await pc.createOffer();
        // The offer goes before any candidate.
        say('offer', { type: 'offer', sdp: offer.sdp });
        await pc.setLocalDescription(offer);
      } else if (first.type === 'answer') {
        answer = first.payload.sdp;
        // Candidates in there are not looked at.
        const sdp = answer.split('\r\n').filter((line) => !line.startsWith('a=candidate')).join('\r\n');
        await pc.setRemoteDescription({ type: 'answer', sdp });
        answered = true;
        for (const candidate of early.splice(0)) await pc.addIceCandidate(candidate);
      } else if (first.type === 'candidate') {
        // On a device, those that come before the answer do not count.
        if (!answer) log.push('candidate before the answer');
        if (answered) await pc.addIceCandidate(first.payload.candidate);
        else early.push(first.payload.candidate);
      }
    };
  }
  window.__camera = { log, connections, stop: () => connections.forEach((one) => one.end()) };
  return join();
}

/** The media server, once it waits in its room. */
export async function camera(world, server, { room, stream, token = '' }) {
  const tab = await world.tab('camera', `${server.url}demo/evowrtcclient.html`);
  await tab.page.evaluate(serve, { room, stream, token });
  const log = () => tab.page.evaluate(() => window.__camera.log);
  const joined = '6:::1+[null,{"clients":{}}]';
  world.onTell(() => '--- the camera is the tab of that name');
  await until('the camera waits in its room', async () => (await log()).includes(joined));
  return {
    tab, log,
    /** How many of its connections wait or have waited. */
    joins: async () => (await log()).filter((line) => line === joined).length,
    stop: () => tab.page.evaluate(() => window.__camera.stop()),
  };
}

/** The player's page. */
export class PlayerPage {
  constructor(tab) {
    this.tab = tab;
    this.page = tab.page;
  }

  static async open(world, name, server, query, options) {
    return new PlayerPage(await world.tab(name, `${server.url}demo/evowrtcclient.html?${new URLSearchParams(query)}`, options));
  }

  state() {
    return this.page.$eval('#status', (element) => element.dataset.state);
  }

  async untilMoving() {
    const frames = () => this.page.$eval('#picture', (video) => (video.videoWidth ? video.getVideoPlaybackQuality().totalVideoFrames : 0));
    await until(`${this.tab.name} plays`, async () => (await this.state()) === 'calling', { within: 30_000 });
    const start = await frames();
    await until(`${this.tab.name} shows a moving picture`, async () => (await frames()) > start + 15, { within: 30_000 });
  }

  async untilSays(selector, words) {
    await until(`${this.tab.name} says ${words}`, async () => words.test(await this.tab.text(selector)), { within: 30_000 });
  }
}
