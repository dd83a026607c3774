// Players that know fragments of MP4 on a data channel and nothing else, in a browser that shows them by Media Source Extensions.

import assert from 'node:assert/strict';
import { Ant } from '../lib/antmedia.mjs';
import { PlayerPage, mediaServer, started } from '../lib/ems.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const H264 = { env: { PATCHBAY_DIALECT__ANTMEDIA__VIDEO_CODECS: 'H264' } };

/** What the page's picture is now. */
const picture = (viewer) => viewer.page.evaluate(() => {
  const { videoWidth, videoHeight, currentTime, srcObject, src, error } = document.getElementById('picture');
  return { videoWidth, videoHeight, currentTime, media: srcObject !== null, src, error: error?.message };
});

async function untilMoving(viewer) {
  await viewer.untilPicture();
  const before = await picture(viewer);
  assert.equal(before.error, undefined);
  assert.ok(before.src.startsWith('blob:') && !before.media, 'it comes by Media Source Extensions');
  await until(`${viewer.name} goes on`, async () => (await picture(viewer)).currentTime > before.currentTime + 2);
  const now = await picture(viewer);
  assert.ok(now.videoWidth > 0 && now.videoHeight > 0, JSON.stringify(now));
}

e2e('H.264 of a browser is watched in fragments, beside one who watches by RTP', async (world) => {
  const server = await mediaServer(world, H264);
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1');
  await started(server, 'den');
  const first = await PlayerPage.open(world, 'first', server, { room: 'den', stream: 'stream1', transport: 'fmp4' });
  await untilMoving(first);
  const second = await PlayerPage.open(world, 'second', server, { room: 'den', stream: 'stream1' });
  await second.untilPicture();
  await untilMoving(first);
  // Again from the beginning.
  await first.page.reload();
  await untilMoving(first);
  await publisher.page.close();
  await first.untilSaid('note', /“stream1”/);
});

e2e('what is no H.264 is said to be not there', async (world) => {
  const server = await mediaServer(world, { env: { PATCHBAY_DIALECT__ANTMEDIA__VIDEO_CODECS: 'VP8' } });
  await Ant.publisher(world, 'publisher', server, 'stream1');
  await started(server, 'den');
  const viewer = await PlayerPage.open(world, 'viewer', server, { room: 'den', stream: 'stream1', transport: 'fmp4' });
  await viewer.untilSaid('note', /has no stream “stream1”/);
  const other = await PlayerPage.open(world, 'other', server, { room: 'den', stream: 'stream1' });
  await other.untilPicture();
});
