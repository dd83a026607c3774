// The studio page: from a camera to a viewer, with a choice of sizes and charts.

import assert from 'node:assert/strict';
import { Studio } from '../lib/studio.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const BUSY = { PATCHBAY_LIMITS__CPU_PERCENT: '100' };

e2e('a camera is published in three sizes and watched on a phone, which chooses one', async (world) => {
  const server = await world.server({ env: BUSY });
  // Whoever comes first waits until the stream is live.
  const phone = await Studio.open(world, 'phone', server, 'stream=demo&mode=watch', { viewport: { width: 360, height: 740 } });
  await until('the phone waits', async () => (await phone.tab.text('#stageNote')).length > 0);
  const publisher = await Studio.open(world, 'publisher', server, 'stream=demo&mode=publish');
  await publisher.tab.click('#start');
  await publisher.untilLive();
  await phone.untilLive();
  await phone.untilMoving();
  await until('all sizes are offered', async () => (await phone.qualities()).length === 3, { within: 30_000 });
  const lowest = (await phone.qualities()).at(-1);
  await phone.page.select('#quality', lowest);
  await until(`the picture is ${lowest} high`, async () => String(await phone.height()) === lowest, { within: 30_000 });
  // The charts say what is going on, on both sides.
  for (const page of [publisher, phone]) {
    await until(`${page.tab.name} draws its charts`, () => page.page.$$eval('#bitrate, #loss, #rtt', (charts) =>
      charts.length === 3 && charts.every((chart) => /\d/.test(chart.textContent))), { within: 20_000 });
    const wide = await page.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
    assert.ok(wide, `${page.tab.name} needs no scrolling sideways`);
  }
  await publisher.tab.click('#stopBtn');
  await until('the phone waits again', async () => (await phone.state()) !== 'calling', { within: 30_000 });
});

e2e('a stream has one publisher, and a second one is told', async (world) => {
  const server = await world.server({ env: BUSY });
  const first = await Studio.open(world, 'first', server, 'stream=demo&mode=publish');
  await first.tab.click('#start');
  await first.untilLive();
  const second = await Studio.open(world, 'second', server, 'stream=demo&mode=publish');
  await second.tab.click('#start');
  await until('it is told why', async () => /another|taken|name/i.test(await second.tab.text('#error')), { within: 20_000 });
  assert.equal(await first.state(), 'calling');
});
