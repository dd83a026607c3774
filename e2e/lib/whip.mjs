// WHIP publishers and WHEP players: the clients of the drafts' author, as npm has them, in a page of ours.

import { until } from './until.mjs';

/** Enough frames that they cannot be leftovers of a burst. */
const MOVING_FRAMES = 15;
/** Sound of the fake microphone is above this within a second. */
const AUDIBLE_ENERGY = 1e-4;

export class Whip {
  constructor(tab, server) {
    this.page = tab.page;
    this.name = tab.name;
    this.server = server;
  }

  static async open(world, name, server, options) {
    const whip = new Whip(await world.tab(name, `${server.pages}whip.html`, options), server);
    await until(`${name} has its script`, () => whip.page.evaluate(() => typeof window.view === 'function'));
    return whip;
  }

  static async publisher(world, name, server, stream, { wish = {}, app = 'LiveApp', ...options } = {}) {
    const whip = await Whip.open(world, name, server, options);
    await whip.page.evaluate((url, how) => window.publish(url, how), `${server.url}${app}/whip/${stream}`, wish);
    await until(`${name} is connected`, () => whip.page.evaluate(() => window.client.pc.connectionState === 'connected'));
    return whip;
  }

  /** Asks until the stream is live. */
  static async player(world, name, server, stream, { wish = {}, app = 'LiveApp', ...options } = {}) {
    const whip = await Whip.open(world, name, server, options);
    const ask = (url, how) => window.view(url, how).then(() => true, (error) => String(error).includes('404') ? false : Promise.reject(error));
    await until(`${name} is answered`, () => whip.page.evaluate(ask, `${server.url}${app}/whep/${stream}`, wish), { within: 30_000 });
    return whip;
  }

  received() {
    return this.page.evaluate(() => window.received());
  }

  /** Pictures are decoded now, and sound is heard. */
  async untilMedia() {
    const start = await this.received();
    await until(`${this.name} sees and hears`, async () => {
      const now = await this.received();
      return now.frames >= start.frames + MOVING_FRAMES && now.energy > start.energy + AUDIBLE_ENERGY;
    }, { within: 30_000 });
  }

  restart() {
    return this.page.evaluate(() => window.client.restart());
  }

  stop() {
    return this.page.evaluate(() => window.client.stop());
  }

  /** The resource answers with that status. */
  status(method) {
    return this.page.evaluate((how) => fetch(window.client.resourceURL, { method: how }).then((answer) => answer.status), method);
  }
}
