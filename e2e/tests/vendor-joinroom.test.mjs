// Ant Media's conference-deprecated.html, unchanged: rooms by `joinRoom`, whose members are played one by one.

import assert from 'node:assert/strict';
import { antServer } from '../lib/antmedia.mjs';
import { folder, open, party, skip, tile, untilAllMet, untilEnabled, untilGone, untilMoving } from '../lib/streamapp.mjs';
import { e2e } from '../lib/test.mjs';

// The page looks every five seconds who is there.
const join = (world, server, name, query = `?streamId=${name}`) => party(world, server, name, `conference-deprecated.html${query}`);

const others = (tab) => tab.page.$$eval('#players video', (videos) => videos.map((video) => video.id).filter((id) => id !== 'localVideo').sort());

e2e('conference-deprecated.html: three meet in a room, one leaves and comes back, another closes the tab', async (world) => {
  const server = await antServer(world, { pages: folder });
  const tabs = [];
  for (const name of ['alice', 'bob', 'carol']) tabs.push(await join(world, server, name));
  const [alice, bob, carol] = tabs;
  await untilAllMet(tabs);
  assert.deepEqual(await others(alice), ['remoteVideobob', 'remoteVideocarol']);
  await bob.click('#stop_publish_button');
  await untilEnabled(bob, '#join_publish_button');
  for (const tab of [alice, carol]) await untilGone(tab, tile('bob'));
  await untilAllMet([alice, carol]);
  await bob.click('#join_publish_button');
  await untilEnabled(bob, '#stop_publish_button');
  await untilAllMet([alice, bob]);
  await carol.page.close();
  for (const tab of [alice, bob]) await untilGone(tab, tile('carol'));
  await untilMoving(alice, tile('bob'));
}, { skip });

e2e('conference-deprecated.html: names that the server gives, and a guest who only watches', async (world) => {
  const server = await antServer(world, { pages: folder });
  const first = await join(world, server, 'first', '');
  const second = await join(world, server, 'second', '');
  for (const tab of [first, second]) await untilMoving(tab, '#players [id^="remoteVideo"]');
  assert.notDeepEqual(await others(first), await others(second));
  const guest = await open(world, 'guest', server, 'conference-deprecated.html?playOnly=true');
  await guest.click('#join_publish_button');
  for (const id of [...(await others(first)), ...(await others(second))]) await untilMoving(guest, `#${id}`);
  assert.equal((await others(first)).length, 1, 'a guest has nothing to be seen');
}, { skip });
