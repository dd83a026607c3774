// Ant Media's play.html, unchanged, with the web player that it is made of: its address says what is played, and how.

import assert from 'node:assert/strict';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { untilMoving, untilSound } from '../lib/streamapp.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';
import { addPlayer, skip } from '../lib/webplayer.mjs';
import { Wire } from '../lib/wire.mjs';

const VIDEO = '#video_container video';

const pageServer = (world) => antServer(world, { more: addPlayer });

async function play(world, server, query) {
  const wire = new Wire();
  const player = await world.tab('player', `${server.pages}play.html?${query}`, { prepare: (page) => wire.tap(page) });
  return { player, wire };
}

/** What went over the wire with this command, or this word for what it tells. */
const times = (wire, word) => wire.messages.filter(({ message }) => message?.command === word || message?.definition === word).length;

e2e('play.html plays what the adaptor publishes, with its sound, and hears what it says', async (world) => {
  const server = await pageServer(world);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  const { player, wire } = await play(world, server, 'id=stream1&playOrder=webrtc&mute=false');
  await untilMoving(player, VIDEO);
  await untilSound(player);
  assert.equal(times(wire, 'play'), 1, 'it plays at its first attempt');
  await player.page.evaluate(() => window.webPlayer.addWebRTCDataListener((said) => { window.__said = JSON.stringify(said); }));
  await publisher.sendText('stream1', 'good evening');
  await until('the page hears it', () => player.page.evaluate(() => window.__said?.includes('good evening') === true));
}, { skip });

e2e('play.html waits for a stream and asks again only when it has begun, and goes on when it comes back', async (world) => {
  const server = await pageServer(world);
  const { player, wire } = await play(world, server, 'id=stream1&playOrder=webrtc');
  await until('the page is told that nobody publishes it', () => times(wire, 'no_stream_exist') > 0);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  await untilMoving(player, VIDEO);
  const asked = wire.messages.flatMap(({ message }) => message?.command === 'play' ? ['play'] : message?.definition ?? []);
  assert.deepEqual(asked.slice(0, 5), ['play', 'no_stream_exist', 'streaming_started', 'play', 'play_started']);
  await publisher.page.evaluate(() => window.adaptor.stop('stream1'));
  await publisher.untilTold('publish_finished', 'stream1');
  await publisher.page.evaluate(() => window.adaptor.publish('stream1', '', '', '', 'stream1', '', ''));
  await publisher.untilTold('publish_started', 'stream1', { times: 2 });
  await untilMoving(player, VIDEO);
}, { skip });
