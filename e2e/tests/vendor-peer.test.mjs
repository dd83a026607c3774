// Ant Media's peer.html, unchanged: two browsers that negotiate directly. It asks for port 5080, whatever its own address is.

import assert from 'node:assert/strict';
import { antServer } from '../lib/antmedia.mjs';
import { folder, skip, untilEnabled, untilMoving, untilSound } from '../lib/streamapp.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const PORT = '127.0.0.1:5080';

async function peerServer(world) {
  return antServer(world, { pages: folder, env: { PATCHBAY_DIALECT__ANTMEDIA__LISTEN: PORT } });
}

async function peer(world, name) {
  const tab = await world.tab(name, `http://${PORT}/LiveApp/peer.html`);
  await untilEnabled(tab, '#join_button');
  return tab;
}

async function joined(tab) {
  await tab.click('#join_button');
  await untilEnabled(tab, '#leave_button');
  return tab;
}

/** Pictures and sound are decoded at both ends, by one connection that stands. */
async function untilMet(...tabs) {
  for (const tab of tabs) {
    await untilMoving(tab, '#remoteVideo');
    await untilSound(tab);
  }
}

/** The page shows no error but by a library that it does not load (`$.notify`), so that each of them throws. */
const errors = (tab) => tab.console.filter((line) => line.includes('error callback'));

e2e('peer.html: two meet, a third is turned away, one leaves and comes back', async (world) => {
  await peerServer(world);
  const [a, b] = [await joined(await peer(world, 'a')), await joined(await peer(world, 'b'))];
  await untilMet(a, b);
  const c = await peer(world, 'c');
  await c.click('#join_button');
  await until('the third is told why', () => errors(c).some((line) => line.includes('NoSpaceForNewPeer')));
  assert.equal(await c.page.$eval('#leave_button', (button) => button.disabled), true, 'it has not joined');
  await untilMet(a, b);
  // The third has its turn when there is room, and the second when the third has gone.
  await b.click('#leave_button');
  await untilEnabled(b, '#join_button');
  await joined(c);
  await untilMet(a, c);
  await c.click('#leave_button');
  await untilEnabled(c, '#join_button');
  await joined(b);
  await untilMet(a, b);
  assert.deepEqual([errors(a), errors(b)], [[], []]);
}, { skip });

e2e('peer.html: who closes the tab makes room, and the first may be the one who comes back', async (world) => {
  await peerServer(world);
  const [a, b] = [await joined(await peer(world, 'a')), await joined(await peer(world, 'b'))];
  await untilMet(a, b);
  await a.page.close();
  const next = await joined(await peer(world, 'next'));
  await untilMet(b, next);
  await b.page.reload({ waitUntil: 'load' });
  await untilEnabled(b, '#join_button');
  await joined(b);
  await untilMet(b, next);
  assert.deepEqual(errors(next), []);
}, { skip });

e2e('peer.html: another application and another name are other rooms', async (world) => {
  await peerServer(world);
  const [a, b] = [await joined(await peer(world, 'a')), await peer(world, 'b')];
  const elsewhere = await world.tab('elsewhere', `http://${PORT}/live/peer.html`);
  await untilEnabled(elsewhere, '#join_button');
  await joined(elsewhere);
  await b.fill('#streamName', 'another');
  await joined(b);
  const met = (tab) => tab.page.evaluate(() => window.__connections.some((pc) => pc.connectionState === 'connected'));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const tab of [a, b, elsewhere]) assert.equal(await met(tab), false, `${tab.name} is alone`);
}, { skip });
