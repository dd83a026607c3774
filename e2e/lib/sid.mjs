// Drives the page of the sid dialect: people under a name, one call at a time.

import { Room } from './room.mjs';
import { until } from './until.mjs';

export class Caller extends Room {
  static async open(world, name, server, { hash = '', ...options } = {}) {
    return new Caller(await world.tab(name, `${server.url}sid/${hash}`, options));
  }

  async register(name) {
    await this.tab.fill('#name', name);
    await this.tab.click('#register');
  }

  async join(name) {
    await this.register(name);
    await this.untilStatus('joined');
  }

  /** Name and state of everybody in the list. */
  members() {
    return this.page.$$eval('#members .member', (rows) =>
      rows.map((row) => `${row.dataset.id}: ${row.querySelector('.member-note').textContent}`));
  }

  async untilMembers(...wanted) {
    await until(`${this.tab.name} lists ${wanted.join(', ')}`, async () =>
      JSON.stringify(await this.members()) === JSON.stringify(wanted));
  }

  async call(id) {
    await this.tab.click(`.member[data-id="${id}"] .button-call`);
  }

  async write(id, text) {
    await this.tab.click(`.member[data-id="${id}"] .button-quiet`);
    await this.tab.fill('#notifyText', text);
    await this.tab.click('#notifySend');
  }

  notices() {
    return this.page.$$eval('#toasts .notice', (items) => items.map((item) => item.textContent));
  }

  async untilNotice(text) {
    await until(`${this.tab.name} shows the message ${JSON.stringify(text)}`, async () => (await this.notices()).includes(text));
  }

  async untilRinging(id) {
    await until(`${id} rings at ${this.tab.name}`, () =>
      this.page.$eval('#ringing', (card, caller) => !card.hidden && card.querySelector('#caller').textContent === caller, id));
  }

  async untilNote(pattern) {
    await until(`${this.tab.name} notes ${pattern}`, async () => pattern.test(await this.tab.text('#note')));
  }

  async untilError(pattern) {
    await until(`${this.tab.name} says ${pattern}`, async () => pattern.test(await this.error()));
  }
}

/** Everybody opened and registered, and each sees all the others waiting. */
export async function callers(world, server, ...names) {
  const tabs = await Promise.all(names.map((name) => Caller.open(world, name, server)));
  for (const [index, tab] of tabs.entries()) await tab.join(names[index]);
  await Promise.all(tabs.map((tab) => tab.untilMembers(...names.map((name) => `${name}: free`))));
  return tabs;
}
