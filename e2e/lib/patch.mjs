// A room across dialects: a mesh room and an application that are one.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ant, antServer } from './antmedia.mjs';
import { received, untilPicture, untilSound, untilVideo } from './media.mjs';
import { until } from './until.mjs';
import { Whip } from './whip.mjs';

const PATCH = `
[[patch]]
room = "demo"
mesh = "demo"
antmedia = "LiveApp"
whip = true
pull = true
`;

/** A server of a room that is one across dialects, by default of meshes, antmedia and WHIP. */
export async function patchedServer(world, patch = PATCH) {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-patch-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'patchbay.toml');
  await writeFile(file, patch);
  return antServer(world, { args: ['serve', '--config', file] });
}

/** Two members, an antmedia publisher and a WHIP publisher meet; players of both kinds see a member. */
export async function meet(world, server, [alice, bob]) {
  const ids = [];
  for (const room of [alice, bob]) {
    await room.join('demo');
    ids.push(await room.id());
  }
  const publisher = await Ant.publisher(world, 'antmedia publisher', server, 'cam1', { main: 'demo' });
  const whip = await Whip.publisher(world, 'WHIP publisher', server, 'cam2');
  await Promise.all([alice, bob].map((room) => room.untilMembers('_cam1', '_cam2', ...ids)));
  await alice.call('_cam1');
  await Promise.all([untilVideo(alice, '_cam1'), untilSound(alice, '_cam1')]);
  await untilPicture(alice, '_cam1');
  await bob.call('_cam2');
  await Promise.all([untilVideo(bob, '_cam2'), untilSound(bob, '_cam2')]);
  // A member's camera, asked for while somebody looks.
  const ant = await Ant.player(world, 'antmedia player', server, `demo.${ids[0]}`);
  await ant.untilMedia(`demo.${ids[0]}`);
  const whep = await Whip.player(world, 'WHEP player', server, `demo.${ids[0]}`);
  await whep.untilMedia();
  await Promise.all([alice, bob].map((room) => room.untilMembers('_cam1', '_cam2', '_demo', ...ids)));
  // What alice sees has not suffered.
  await untilVideo(alice, '_cam1');
  await ant.page.evaluate((stream) => window.adaptor.stop(stream), `demo.${ids[0]}`);
  await whep.stop();
  await Promise.all([alice, bob].map((room) => room.untilMembers('_cam1', '_cam2', ...ids)));
  // The ends.
  await bob.tab.click('#hangup');
  await bob.untilNoCall();
  await whip.stop();
  await publisher.page.evaluate(() => window.adaptor.stop('cam1'));
  await Promise.all([alice, bob].map((room) => room.untilMembers(...ids)));
  await alice.untilNoCall();
  // Among themselves they call as ever.
  await alice.call(ids[1]);
  await Promise.all([untilVideo(alice, ids[1]), untilVideo(bob, ids[0])]);
  await until('both are in one call', async () => (await received(alice, ids[1])).connected);
}
