// Today's sylkrtc.js, unchanged, in video rooms: among its kind, and with publishers and players of other dialects.

import assert from 'node:assert/strict';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { patchedServer } from '../lib/patch.mjs';
import { SylkPage, TODAY, missing } from '../lib/sylk.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const skip = missing(TODAY);
const ROOM = 'demo@rooms.example.com';
const address = (user) => `${user}@example.com`;

/** A client whose account is known here; nobody asks a registrar who enters a room. */
async function client(world, server, user) {
  const page = await SylkPage.open(world, user, server, TODAY);
  assert.equal(await page.do('add', address(user), `secret-${user}`, { displayName: user }), null);
  return page;
}

async function enter(world, server, user, room = ROOM) {
  const page = await client(world, server, user);
  await page.do('join', room, { video: true });
  await page.untilTold('room established', { within: 30_000 });
  return page;
}

e2e('sylkrtc.js: a video room of two, and a third who comes and goes', async (world) => {
  const server = await antServer(world);
  const alice = await enter(world, server, 'alice');
  const bob = await enter(world, server, 'bob');
  await alice.untilTold(`joined ${address('bob')}`);
  for (const [page, other] of [[alice, 'bob'], [bob, 'alice']]) {
    await page.untilTold(`stream ${address(other)}`);
    await page.untilTold(`feed ${address(other)} established`);
    await page.untilPicture();
    // The newest connection that receives sound is the other's.
    await page.untilHeard(1_000);
  }
  const states = async (page) => (await page.told()).filter((one) => one.startsWith('room '));
  assert.deepEqual(await states(alice), ['room progress', 'room accepted', 'room established']);
  await alice.do('say', 'hello');
  await bob.untilTold(`message ${address('alice')} hello`);
  await alice.do('activate', address('bob'));
  await bob.untilTold(`active ${address('bob')}`);
  await bob.do('hand');
  await alice.untilTold('hands 1');
  await bob.do('hand');
  await alice.untilTold('hands 0');
  await bob.do('mute');
  await alice.untilTold(`mute ${address('bob')}`);
  const carol = await client(world, server, 'carol');
  await carol.do('invited');
  await alice.do('invite', address('carol'));
  await carol.untilTold(`invited ${address('alice')} ${ROOM}`);
  await carol.do('join', ROOM, { video: true });
  await carol.untilTold('room established', { within: 30_000 });
  await Promise.all(['alice', 'bob'].map((user) => carol.untilTold(`stream ${address(user)}`)));
  await Promise.all([alice, bob].map((page) => page.untilTold(`stream ${address('carol')}`)));
  await carol.untilPicture();
  await carol.do('leave');
  await carol.untilTold(/^room terminated/);
  await Promise.all([alice, bob].map((page) => page.untilTold(`left ${address('carol')}`)));
  // Those who stay have not suffered; one of them goes without a word.
  await alice.untilPicture();
  await bob.page.close();
  await alice.untilTold(`left ${address('bob')}`);
}, { skip });

const PATCH = `
[[patch]]
room = "demo"
antmedia = "LiveApp"
sylk = "${ROOM}"
`;

e2e('sylkrtc.js: a video room that Ant Media\'s adaptor publishes into and plays', async (world) => {
  const server = await patchedServer(world, PATCH);
  const alice = await enter(world, server, 'alice');
  const publisher = await Ant.publisher(world, 'antmedia publisher', server, 'cam1', { main: 'demo' });
  await alice.untilTold('joined cam1');
  await alice.untilTold('stream cam1');
  await alice.untilPicture();
  const player = await Ant.player(world, 'antmedia player', server, 'demo');
  await player.untilMedia(await alice.do('place'));
  await publisher.page.evaluate(() => window.adaptor.stop('cam1'));
  await alice.untilTold('left cam1');
  await until('alice is still there', async () => (await alice.told()).at(-1) === 'left cam1');
}, { skip });
