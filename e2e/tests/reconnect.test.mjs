// The server goes away and comes back: the call does not notice, the room is joined again.

import assert from 'node:assert/strict';
import { assertCall, received } from '../lib/media.mjs';
import { pair } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { throughout, until } from '../lib/until.mjs';

e2e('a restart of the server: media flows on, the members are listed again', async (world) => {
  const { server, a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await assertCall(a, b);

  const end = await server.stop();
  assert.deepEqual(end, { code: 0, signal: null }, 'SIGTERM ends the server well');
  await Promise.all([a.untilStatus('reconnecting'), b.untilStatus('reconnecting')]);
  assert.notEqual(await a.error(), '', 'the page says what is going on');

  // No server, yet frames go on rising, and the connections stay.
  const start = await received(a, idB);
  await throughout('the call is up', async () => (await received(a, idB)).connected,
    async () => (await received(a, idB)).framesDecoded > start.framesDecoded + 30);
  assert.deepEqual([await a.tiles(), await b.tiles()], [[idB], [idA]]);

  await world.server({ addr: server.host });
  await Promise.all([a.untilStatus('calling', 'joined'), b.untilStatus('calling', 'joined')]);
  await Promise.all([a.untilMembers(idA, idB), b.untilMembers(idA, idB)]);
  assert.deepEqual([await a.id(), await b.id()], [idA, idB], 'both came back under their ids');

  await until('the page no longer complains', async () => (await a.error()) === '' && (await b.error()) === '');
});

e2e('leaving while reconnecting gives up', async (world) => {
  const { server, a, b, idB } = await pair(world);
  await server.stop();
  await a.untilStatus('reconnecting');
  await a.leave();

  const again = await world.server({ addr: server.host });
  await b.untilMembers(idB);
  assert.equal(await a.status(), 'idle');
  assert.equal(again.port, server.port);
});
