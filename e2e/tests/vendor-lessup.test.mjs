// LessUp's own web client, unchanged, against our server: with itself and with our app.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { assertCall } from '../lib/media.mjs';
import { e2e } from '../lib/test.mjs';
import { serveVendor } from '../lib/vendor.mjs';

// Absent, there is nothing to register: the run says `VENDOR NOT TESTED` at its start.
const root = process.env.PATCHBAY_VENDOR;

if (root) {
  const folder = path.join(root, 'lessup-web');

  const meet = async (world, kinds) => {
    assert.ok(existsSync(path.join(folder, 'index.html')), `PATCHBAY_VENDOR is set, but ${folder} holds no index.html`);
    const server = await world.server();
    const site = await serveVendor(folder, server);
    world.onEnd(site.close);
    const urls = { vendor: site.url, ours: server.url };
    const rooms = await Promise.all(kinds.map((kind, i) => world.room(`${kind} ${i + 1}`, urls[kind])));
    for (const room of rooms) await room.join('demo');
    const ids = await Promise.all(rooms.map((room) => room.id()));
    await Promise.all(rooms.map((room) => room.untilMembers(...ids)));
    return { rooms, ids };
  };

  const talk = async ([caller, called], [idCaller, idCalled]) => {
    await caller.call(idCalled);
    await assertCall(caller, called);
    await caller.chat('from the caller');
    await called.untilChat(`${idCaller}: from the caller`);
    await called.chat('from the called');
    await caller.untilChat(`${idCalled}: from the called`);
    await called.tab.click('#hangup');
    await Promise.all([caller.untilNoCall(), called.untilNoCall()]);
  };

  e2e('two vendor tabs complete a call', async (world) => {
    const { rooms, ids } = await meet(world, ['vendor', 'vendor']);
    await talk(rooms, ids);
  });

  e2e('a vendor tab calls our app', async (world) => {
    const { rooms, ids } = await meet(world, ['vendor', 'ours']);
    await talk(rooms, ids);
  });

  e2e('our app calls a vendor tab', async (world) => {
    const { rooms, ids } = await meet(world, ['ours', 'vendor']);
    await talk(rooms, ids);
    const [ours, vendor] = rooms;
    await ours.leave();
    await vendor.untilMembers(ids[1]);
  });
}
