// Drives the studio page.

import { until } from './until.mjs';

export class Studio {
  /** @param {import('./tab.mjs').Tab} tab */
  constructor(tab) {
    this.tab = tab;
    this.page = tab.page;
  }

  static async open(world, name, server, query, options) {
    return new Studio(await world.tab(name, `${server.url}studio/?${query}`, options));
  }

  state() {
    return this.page.$eval('#status', (element) => element.dataset.state);
  }

  async untilLive() {
    await until(`${this.tab.name} is live`, async () => (await this.state()) === 'calling', { within: 30_000 });
  }

  /** The picture moves. */
  async untilMoving() {
    const frames = () => this.page.$eval('#picture', (video) => (video.videoWidth ? video.getVideoPlaybackQuality().totalVideoFrames : 0));
    const start = await frames();
    await until(`${this.tab.name} shows a moving picture`, async () => (await frames()) > start + 15, { within: 30_000 });
  }

  /** Height of the picture that is shown. */
  height() {
    return this.page.$eval('#picture', (video) => video.videoHeight);
  }

  qualities() {
    return this.page.$$eval('#quality option', (options) => options.map((option) => option.value).filter(Boolean));
  }
}
