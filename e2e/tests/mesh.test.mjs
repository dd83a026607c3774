// Three people: each connects to each, and all six directions carry media.

import assert from 'node:assert/strict';
import { untilSound, untilVideo } from '../lib/media.mjs';
import { pair } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

e2e('a mesh of three: all six directions are seen and heard', async (world) => {
  const { server, a, b, idA, idB } = await pair(world);
  const c = await world.room('c', server.url);
  await c.join('demo');
  const idC = await c.id();
  await Promise.all([a, b, c].map((room) => room.untilMembers(idA, idB, idC)));

  await a.call(idB);
  await untilVideo(a, idB);
  await b.call(idC);
  await untilVideo(b, idC);
  await c.call(idA);
  const directions = [[a, idB], [a, idC], [b, idA], [b, idC], [c, idA], [c, idB]];
  await Promise.all(directions.flatMap(([room, peer]) => [untilVideo(room, peer), untilSound(room, peer)]));

  // One of the three connections ends; the others go on.
  await c.leave();
  await a.untilMembers(idA, idB);
  await Promise.all([untilVideo(a, idB), untilVideo(b, idA)]);
});

e2e('people in other rooms are neither listed nor reachable', async (world) => {
  const { server, a, idA, idB } = await pair(world);
  const other = await world.room('other', server.url);
  await other.join('another room');
  await other.untilMembers(await other.id());
  await a.untilMembers(idA, idB);

  await other.page.evaluate((id) => window.callPeer(id), idA);
  await until('the call is refused', async () => (await other.error()) !== '');
  await other.untilNoCall();
  assert.deepEqual(await a.tiles(), []);
  assert.equal(await a.status(), 'joined');
});
