// Our app in Firefox: with itself and with Chromium. Only with E2E_FIREFOX=1: the browser is large and slow to start.

import { assertCall } from '../lib/media.mjs';
import { e2e } from '../lib/test.mjs';

if (process.env.E2E_FIREFOX === '1') {
  const meet = async (world, browsers) => {
    const server = await world.server();
    const rooms = [];
    for (const [i, browser] of browsers.entries()) rooms.push(await world.room(`tab ${i + 1}`, server.url, { browser }));
    for (const room of rooms) await room.join('demo');
    const ids = await Promise.all(rooms.map((room) => room.id()));
    await Promise.all(rooms.map((room) => room.untilMembers(...ids)));
    return { rooms, ids };
  };

  const talk = async ([caller, called], [idCaller, idCalled]) => {
    await caller.call(idCalled);
    await assertCall(caller, called);
    await caller.untilChat(idCalled);
    await caller.chat('from the caller');
    await called.untilChat(`${idCaller}: from the caller`);
    await called.chat('from the called');
    await caller.untilChat(`${idCalled}: from the called`);
    await called.tab.click('#hangup');
    await Promise.all([caller.untilNoCall(), called.untilNoCall()]);
  };

  e2e('two Firefox tabs complete a call', async (world) => {
    const firefox = await world.firefox();
    const { rooms, ids } = await meet(world, [firefox, firefox]);
    await talk(rooms, ids);
  });

  e2e('Firefox calls Chromium, and Chromium calls Firefox', async (world) => {
    const { rooms, ids } = await meet(world, [await world.firefox(), await world.browser()]);
    await talk(rooms, ids);
    await talk(rooms.reverse(), ids.reverse());
  });
}
