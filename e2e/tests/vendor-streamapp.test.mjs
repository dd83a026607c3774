// Ant Media's own sample pages, unchanged, handed out by our server below an application (`pages_dir`).

import assert from 'node:assert/strict';
import { antServer } from '../lib/antmedia.mjs';
import { assertSound, folder, open, publish, skip, untilGone, untilMoving, untilSound } from '../lib/streamapp.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

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

e2e('multitrack-play.html shows all tracks, those that come later, and none that has gone', async (world) => {
  const server = await antServer(world, { pages: folder });
  const cam1 = await publish(world, server, 'cam1', '&mainTrack=main1');
  const player = await open(world, 'player', server, 'multitrack-play.html?id=main1&muted=false');
  await untilMoving(player, '#remoteVideocam1');
  await publish(world, server, 'cam2', '&mainTrack=main1');
  await untilMoving(player, '#remoteVideocam2');
  await untilMoving(player, '#remoteVideocam1');
  await untilSound(player);
  await cam1.click('#stop_publish_button');
  await untilGone(player, '#remoteVideocam1');
  await untilMoving(player, '#remoteVideocam2');
  assertSound(player);
}, { skip });

e2e('the data channel sample makes the channel that is not there, and text goes both ways', async (world) => {
  const server = await antServer(world, { pages: folder });
  const tabs = [];
  for (const name of ['first', 'second', 'third']) {
    const tab = await open(world, name, server, 'samples/datachannel_only_webrtc_frame.html?id=talk');
    await tab.click('#connect_channel_button');
    await until(`${name} is connected`, () => tab.page.$eval('#broadcastingInfo', (info) => info.style.display !== 'none'));
    tabs.push(tab);
  }
  const area = (tab) => tab.page.$eval('#dataMessagesTextarea', (text) => text.textContent);
  for (const [number, from] of tabs.entries()) {
    const text = `from ${from.name}`;
    // The channel opens a moment after the page says that it is connected.
    await until(`${from.name} has a channel`, () => from.page.evaluate(() =>
      window.webRTCAdaptor.remotePeerConnection.talk?.dataChannel?.readyState === 'open'));
    await from.fill('#dataTextbox', text);
    await from.click('#send');
    for (const to of tabs.filter((_, other) => other !== number)) {
      await until(`${to.name} reads ${text}`, async () => (await area(to)).includes(`Received: ${text}`));
    }
    assert.ok(!(await area(from)).includes(`Received: ${text}`), 'nobody hears himself');
  }
  tabs.forEach((tab) => assertSound(tab));
}, { skip });
