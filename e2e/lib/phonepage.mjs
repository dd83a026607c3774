// Drives the phone page: a SIP account in the browser.

import { heardIn, isHeard, isSilent, withTones } from './tones.mjs';
import { until } from './until.mjs';
import { Wire } from './wire.mjs';

export class PhonePage {
  /** @param {import('./tab.mjs').Tab} tab */
  constructor(tab) {
    this.tab = tab;
    this.name = tab.name;
    this.page = tab.page;
  }

  static async open(world, name, server, { query = '', ...options } = {}) {
    const wire = new Wire();
    const tab = await world.tab(name, `${server.url}phone/${query}`, {
      async prepare(page) {
        await withTones(page);
        await wire.tap(page);
      },
      ...options,
    });
    world.onTell(() => `--- messages of ${name}\n${wire.text()}`);
    return new PhonePage(tab);
  }

  async signIn(user, password = `secret-${user}`) {
    await this.tab.fill('#address', `${user}@example.com`);
    await this.tab.fill('#password', password);
    await this.tab.click('#signIn');
  }

  /** Opened, signed in, registered. */
  static async ready(world, user, server, options) {
    const page = await PhonePage.open(world, user, server, options);
    await page.signIn(user);
    await page.untilState('registered');
    return page;
  }

  state() {
    return this.page.$eval('#status', (element) => element.dataset.state);
  }

  async untilState(wanted, options) {
    await until(`${this.name} is ${wanted}`, async () => (await this.state()) === wanted, options);
  }

  /** An element that is shown says this. */
  async untilSays(selector, text) {
    await until(`${this.name} says ${text} in ${selector}`, () => this.page.$eval(selector, (element, wanted, flags) => {
      const said = element.textContent.trim();
      return element.checkVisibility() && (flags === null ? said === wanted : new RegExp(wanted, flags).test(said));
    }, text instanceof RegExp ? text.source : text, text instanceof RegExp ? text.flags : null));
  }

  async dial(to, { video = false } = {}) {
    await this.tab.fill('#to', to);
    await this.tab.click(video ? '#callVideo' : '#call');
  }

  async press(digits) {
    for (const digit of digits) await this.tab.click(`.key[data-digit="${digit}"]`);
  }

  /** The list of calls, newest first: who, and what became of it, without the time of the day. */
  history() {
    return this.page.$$eval('.history-row', (rows) => rows.map((row) => {
      const [what] = row.querySelector('.history-text').textContent.split(' · ');
      return `${row.querySelector('.history-who').textContent}: ${what}`;
    }));
  }

  async untilHistory(...wanted) {
    await until(`${this.name} lists ${wanted.join(', ')}`, async () => JSON.stringify(await this.history()) === JSON.stringify(wanted));
  }

  async untilHeard(hz) {
    await until(`${this.name} hears ${hz} Hz`, async () => {
      const heard = await heardIn(this.page);
      return heard && isHeard(heard, hz);
    });
  }

  async untilSilent() {
    await until(`${this.name} hears nothing`, async () => {
      const heard = await heardIn(this.page);
      return heard && isSilent(heard);
    });
  }

  /** Their picture moves. */
  async untilPicture() {
    const frames = () => this.page.$eval('#remote', (video) => (video.videoWidth ? video.getVideoPlaybackQuality().totalVideoFrames : 0));
    const start = await frames();
    await until(`${this.name} sees a moving picture`, async () => (await frames()) > start + 10, { within: 30_000 });
  }
}
