// The player's page in the rooms of our own rendezvous server, with a media server that keeps the rules of devices.

import assert from 'node:assert/strict';
import { PlayerPage, camera } from '../lib/camera.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

e2e('two players watch one stream, and it ends and comes back', async (world) => {
  const server = await world.server();
  const source = await camera(world, server, { room: 'demo', stream: 'test1' });
  const first = await PlayerPage.open(world, 'first', server, { room: 'demo', stream: 'test1' });
  await first.untilMoving();
  const second = await PlayerPage.open(world, 'second', server, { room: 'demo', stream: 'test1' });
  await second.untilMoving();
  // Each has a connection of its own, and one waits.
  await until('the camera waits for a third', async () => (await source.joins()) === 3);
  const log = await source.log();
  assert.ok(log.includes('channel open'), 'the data channel opens');
  assert.ok(!log.includes('candidate before the answer'), 'the answer comes first');
  await first.untilSays('#figures', /320 × 240/);

  await first.tab.click('#stopBtn');
  await until('the camera hears of it', async () => (await source.log()).some((line) => line.includes('"remove"')));
  await second.untilMoving();
  await source.stop();
  await second.untilSays('#note', /has ended/);
  const again = await camera(world, server, { room: 'demo', stream: 'test1' });
  await second.untilMoving();
  await again.stop();
});

e2e('what is not there, and what is not allowed, is said in words', async (world) => {
  const server = await world.server({
    env: {
      PATCHBAY_DIALECT__ERS__TOKENS_ENABLED: 'true',
      PATCHBAY_DIALECT__ERS__ALLOWED_ROOMS: 'demo',
      PATCHBAY_DIALECT__ERS__EMPTY_ROOM_ACK_DELAY_MS: '100',
      PATCHBAY_DIALECT__ERS__ADMIN_LISTEN: '127.0.0.1:0',
    },
  });
  const manage = (command, id) => fetch(`http://${server.ready.ers_admin}/?c=${command}&i=${id}`).then((answer) => answer.json());
  assert.equal((await manage('addToken', 'good')).status, 'SUCCESS');

  const none = await PlayerPage.open(world, 'no token', server, { room: 'demo', stream: 'test1' });
  await none.untilSays('#problem', /needs a token/);
  const wrong = await PlayerPage.open(world, 'wrong token', server, { room: 'demo', stream: 'test1', token: 'bad' });
  await wrong.untilSays('#problem', /does not accept this token/);
  assert.equal(await wrong.state(), 'idle');
  const nowhere = await PlayerPage.open(world, 'no room', server, { room: 'other', stream: 'test1', token: 'good' });
  await nowhere.untilSays('#problem', /no room “other”/);

  const early = await PlayerPage.open(world, 'early', server, { room: 'demo', stream: 'test1', token: 'good' });
  await early.untilSays('#note', /Nobody streams into the room/);
  await camera(world, server, { room: 'demo', stream: 'test1' });
  await early.untilMoving();
  // The same client, as the server knows clients, by address.
  const lost = await PlayerPage.open(world, 'no stream', server, { room: 'demo', stream: 'nothing', token: 'good' });
  await lost.untilSays('#note', /no stream “nothing”/);
  await early.untilMoving();
  // What was wrong can be put right in the form.
  await wrong.tab.fill('#token', 'good');
  await wrong.page.click('button[type=submit]');
  await wrong.untilMoving();
});
