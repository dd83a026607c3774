// Drives the room app, ours or the vendor's: both have the same element ids.

import { until } from './until.mjs';

/** The vendor's page says its state in words only. */
const WORDS = {
  未连接: 'idle',
  正在加入房间: 'connecting',
  已加入房间: 'joined',
  信令重连中: 'reconnecting',
  通话中: 'calling',
};

export class Room {
  /** @param {import('./tab.mjs').Tab} tab */
  constructor(tab) {
    this.tab = tab;
    this.page = tab.page;
  }

  id() {
    return this.tab.text('#myId');
  }

  async status() {
    const { state, words } = await this.page.$eval('#status', (element) => ({
      state: element.dataset.state ?? element.querySelector('[data-state]')?.dataset.state,
      words: element.textContent.trim(),
    }));
    return state ?? WORDS[words] ?? words;
  }

  async untilStatus(...wanted) {
    await until(`${this.tab.name} is ${wanted.join(' or ')}`, async () => wanted.includes(await this.status()), { within: 30_000 });
  }

  error() {
    return this.tab.text('#error');
  }

  async join(room) {
    await this.tab.fill('#room', room);
    await this.tab.click('#join');
    await this.untilStatus('joined', 'calling');
  }

  async leave() {
    await this.tab.click('#join');
    await this.untilStatus('idle');
  }

  members() {
    return this.page.$$eval('#members .member-pill', (pills) => pills.map((pill) => pill.textContent.trim()));
  }

  async untilMembers(...ids) {
    await until(`${this.tab.name} lists ${ids.join(', ')}`, async () => {
      const listed = await this.members();
      return listed.length === ids.length && ids.every((id) => listed.some((text) => text.includes(id)));
    });
  }

  /** Picks the member in the list, then presses Call. */
  async call(id) {
    const pills = await this.page.$$('#members .member-pill');
    for (const pill of pills) {
      if (await pill.evaluate((element, wanted) => !element.disabled && element.textContent.includes(wanted), id)) {
        await pill.click();
      }
    }
    await until(`${this.tab.name} has picked ${id}`, async () => (await this.tab.value('#remote')) === id);
    await this.tab.click('#call');
  }

  async chat(text) {
    await this.tab.fill('#chatInput', text);
    await this.tab.click('#chatSend');
  }

  chatLog() {
    return this.tab.text('#chatLog');
  }

  async untilChat(text) {
    await until(`${this.tab.name} shows the line ${JSON.stringify(text)}`, async () => (await this.chatLog()).includes(text));
  }

  /** Members whose video tile is on the page. */
  tiles() {
    return this.page.$$eval('.video-tile[data-peer]', (tiles) => tiles.map((tile) => tile.dataset.peer));
  }

  async untilNoCall() {
    await until(`${this.tab.name} has no call`, async () =>
      (await this.tiles()).length === 0 && (await this.openConnections()) === 0);
  }

  openConnections() {
    return this.page.evaluate(() => window.__connections.filter((pc) => pc.connectionState !== 'closed').length);
  }
}
