// Ant Media's JavaScript SDK, unchanged from npm, against our server.

import assert from 'node:assert/strict';
import { Ant, antServer, binary } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

e2e('a stream is published, seen and heard by two players, and stops', async (world) => {
  const server = await antServer(world);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  const [first, second] = await Promise.all(['first', 'second'].map((name) => Ant.player(world, name, server, 'stream1')));
  await Promise.all([first.untilMedia('stream1'), second.untilMedia('stream1')]);
  await publisher.page.evaluate(() => window.adaptor.stop('stream1'));
  await Promise.all([publisher.untilTold('publish_finished', 'stream1'), first.untilTold('play_finished', 'stream1')]);
  for (const one of [publisher, first, second]) {
    const errors = (await one.told()).filter((told) => told.error);
    assert.deepEqual(errors, [], one.name);
  }
});

e2e('text and 20 kB of binary go both ways on the data channel', async (world) => {
  const server = await antServer(world);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  const player = await Ant.player(world, 'player', server, 'stream1');
  const other = await Ant.player(world, 'other', server, 'stream1');
  for (const one of [publisher, player, other]) await one.untilTold('data_channel_opened');
  await publisher.sendText('stream1', 'from the publisher');
  await publisher.sendBinary('stream1', 20_000);
  for (const one of [player, other]) {
    await one.untilHeard('from the publisher');
    await one.untilHeard(binary(20_000));
  }
  await player.sendText('stream1', 'from a player');
  await player.sendBinary('stream1', 20_001);
  for (const one of [publisher, other]) {
    await one.untilHeard('from a player');
    await one.untilHeard(binary(20_001));
  }
  assert.equal((await player.page.evaluate(() => window.heard)).includes('from a player'), false, 'nobody hears themselves');
});

e2e('of two tracks the chosen one comes, and the other when it is switched on', async (world) => {
  const server = await antServer(world);
  for (const camera of ['cam1', 'cam2']) await Ant.publisher(world, camera, server, camera, { main: 'main1' });
  const player = await Ant.player(world, 'player', server, 'main1', { tracks: ['!main1', 'cam1', '!cam2'] });
  await player.untilMedia('cam1');
  assert.equal((await player.received('ARDAMSvcam2')).packets, 0, 'cam2 was not chosen');
  await player.page.evaluate(() => window.adaptor.enableTrack('main1', 'cam2', true));
  await player.untilMedia('cam2');
  await player.untilMedia('cam1');
});

e2e('a player learns that the publisher is gone', async (world) => {
  const server = await antServer(world);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  const player = await Ant.player(world, 'player', server, 'stream1');
  await player.untilMedia('stream1');
  await publisher.page.close();
  await player.untilTold('play_finished', 'stream1');
});

e2e('a player that is gone disturbs nobody', async (world) => {
  const server = await antServer(world);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  const [leaving, staying] = await Promise.all(['leaving', 'staying'].map((name) => Ant.player(world, name, server, 'stream1')));
  await Promise.all([leaving.untilMedia('stream1'), staying.untilMedia('stream1')]);
  await leaving.page.close();
  await staying.untilMedia('stream1');
  assert.equal(await publisher.times('publish_finished'), 0);
  assert.equal(await staying.times('play_finished'), 0);
});

e2e('after the server was started anew, publisher and player find each other by themselves', async (world) => {
  const first = await antServer(world);
  const publisher = await Ant.publisher(world, 'publisher', first, 'stream1');
  const player = await Ant.player(world, 'player', first, 'stream1');
  await player.untilMedia('stream1');
  await first.stop();
  await world.server({ addr: first.host, env: first.env });
  // The adaptor tries again about once per second, and so does its player, every 3.5 s.
  await publisher.untilTold('publish_started', 'stream1', { times: 2, within: 30_000 });
  await player.untilTold('play_started', 'stream1', { times: 2, within: 30_000 });
  await until('pictures go on', async () => {
    const before = await player.received('ARDAMSvstream1');
    await new Promise((resolve) => setTimeout(resolve, 500));
    return (await player.received('ARDAMSvstream1')).frames > before.frames;
  }, { within: 20_000 });
});
