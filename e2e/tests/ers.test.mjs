// EvoStream's two halves, both ours: a rendezvous server with rooms, and a media server's side that `startWebrtc` starts; and
// the player page between them.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ant } from '../lib/antmedia.mjs';
import { PlayerPage, mediaServer, started } from '../lib/ems.mjs';
import { freePort } from '../lib/program.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

/** A rendezvous server of its own, with this `default.json`. */
async function rendezvous(world, { config, ...options } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-ers-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  const env = { ...options.env };
  if (config) {
    env.PATCHBAY_DIALECT__ERS__CONFIG = path.join(folder, 'default.json');
    await writeFile(env.PATCHBAY_DIALECT__ERS__CONFIG, JSON.stringify(config));
  }
  return world.server({ ...options, env });
}

e2e('a stream of Ant Media’s adaptor is watched through a room, by two at once, one after the other, and again', async (world) => {
  const server = await mediaServer(world);
  await Ant.publisher(world, 'publisher', server, 'stream1');
  await started(server, 'den');
  const first = await PlayerPage.open(world, 'first', server, { room: 'den', stream: 'stream1' });
  await first.untilPicture();
  await first.untilSound();
  const second = await PlayerPage.open(world, 'second', server, { room: 'den', stream: 'stream1' });
  await second.untilPicture();
  await first.page.close();
  await second.untilPicture();
  await second.page.reload();
  await second.untilPicture();
});

e2e('the player waits for a room and for a stream, and says which is missing', async (world) => {
  const server = await mediaServer(world);
  const early = await PlayerPage.open(world, 'early', server, { room: 'den', stream: 'stream1' });
  await early.untilSaid('note', /Nobody streams into the room “den”/);
  await started(server, 'den');
  await early.untilSaid('note', /has no stream “stream1”/);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  await early.untilPicture();
  await publisher.page.close();
  await early.untilSaid('note', /“stream1”/);
  const stopped = await server.ems('stopWebrtc roomid=den');
  assert.equal(stopped.description, 'Stopped WebRTC Negotiation Service');
  await early.untilSaid('note', /Nobody streams into the room “den”/);
});

e2e('the rendezvous server is killed and comes back: the picture flows on, and new viewers come in', async (world) => {
  const media = await mediaServer(world);
  await Ant.publisher(world, 'publisher', media, 'stream1');
  const ers = await rendezvous(world);
  await started(media, 'den', { port: ers.port });
  const first = await PlayerPage.open(world, 'first', ers, { room: 'den', stream: 'stream1' });
  await first.untilPicture();
  await ers.stop();
  await first.untilPicture();
  const again = await rendezvous(world, { addr: `127.0.0.1:${ers.port}` });
  await first.untilPicture();
  const second = await PlayerPage.open(world, 'second', again, { room: 'den', stream: 'stream1' });
  await second.untilPicture({ within: 45_000 });
});

e2e('tokens and rooms: who has none is told so, and who is given one sees the stream', async (world) => {
  const admin = await freePort();
  const ers = await rendezvous(world, {
    config: { server: { tokensEnabled: true }, allowedrooms: ['den'] },
    env: { PATCHBAY_DIALECT__ERS__ADMIN_LISTEN: `127.0.0.1:${admin}` },
  });
  const media = await mediaServer(world);
  await Ant.publisher(world, 'publisher', media, 'stream1');
  await started(media, 'den', { port: ers.port });
  const ask = async (query) => (await fetch(`http://127.0.0.1:${admin}/?${query}`)).json();
  assert.equal((await ask('c=addToken&i=t1')).status, 'SUCCESS');
  const lost = await PlayerPage.open(world, 'lost', ers, { room: 'cellar', stream: 'stream1', token: 't1' });
  await lost.untilSaid('problem', /no room “cellar”/);
  const poor = await PlayerPage.open(world, 'poor', ers, { room: 'den', stream: 'stream1' });
  await poor.untilSaid('problem', /needs a token/);
  const wrong = await PlayerPage.open(world, 'wrong', ers, { room: 'den', stream: 'stream1', token: 'guess' });
  await wrong.untilSaid('problem', /does not accept this token/);
  const right = await PlayerPage.open(world, 'right', ers, { room: 'den', stream: 'stream1', token: 't1' });
  await right.untilPicture();
  const { data } = await ask('c=listTokens&i=');
  await until('the token is in use', async () => data.tokens.some(({ token, used }) => token === 't1' && used));
  assert.equal((await ask('c=delToken&i=t1')).status, 'SUCCESS');
  await right.untilPicture();
  await right.page.reload();
  await right.untilSaid('problem', /does not accept this token/);
});

e2e('a token whose time is over lets nobody in, and who is in stays in', async (world) => {
  const admin = await freePort();
  const ers = await rendezvous(world, {
    config: { server: { tokensEnabled: true } },
    env: { PATCHBAY_DIALECT__ERS__ADMIN_LISTEN: `127.0.0.1:${admin}`, PATCHBAY_DIALECT__ERS__TOKEN_TTL_MS: '4000' },
  });
  const media = await mediaServer(world);
  await Ant.publisher(world, 'publisher', media, 'stream1');
  await started(media, 'den', { port: ers.port });
  const ask = async (query) => (await fetch(`http://127.0.0.1:${admin}/?${query}`)).json();
  assert.equal((await ask('c=addToken&i=t1')).status, 'SUCCESS');
  const player = await PlayerPage.open(world, 'player', ers, { room: 'den', stream: 'stream1', token: 't1' });
  await player.untilPicture();
  const listed = async () => (await ask('c=listTokens&i=')).data.tokens.some(({ token }) => token === 't1');
  await until('the token is over', async () => !(await listed()));
  await player.untilPicture();
  await player.page.reload();
  await player.untilSaid('problem', /does not accept this token/);
});
