// What goes wrong says why, and what to do next.

import assert from 'node:assert/strict';
import { assertCall, untilPicture, untilSound, untilVideo } from '../lib/media.mjs';
import { gather } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

/** The namespace's address: a page from there is no secure context. */
const OUTSIDE = process.env.NETNS_ADDRESS;

async function twoInRoom(world, server, wish, options) {
  const browser = await world.browser(wish);
  const a = await world.room('a', server.url, { browser, ...options });
  const b = await world.room('b', server.url);
  const [idA, idB] = await gather([a, b]);
  return { a, b, idA, idB };
}

/** A cause alone helps nobody: the text has to say what to do, too. */
function assertHelps(text, cause, action) {
  assert.match(text, cause, 'the cause');
  assert.match(text, action, 'the next action');
}

/** Errors end something; an issue with camera or microphone does not, and has a place of its own. */
function untilShown(room, selector) {
  return until(`${room.tab.name} shows a message`, () =>
    room.page.$eval(selector, (element) => (element.getClientRects().length > 0 ? element.textContent.trim() : '')));
}
const untilError = (room) => untilShown(room, '#error');
const untilIssue = (room) => untilShown(room, '#mediaIssue');

e2e('permission refused: the call goes on one way, and both ways once it is granted', async (world) => {
  const server = await world.server();
  let permissions;
  const { a, b, idA, idB } = await twoInRoom(world, server, { allowed: false }, {
    prepare(_, context) {
      permissions = (list) => context.overridePermissions(server.url, list);
      return permissions([]);
    },
  });
  await a.call(idB);
  assertHelps(await untilIssue(a), /not allowed/i, /allow it .*try again/i);
  await untilVideo(a, idB);

  await permissions(['camera', 'microphone']);
  await a.tab.click('#mediaRetry');
  await assertCall(a, b);
  await untilPicture(b, idA);
  assert.equal(await a.tab.text('#mediaIssue'), '');
});

e2e('no camera and no microphone: the call goes on one way', async (world) => {
  const server = await world.server();
  const { a, b, idB } = await twoInRoom(world, server, { camera: false });
  await a.call(idB);
  assertHelps(await untilIssue(a), /no camera or microphone was found/i, /connect one/i);
  await Promise.all([untilVideo(a, idB), untilSound(a, idB)]);
  await b.untilStatus('calling');
});

e2e('room names that are refused', async (world) => {
  const server = await world.server();
  const a = await world.room('a', server.url);
  await a.tab.click('#join');
  assertHelps(await untilError(a), /room/i, /enter/i);
  assert.equal(await a.status(), 'idle');

  // 22 characters, but 66 bytes.
  await a.page.evaluate(() => window.connect('房'.repeat(22), 'alice'));
  await until('it is refused', async () => /room name/i.test(await a.error()) && (await a.status()) === 'idle');
  assertHelps(await a.error(), /cannot be used/i, /at most 64/i);

  await a.join('short enough');
  assert.equal(await a.error(), '');
});

e2e('an id that is refused, and one that is taken', async (world) => {
  const server = await world.server();
  const a = await world.room('a', server.url);
  await a.page.evaluate(() => window.connect('demo', 'not an id'));
  assertHelps(await untilError(a), /not an id/, /choose/i);
  await a.untilStatus('idle');

  await a.page.evaluate(() => window.connect('demo', 'alice'));
  await a.untilStatus('joined');
  const b = await world.room('b', server.url);
  await b.page.evaluate(() => window.connect('demo', 'alice'));
  // It could be our own ghost, so the page tries again until the name is free.
  await b.untilStatus('reconnecting');
  assertHelps(await untilError(b), /alice.* taken/i, /trying again|choose another/i);
  await a.leave();
  await b.untilStatus('joined');
});

e2e('calling nobody', async (world) => {
  const server = await world.server();
  const a = await world.room('a', server.url);
  await a.join('demo');
  await a.page.evaluate(() => window.callPeer('nobody'));
  assertHelps(await untilError(a), /not in the room/i, /pick/i);
  await a.untilNoCall();
});

e2e('chat without a call', async (world) => {
  const server = await world.server();
  const a = await world.room('a', server.url);
  await a.join('demo');
  await a.page.evaluate(() => window.sendChat('is anybody there'));
  assertHelps(await untilError(a), /chat/i, /call somebody/i);
});

e2e('a page that is not a secure context', async (world) => {
  const server = await world.server({ addr: '0.0.0.0:0' });
  const a = await world.room('a', `http://${OUTSIDE}:${server.port}/`);
  assert.equal(await a.page.evaluate(() => window.isSecureContext), false);
  assertHelps(await untilIssue(a), /secure/i, /https.*localhost/i);
}, { skip: OUTSIDE ? false : 'needs the namespace: cargo xtask netns -- npm --prefix e2e test' });
