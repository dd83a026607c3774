// Ant Media's conference.html, unchanged: everybody publishes a track of the room and plays the room.

import assert from 'node:assert/strict';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { assertSound, folder, open, party, skip, tile, untilAllMet, untilGone, untilMoving } from '../lib/streamapp.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const join = (world, server, name) => party(world, server, name, `conference.html?streamId=${name}&roomId=room1`);

const tiles = (tab) => tab.page.$$eval('#players video', (videos) => videos.map((video) => video.id).sort());

/** What the page knows of another: it is told by the server, after a word on the data channel. */
const asked = (tab, stream) => tab.page.evaluate((id) => window.__told?.[id], stream);

/** Keeps what `broadcastObject` tells, beside the page, which keeps it to itself. */
async function listenIn(tab) {
  await tab.page.evaluate(() => {
    window.__told = {};
    const { webRTCAdaptor } = window;
    webRTCAdaptor.addEventListener((info, object) => {
      if (info === 'broadcastObject') window.__told[object.streamId] = JSON.parse(object.broadcast);
    });
  });
}

async function say(tab, text) {
  await tab.page.$eval('#dataTextbox', (field, value) => { field.value = value; }, text);
  await tab.page.$eval('#send', (button) => button.click());
}

e2e('conference.html: three meet, one of them late; each other’s names, chat, and who is muted', async (world) => {
  const server = await antServer(world, { pages: folder });
  const tabs = [await join(world, server, 'alice'), await join(world, server, 'bob')];
  const [alice, bob] = tabs;
  await untilAllMet(tabs);
  const carol = await join(world, server, 'carol');
  tabs.push(carol);
  await untilAllMet(tabs);
  assert.deepEqual(await tiles(alice), ['localVideo', 'remoteVideobob', 'remoteVideocarol']);
  await listenIn(bob);
  await say(alice, 'hello all');
  for (const to of [bob, carol]) {
    await until(`${to.name} reads it`, async () => (await to.text('#all-messages')).includes('Received: hello all'));
  }
  // The page tells the others that something has changed, and the server what.
  await alice.page.$eval('#mute_mic_button', (button) => button.click());
  await until('bob may learn that alice is muted', async () => {
    await bob.page.evaluate(() => window.webRTCAdaptor.getBroadcastObject('alice'));
    return JSON.parse((await asked(bob, 'alice'))?.metaData ?? '{}').isMicMuted === true;
  });
  await bob.page.evaluate(() => window.webRTCAdaptor.getBroadcastObject('room1'));
  await until('bob knows who is there', async () => {
    const ids = (await asked(bob, 'room1'))?.subTrackStreamIds ?? [];
    return [...ids].sort().join() === 'alice,bob,carol';
  });
  await alice.page.$eval('#unmute_mic_button', (button) => button.click());
  tabs.forEach((tab) => assertSound(tab));
}, { skip });

e2e('conference.html: who leaves has no tile any more, by the button or with the tab, and may come back', async (world) => {
  const server = await antServer(world, { pages: folder });
  const tabs = [];
  for (const name of ['alice', 'bob', 'carol']) tabs.push(await join(world, server, name));
  const [alice, bob, carol] = tabs;
  await untilAllMet(tabs);
  await bob.click('#stop_publish_button');
  for (const tab of [alice, carol]) await untilGone(tab, tile('bob'));
  assert.deepEqual(await tiles(bob), ['localVideo'], 'nobody is left in his own page');
  await untilAllMet([alice, carol]);
  await bob.click('#join_publish_button');
  await untilAllMet(tabs);
  await carol.page.close();
  for (const tab of [alice, bob]) await untilGone(tab, tile('carol'));
  await untilAllMet([alice, bob]);
  [alice, bob].forEach((tab) => assertSound(tab));
}, { skip });

e2e('conference.html and multitrack-play.html are in one room', async (world) => {
  const server = await antServer(world, { pages: folder });
  const alice = await join(world, server, 'alice');
  const player = await open(world, 'player', server, 'multitrack-play.html?id=room1&muted=false');
  await untilMoving(player, tile('alice'));
  const bob = await join(world, server, 'bob');
  await untilMoving(player, tile('bob'));
  await untilAllMet([alice, bob]);
  await alice.click('#stop_publish_button');
  await untilGone(player, tile('alice'));
  await untilMoving(player, tile('bob'));
}, { skip });

e2e('the adaptor by itself in a room of three: tracks come and go, and all are heard', async (world) => {
  const server = await antServer(world);
  const people = [];
  for (const name of ['a', 'b', 'c']) {
    const one = await Ant.publisher(world, name, server, name, { main: 'room1' });
    await one.page.evaluate((own) => window.adaptor.play({ streamId: 'room1', userPublishId: own }), name);
    people.push(one);
  }
  for (const one of people) {
    for (const other of people.filter((each) => each !== one)) await one.untilMedia(other.name);
  }
  const [a, b, c] = people;
  assert.equal((await a.received('ARDAMSva')).packets, 0, 'nobody sees himself');
  await c.page.evaluate(() => { window.adaptor.stop('c'); window.adaptor.stop('room1'); });
  await c.untilTold('publish_finished', 'c');
  await a.untilMedia('b');
  await b.untilMedia('a');
}, { skip: false });
