// Our app in Firefox: with itself and with Chromium. Run with E2E_FIREFOX=1 only: the browser is large and slow to start.

import { gather, talk } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';

async function open(world, browsers) {
  const server = await world.server();
  return Promise.all(browsers.map((browser, i) => world.room(`tab ${i + 1}`, server.url, { browser })));
}

e2e('two Firefox tabs complete a call', async (world) => {
  const firefox = await world.firefox();
  const rooms = await open(world, [firefox, firefox]);
  await talk(rooms, await gather(rooms));
});

e2e('Firefox calls Chromium, and Chromium calls Firefox', async (world) => {
  const rooms = await open(world, [await world.firefox(), await world.browser()]);
  const ids = await gather(rooms);
  await talk(rooms, ids);
  await talk(rooms.reverse(), ids.reverse());
});
