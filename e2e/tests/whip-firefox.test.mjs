// WHIP and WHEP in Firefox, with itself and with Chromium.

import { antServer } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { Whip } from '../lib/whip.mjs';

e2e('Firefox publishes by WHIP, Firefox and Chromium play by WHEP', async (world) => {
  const server = await antServer(world);
  const browser = await world.firefox();
  await Whip.publisher(world, 'WHIP publisher in Firefox', server, 'cam1', { browser });
  const inFirefox = await Whip.player(world, 'WHEP player in Firefox', server, 'cam1', { browser });
  const inChromium = await Whip.player(world, 'WHEP player in Chromium', server, 'cam1');
  await Promise.all([inFirefox.untilMedia(), inChromium.untilMedia()]);
});

e2e('Chromium publishes by WHIP, Firefox plays by WHEP', async (world) => {
  const server = await antServer(world);
  await Whip.publisher(world, 'WHIP publisher', server, 'cam1');
  const player = await Whip.player(world, 'WHEP player', server, 'cam1', { browser: await world.firefox() });
  await player.untilMedia();
});
