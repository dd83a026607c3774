// Both sides call at the same moment: their offers cross, and one working call comes of it.

import assert from 'node:assert/strict';
import { assertCall } from '../lib/media.mjs';
import { pair } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';

const TIMES = 5;

e2e('simultaneous calls end in one working call, again and again', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  for (let i = 0; i < TIMES; i += 1) {
    const press = (room, id) => room.page.evaluate((remote) => {
      document.querySelector('#remote').value = remote;
      document.querySelector('#remote').dispatchEvent(new Event('input', { bubbles: true }));
      document.querySelector('#call').click();
    }, id);
    await Promise.all([press(a, idB), press(b, idA)]);
    await assertCall(a, b);
    assert.deepEqual(await a.tiles(), [idB]);
    assert.deepEqual(await b.tiles(), [idA]);
    assert.deepEqual([await a.openConnections(), await b.openConnections()], [1, 1]);

    // The call is one: chat opened by either side reaches the other, and one hang-up ends it.
    await a.chat(`round ${i}`);
    await b.untilChat(`${idA}: round ${i}`);
    await (i % 2 ? a : b).tab.click('#hangup');
    await Promise.all([a.untilNoCall(), b.untilNoCall()]);
  }
});
