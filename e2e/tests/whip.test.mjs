// WHIP and WHEP in Chromium, by the clients of their author.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';
import { Whip } from '../lib/whip.mjs';

e2e('a WHIP publisher is seen by WHEP and by the adaptor, and a WHEP player sees the adaptor', async (world) => {
  const server = await antServer(world);
  const publisher = await Whip.publisher(world, 'WHIP publisher', server, 'cam1');
  const player = await Whip.player(world, 'WHEP player', server, 'cam1');
  const ant = await Ant.player(world, 'player', server, 'cam1');
  await Promise.all([player.untilMedia(), ant.untilMedia('cam1')]);
  assert.equal(await player.page.evaluate(() => window.streams.size), 1, 'sound and pictures are one stream');
  await Ant.publisher(world, 'publisher', server, 'cam2');
  const second = await Whip.player(world, 'second WHEP player', server, 'cam2');
  await second.untilMedia();
  await publisher.stop();
  await ant.untilTold('play_finished', 'cam1');
  await until('the player\'s resource is gone', async () => (await player.status('DELETE')) === 404);
  await second.untilMedia();
});

e2e('both go on through a restart of their network', async (world) => {
  const server = await antServer(world);
  const publisher = await Whip.publisher(world, 'WHIP publisher', server, 'cam1');
  const player = await Whip.player(world, 'WHEP player', server, 'cam1');
  await player.untilMedia();
  for (const one of [publisher, player]) {
    const before = await one.page.evaluate(() => window.client.pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]);
    await one.restart();
    assert.notEqual(await one.page.evaluate(() => window.client.pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]), before);
    await player.untilMedia();
  }
});

e2e('of a publisher of three sizes a player is sent the one that it chooses', async (world) => {
  const server = await antServer(world);
  await Whip.publisher(world, 'WHIP publisher', server, 'cam1', { wish: { layers: true } });
  const player = await Whip.player(world, 'WHEP player', server, 'cam1');
  await player.untilMedia();
  const sizes = () => player.page.evaluate(() => fetch(window.client.layerUrl).then((answer) => answer.json())
    .then(({ media }) => Object.values(media)[0].active.map(({ encodingId }) => Number(encodingId))));
  await until('all sizes are told', async () => (await sizes()).length === 3, { within: 30_000 });
  const [high, , low] = await sizes();
  for (const height of [low, high]) {
    await player.page.evaluate((encodingId) => window.client.selectLayer({ encodingId: String(encodingId) }), height);
    await until(`the player is sent ${height}`, async () => (await player.received()).height === height, { within: 30_000 });
    await player.untilMedia();
  }
});

e2e('who shows no token is turned away, also in a page of another origin', async (world) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-tokens-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'tokens');
  await writeFile(file, 'opensesame\n');
  const server = await antServer(world, { env: { PATCHBAY_DIALECT__WHIP__TOKEN_FILE: file } });
  const other = await antServer(world);
  // The page is the other server's: the browser asks first what it may (CORS).
  const stranger = await Whip.open(world, 'stranger', { ...server, pages: other.pages });
  const url = `${server.url}LiveApp/whip/cam1`;
  await assert.rejects(stranger.page.evaluate((to) => window.publish(to), url), /status 401/);
  await Whip.publisher(world, 'publisher', { ...server, pages: other.pages }, 'cam1', { wish: { token: 'opensesame' } });
  const player = await Whip.player(world, 'player', { ...server, pages: other.pages }, 'cam1', { wish: { token: 'opensesame' } });
  await player.untilMedia();
});
