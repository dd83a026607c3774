// The first room of two vendors: LessUp's web client of April 2026 and Ant Media's adaptor, both unchanged.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { meet, patchedServer } from '../lib/patch.mjs';
import { e2e } from '../lib/test.mjs';
import { serveVendor } from '../lib/vendor.mjs';

// Without the variable the run leaves this file out and says `VENDOR NOT TESTED`.
const folder = path.join(process.env.PATCHBAY_VENDOR ?? '', 'lessup-web');

e2e('members with the vendor\'s client meet an antmedia and a WHIP publisher, and are seen by players of both', async (world) => {
  assert.ok(existsSync(path.join(folder, 'index.html')), `${folder} holds no index.html; next: docs/testing.md says where it comes from`);
  const server = await patchedServer(world);
  const site = await serveVendor(folder, server);
  world.onEnd(site.close);
  await meet(world, server, [await world.room('alice', site.url), await world.room('bob', site.url)]);
});
