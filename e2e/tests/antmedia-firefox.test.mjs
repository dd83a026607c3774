// Ant Media's JavaScript SDK in Firefox: with itself and with Chromium.

import { Ant, antServer, binary } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';

e2e('Firefox publishes, Firefox and Chromium play', async (world) => {
  const server = await antServer(world);
  const firefox = await world.firefox();
  const publisher = await Ant.publisher(world, 'publisher', server, 'stream1', { browser: firefox });
  const inFirefox = await Ant.player(world, 'player in Firefox', server, 'stream1', { browser: firefox });
  const inChromium = await Ant.player(world, 'player in Chromium', server, 'stream1');
  await Promise.all([inFirefox.untilMedia('stream1'), inChromium.untilMedia('stream1')]);
  for (const one of [publisher, inFirefox, inChromium]) await one.untilTold('data_channel_opened');
  await publisher.sendBinary('stream1', 20_000);
  await Promise.all([inFirefox.untilHeard(binary(20_000)), inChromium.untilHeard(binary(20_000))]);
  await inFirefox.sendText('stream1', 'from Firefox');
  await Promise.all([publisher.untilHeard('from Firefox'), inChromium.untilHeard('from Firefox')]);
});

e2e('Chromium publishes, Firefox plays', async (world) => {
  const server = await antServer(world);
  await Ant.publisher(world, 'publisher', server, 'stream1');
  const player = await Ant.player(world, 'player', server, 'stream1', { browser: await world.firefox() });
  await player.untilMedia('stream1');
});
