// Screen sharing takes the camera's place in a running call, and gives it back.

import assert from 'node:assert/strict';
import { received, untilPicture, untilVideo } from '../lib/media.mjs';
import { pair } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const shownLocally = (room) => room.page.evaluate(() =>
  document.querySelector('#local').srcObject?.getVideoTracks()[0]?.label ?? null);

e2e('sharing the screen reaches the other side, stopping brings the camera back', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await untilVideo(b, idA);
  await untilPicture(b, idA);
  const camera = { ...(await received(b, idA)), label: await shownLocally(a) };

  await a.tab.click('#screenBtn');
  await until('the own picture is the screen', async () => ![camera.label, null].includes(await shownLocally(a)));
  // Negotiated once: the new picture comes over the same connection, in its own size.
  await until('the other side receives the size of the screen', async () => (await received(b, idA)).width !== camera.width);
  await untilVideo(b, idA);
  assert.equal(await b.openConnections(), 1);
  assert.equal(await a.error(), '');

  await a.tab.click('#screenBtn');
  await until('the own picture is the camera', async () => (await shownLocally(a)) === camera.label);
  await until('the other side receives the size of the camera', async () => (await received(b, idA)).width === camera.width);
  await untilVideo(b, idA);
});

e2e('the browser\'s own "stop sharing" ends it, too', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await untilVideo(b, idA);
  const camera = await shownLocally(a);
  await a.tab.click('#screenBtn');
  await until('the own picture is the screen', async () => ![camera, null].includes(await shownLocally(a)));

  await a.page.evaluate(() => {
    const [track] = document.querySelector('#local').srcObject.getVideoTracks();
    track.stop();
    // Stopping by script fires no event; the browser's button does.
    track.dispatchEvent(new Event('ended'));
  });
  await until('the own picture is the camera', async () => (await shownLocally(a)) === camera);
  await untilVideo(b, idA);
});
