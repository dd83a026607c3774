// A media server's runtime API, as scripts speak it: lines in, JSON behind its length out. And our player page.

import assert from 'node:assert/strict';
import net from 'node:net';
import { antServer } from './antmedia.mjs';
import { freePort } from './program.mjs';
import { until } from './until.mjs';

/** Sends one command and takes its answer. */
export function command(port, line) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`${line}\r\n`));
    let taken = Buffer.alloc(0);
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer to ${line}`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${line}: closed behind ${taken.length} bytes`)));
    socket.on('data', (data) => {
      taken = Buffer.concat([taken, data]);
      if (taken.length < 4 || taken.length < 4 + taken.readUInt32BE(0)) return;
      socket.removeAllListeners('close');
      socket.destroy();
      resolve(JSON.parse(taken.subarray(4).toString()));
    });
  });
}

/** A server that Ant Media's adaptor publishes to, and whose streams `startWebrtc` offers. */
export async function mediaServer(world, options = {}) {
  const port = await freePort();
  const server = await antServer(world, { ...options, env: {
    PATCHBAY_DIALECT__ERS__EMS__JSON_LISTEN: `127.0.0.1:${port}`,
    ...options.env,
  } });
  return Object.assign(server, { ems: (line) => command(port, line) });
}

/** Has it serve a room; the configuration's number. */
export async function started(server, room, { port = server.port, token = '' } = {}) {
  const answer = await server.ems(`startWebrtc ersip=127.0.0.1 ersport=${port} roomid=${room}${token && ` token=${token}`}`);
  assert.equal(answer.status, 'SUCCESS', JSON.stringify(answer));
  return answer.data.configId;
}

/** Enough frames that they cannot be leftovers of a burst. */
const MOVING_FRAMES = 15;

/** `/demo/evowrtcclient.html` in a tab. */
export class PlayerPage {
  constructor(tab) {
    this.tab = tab;
    this.page = tab.page;
    this.name = tab.name;
  }

  static async open(world, name, server, { room, stream, token, transport, ...options }) {
    const query = new URLSearchParams({ room, stream, ...(token && { token }), ...(transport && { transport }) });
    return new PlayerPage(await world.tab(name, `${server.url}demo/evowrtcclient.html?${query}`, options));
  }

  /** What the page says: in the pill, in the picture's place, beside the form. */
  said() {
    return this.page.evaluate(() => Object.fromEntries(['status', 'note', 'problem'].map((id) => [id, document.getElementById(id).textContent])));
  }

  async untilSaid(where, pattern, { within = 20_000 } = {}) {
    await until(`${this.name} is told ${pattern}`, async () => pattern.test((await this.said())[where]), { within });
  }

  async #frames() {
    return this.page.evaluate(() => document.getElementById('picture').getVideoPlaybackQuality().totalVideoFrames);
  }

  /** Pictures are decoded and shown now. */
  async untilPicture({ within = 30_000 } = {}) {
    await this.untilSaid('status', /Playing/, { within });
    const start = await this.#frames();
    await until(`${this.name} sees pictures`, async () => (await this.#frames()) >= start + MOVING_FRAMES, { within });
  }

  /** Sound comes in that is none but silence. */
  async untilSound({ within = 20_000 } = {}) {
    const level = () => this.page.evaluate(async () => {
      const { srcObject } = document.getElementById('picture');
      const [track] = srcObject?.getAudioTracks() ?? [];
      if (!track) return 0;
      const context = (window.heard ??= new AudioContext());
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      await new Promise((resolve) => { setTimeout(resolve, 300); });
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return Math.max(...samples.map(Math.abs));
    });
    await until(`${this.name} hears something`, async () => (await level()) > 0.01, { within });
  }
}
