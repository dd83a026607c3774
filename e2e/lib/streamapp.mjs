// Ant Media's own sample pages, unchanged, handed out by our server below an application (`pages_dir`).

import { existsSync } from 'node:fs';
import path from 'node:path';
import { until } from './until.mjs';

// Without the variable the run leaves these files out and says `VENDOR NOT TESTED`.
export const folder = path.join(process.env.PATCHBAY_VENDOR ?? '', 'streamapp');
export const skip = existsSync(path.join(folder, 'player.html')) ? false : `${folder} holds no player.html (docs/testing.md)`;

/** player.html takes its charts from the net, which a test has not: a stand-in that draws nothing. */
function withoutCharts(page) {
  return page.evaluateOnNewDocument(() => {
    window.Chart = class {
      constructor(_, { data }) {
        this.data = data;
      }

      update() {}
    };
  });
}

export const open = (world, name, server, page) => world.tab(name, `${server.pages}${page}`, { prepare: withoutCharts });

export async function publish(world, server, stream, query = '') {
  const tab = await open(world, `publisher of ${stream}`, server, `samples/publish_webrtc.html?id=${stream}${query}`);
  await tab.click('#start_publish_button');
  await until(`${stream} is on the air`, () => tab.page.$eval('#broadcastingInfo', (info) => info.style.display !== 'none'));
  return tab;
}

/** The element shows a moving picture. */
export async function untilMoving(tab, selector) {
  const frames = () => tab.page.$eval(selector, (video) => (video.videoWidth ? video.getVideoPlaybackQuality().totalVideoFrames : 0));
  const start = await frames().catch(() => 0);
  await until(`${tab.name} shows ${selector}`, async () => (await frames().catch(() => 0)) > start + 15, { within: 30_000 });
}

/** More sound has come than had before, on any connection that stands. */
export async function untilSound(tab) {
  const energy = () => tab.page.evaluate(async () => {
    let sum = 0;
    for (const pc of window.__connections.filter((one) => one.connectionState === 'connected')) {
      for (const entry of (await pc.getStats()).values()) sum += entry.type === 'inbound-rtp' ? entry.totalAudioEnergy ?? 0 : 0;
    }
    return sum;
  });
  const start = await energy();
  await until(`${tab.name} hears something`, async () => (await energy()) > start + 1e-4, { within: 30_000 });
}

/** There is no such element, or no longer. */
export const untilGone = (tab, selector) =>
  until(`${tab.name} has no ${selector}`, async () => (await tab.page.$(selector)) === null, { within: 30_000 });

/** The button may be pressed. */
export const untilEnabled = (tab, selector) =>
  until(`${tab.name} may press ${selector}`, () => tab.page.$eval(selector, (button) => !button.disabled), { within: 20_000 });

/** Nothing of the page has thrown, but for what it does in every browser. */
export function assertSound(tab, harmless = []) {
  const thrown = tab.console.filter((line) => line.startsWith('uncaught:') && !harmless.some((part) => line.includes(part)));
  if (thrown.length) throw new Error(`${tab.name} threw: ${thrown.join('; ')}`);
}

/** Where a conference page shows the member of that name. */
export const tile = (name) => `#remoteVideo${name}`;

/** A member of a conference, by that page, who publishes. */
export async function party(world, server, name, page) {
  const tab = await open(world, name, server, page);
  await tab.click('#join_publish_button');
  await untilEnabled(tab, '#stop_publish_button');
  return tab;
}

/** Each sees each other, and hears something. */
export async function untilAllMet(tabs) {
  for (const tab of tabs) {
    for (const other of tabs.filter((one) => one !== tab)) await untilMoving(tab, tile(other.name));
    await untilSound(tab);
  }
}
