// Ant Media's own sample pages, unchanged, handed out by our server below an application (`pages_dir`).

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { antServer } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

// Without the variable the run leaves this file out and says `VENDOR NOT TESTED`.
const folder = path.join(process.env.PATCHBAY_VENDOR ?? '', 'streamapp');
const skip = existsSync(path.join(folder, 'player.html')) ? false : `${folder} holds no player.html (docs/testing.md)`;

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

const open = (world, name, server, page) => world.tab(name, `${server.pages}${page}`, { prepare: withoutCharts });

async function publish(world, server, stream, query = '') {
  const tab = await open(world, `publisher of ${stream}`, server, `samples/publish_webrtc.html?id=${stream}${query}`);
  await tab.click('#start_publish_button');
  await until(`${stream} is on the air`, () => tab.page.$eval('#broadcastingInfo', (info) => info.style.display !== 'none'));
  return tab;
}

/** The element shows a moving picture. */
async function untilMoving(tab, selector) {
  const frames = () => tab.page.$eval(selector, (video) => (video.videoWidth ? video.getVideoPlaybackQuality().totalVideoFrames : 0));
  const start = await frames().catch(() => 0);
  await until(`${tab.name} shows ${selector}`, async () => (await frames().catch(() => 0)) > start + 15, { within: 30_000 });
}

async function untilSound(tab) {
  await until(`${tab.name} hears something`, () => tab.page.evaluate(async () => {
    let energy = 0;
    for (const pc of window.__connections.filter((one) => one.connectionState === 'connected')) {
      for (const entry of (await pc.getStats()).values()) energy += entry.type === 'inbound-rtp' ? entry.totalAudioEnergy ?? 0 : 0;
    }
    return energy > 1e-4;
  }), { within: 30_000 });
}

e2e('publish_webrtc.html publishes, player.html plays, and text goes both ways', async (world) => {
  const server = await antServer(world, { pages: folder });
  const publisher = await publish(world, server, 'stream1');
  const player = await open(world, 'player', server, 'player.html?name=stream1');
  await player.click('#start_play_button');
  await untilMoving(player, '#remoteVideo');
  await untilSound(player);
  for (const [from, to, text] of [[publisher, player, 'to the player'], [player, publisher, 'to the publisher']]) {
    await from.click('#options');
    await until(`${from.name} shows its options`, () => from.page.$eval('#send', (button) => button.offsetParent !== null));
    await from.fill('#dataTextbox', text);
    await from.click('#send');
    await until(`${to.name} reads ${text}`, async () => (await to.page.$eval('#all-messages', (area) => area.textContent)).includes(text));
  }
  await publisher.click('#stop_publish_button');
  await until('the publisher may start again', () => publisher.page.$eval('#start_publish_button', (button) => !button.disabled));
}, { skip });

e2e('multitrackplayer.html plays the track that is chosen, and another when its box is ticked', async (world) => {
  const server = await antServer(world, { pages: folder });
  for (const camera of ['cam1', 'cam2']) await publish(world, server, camera, '&mainTrack=main1');
  const player = await open(world, 'player', server, 'multitrackplayer.html');
  await player.fill('#streamName', 'main1');
  await player.click('#get_tracks_button');
  await until('both tracks are listed', () => player.page.evaluate(() => ['cam1', 'cam2'].every((id) => document.querySelector(`#cbx${id}`))));
  await player.click('#cbxcam1');
  await player.click('#start_play_button');
  await untilMoving(player, '#remoteVideocam1');
  const other = await player.page.$eval('#remoteVideocam2', (video) => video.videoWidth);
  assert.equal(other, 0, 'cam2 was not chosen');
  await player.click('#cbxcam2');
  await untilMoving(player, '#remoteVideocam2');
  await untilMoving(player, '#remoteVideocam1');
}, { skip });
