// A stream that Ant Media's own adaptor publishes, given into a room by startWebrtc, and watched on the player's page: our media
// server's side and our rendezvous server, which may be two.

import assert from 'node:assert/strict';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { PlayerPage } from '../lib/camera.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const ENV = { PATCHBAY_DIALECT__ANTMEDIA__APPS: 'LiveApp', PATCHBAY_DIALECT__ERS__EMS__HTTP_LISTEN: '127.0.0.1:0' };

/** A command of the runtime API. */
async function command(server, name, parameters = '') {
  const answer = await fetch(`http://${server.ready.ems.http}/${name}?params=${btoa(parameters)}`);
  return answer.json();
}

async function start(server, meeting) {
  const port = meeting.ready.http[0].split(':').at(-1);
  const answer = await command(server, 'startWebrtc', `ersip=127.0.0.1 ersport=${port} roomid=den`);
  assert.equal(answer.status, 'SUCCESS');
  // The seed's form and the product's.
  assert.equal(answer.data.configId, 1);
  assert.equal(answer.data.data.roomid, 'den');
  const joined = async () => (await command(server, 'getConfigInfo', 'id=1')).data.status.current.description === 'Joined';
  await until('the media server waits in its room', joined, { within: 30_000 });
}

e2e('what the adaptor publishes is watched by two players in a room, and ends with the service', async (world) => {
  const server = await antServer(world, { env: ENV });
  await Ant.publisher(world, 'publisher', server, 'test1');
  await start(server, server);
  const first = await PlayerPage.open(world, 'first', server, { room: 'den', stream: 'test1' });
  await first.untilMoving();
  const second = await PlayerPage.open(world, 'second', server, { room: 'den', stream: 'test1' });
  await second.untilMoving();
  await first.untilMoving();
  const lost = await PlayerPage.open(world, 'no stream', server, { room: 'den', stream: 'nothing' });
  await lost.untilSays('#note', /no stream “nothing”/);
  assert.equal((await command(server, 'stopWebrtc', 'roomid=den')).status, 'SUCCESS');
  await second.untilSays('#note', /has ended/);
});
