// LessUp's own web client, unchanged, against our server: with itself and with our app.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { gather, talk } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { serveVendor } from '../lib/vendor.mjs';

// Without the variable the run leaves this file out and says `VENDOR NOT TESTED`.
const folder = path.join(process.env.PATCHBAY_VENDOR ?? '', 'lessup-web');

async function open(world, kinds) {
  assert.ok(existsSync(path.join(folder, 'index.html')), `${folder} holds no index.html; next: docs/testing.md says where it comes from`);
  const server = await world.server();
  const site = await serveVendor(folder, server);
  world.onEnd(site.close);
  const urls = { vendor: site.url, ours: server.url };
  return Promise.all(kinds.map((kind, i) => world.room(`${kind} ${i + 1}`, urls[kind])));
}

e2e('two vendor tabs complete a call', async (world) => {
  const rooms = await open(world, ['vendor', 'vendor']);
  await talk(rooms, await gather(rooms));
});

e2e('a vendor tab calls our app', async (world) => {
  const rooms = await open(world, ['vendor', 'ours']);
  await talk(rooms, await gather(rooms));
});

e2e('our app calls a vendor tab', async (world) => {
  const rooms = await open(world, ['ours', 'vendor']);
  const ids = await gather(rooms);
  await talk(rooms, ids);
  const [ours, vendor] = rooms;
  await ours.leave();
  await vendor.untilMembers(ids[1]);
});
