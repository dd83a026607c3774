// Ant Media's own adaptor, as npm has it, in pages that our server hands out (`pages_dir`).

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.mjs';

const OURS = fileURLToPath(new URL('../pages/', import.meta.url));
const WHIP = fileURLToPath(new URL('../node_modules/whip-whep/', import.meta.url));
const ADAPTOR = fileURLToPath(new URL('../node_modules/@antmedia/webrtc_adaptor/dist/es/', import.meta.url));

/** Enough frames that they cannot be leftovers of a burst. */
const MOVING_FRAMES = 15;
/** Sound of the fake microphone is above this within a second. */
const AUDIBLE_ENERGY = 1e-4;

/**
 * A server that hands out this folder with the adaptor's files in `js/`, as Ant Media's own build puts them there, and those of
 * the WHIP client in `whip-whep/`. `more` may put something beside them.
 */
export async function antServer(world, { pages = OURS, more = async () => {}, ...options } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-pages-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  await cp(pages, folder, { recursive: true });
  await cp(ADAPTOR, path.join(folder, 'js'), { recursive: true });
  await cp(WHIP, path.join(folder, 'whip-whep'), { recursive: true });
  await more(folder);
  const env = {
    PATCHBAY_DIALECT__ANTMEDIA__PAGES_DIR: folder,
    PATCHBAY_MEDIA__UDP_PORT: '0',
    // Browsers on two cores: the machine is busy, and nobody is to be turned away for it.
    PATCHBAY_LIMITS__CPU_PERCENT: '100',
    ...options.env,
  };
  const server = await world.server({ ...options, env });
  return Object.assign(server, { pages: `${server.url}LiveApp/`, env });
}

/** A page of ours around the adaptor. */
export class Ant {
  constructor(tab) {
    this.tab = tab;
    this.page = tab.page;
    this.name = tab.name;
  }

  static async open(world, name, server, { camera = false, ...options } = {}) {
    const ant = new Ant(await world.tab(name, `${server.pages}adaptor.html`, options));
    await until(`${name} has its script`, () => ant.page.evaluate(() => typeof window.ready === 'function'));
    await ant.page.evaluate((wanted) => window.ready(wanted), { camera });
    return ant;
  }

  /** A page with camera and microphone that publishes them. */
  static async publisher(world, name, server, stream, { main = '', ...options } = {}) {
    const ant = await Ant.open(world, name, server, { camera: true, ...options });
    await ant.page.evaluate((id, mainTrack) => window.adaptor.publish(id, '', '', '', id, mainTrack, ''), stream, main);
    await ant.untilTold('publish_started', stream);
    await ant.page.evaluate((id) => window.unmute(id), stream);
    return ant;
  }

  static async player(world, name, server, stream, { tracks = [], ...options } = {}) {
    const ant = await Ant.open(world, name, server, options);
    await ant.page.evaluate((id, list) => window.adaptor.play(id, '', '', list), stream, tracks);
    await ant.untilTold('play_started', stream);
    return ant;
  }

  told() {
    return this.page.evaluate(() => window.told);
  }

  /** How often the adaptor has told this. */
  async times(info, stream) {
    return (await this.told()).filter((one) => one.info === info && (!stream || one.streamId === stream)).length;
  }

  async untilTold(info, stream, { times = 1, within = 20_000 } = {}) {
    await until(`${this.name} is told ${info}${times > 1 ? ` ${times} times` : ''}`, async () =>
      (await this.times(info, stream)) >= times, { within });
  }

  async received(track) {
    const all = await this.page.evaluate(() => window.received());
    return all[track] ?? { packets: 0, frames: 0, width: 0, frameWidth: 0, energy: 0 };
  }

  /** Pictures of this stream are decoded and shown now, and its sound is heard. */
  async untilMedia(stream, { video = true, audio = true } = {}) {
    if (video) {
      const start = (await this.received(`ARDAMSv${stream}`)).frames;
      await until(`${this.name} sees ${stream}`, async () => {
        const now = await this.received(`ARDAMSv${stream}`);
        return now.frames >= start + MOVING_FRAMES && now.width > 0;
      }, { within: 30_000 });
    }
    if (audio) {
      const start = (await this.received(`ARDAMSa${stream}`)).energy;
      await until(`${this.name} hears ${stream}`, async () =>
        (await this.received(`ARDAMSa${stream}`)).energy > start + AUDIBLE_ENERGY, { within: 30_000 });
    }
  }

  sendText(stream, text) {
    return this.page.evaluate((id, data) => window.adaptor.sendData(id, data), stream, text);
  }

  /** So many bytes, in as many pieces as the adaptor makes of them. */
  sendBinary(stream, length) {
    return this.page.evaluate((id, size) => {
      const bytes = Uint8Array.from({ length: size }, (_, at) => at % 251);
      window.adaptor.sendData(id, bytes.buffer);
    }, stream, length);
  }

  async untilHeard(message) {
    await until(`${this.name} hears ${JSON.stringify(message)}`, async () =>
      (await this.page.evaluate(() => window.heard)).includes(message));
  }
}

/** How `sendBinary` shows at the other end. */
export function binary(length) {
  let sum = 0;
  for (let at = 0; at < length; at += 1) sum += at % 251;
  return `${length} bytes, sum ${sum}`;
}
