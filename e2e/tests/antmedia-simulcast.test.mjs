// Three sizes of one picture, and a player whose link is too narrow for the largest.

import { impossible, narrow, open } from '../lib/link.mjs';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const WIDEST = 960;
const LINK_BITS_PER_SECOND = 300_000;
/** An estimate has to rise through probes, each of which is waited for. */
const UP_WITHIN_MS = 40_000;

async function width(player) {
  return (await player.received('ARDAMSvstream1')).frameWidth;
}

/** The UDP port at which the player receives. */
function port(player) {
  return player.page.evaluate(async () => {
    const stats = await window.__connections[0].getStats();
    const pair = [...stats.values()].find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
    return stats.get(pair.localCandidateId).port;
  });
}

e2e('a player on a narrow link gets a smaller picture, and the large one again when the link is wide', async (world) => {
  const server = await antServer(world);
  const publisher = await world.tab('publisher', `${server.pages}simulcast.html`);
  await publisher.page.evaluate(() => window.publish('stream1'));
  await until('three sizes are sent', async () =>
    Object.keys(await publisher.page.evaluate(() => window.sizes())).length === 3, { within: 30_000 });
  const player = await Ant.player(world, 'player', server, 'stream1');
  await until('the large picture comes', async () => (await width(player)) === WIDEST, { within: UP_WITHIN_MS });
  await narrow(world, await port(player), LINK_BITS_PER_SECOND);
  await until('a smaller picture comes', async () => {
    const now = await width(player);
    return now > 0 && now < WIDEST;
  }, { within: 20_000 });
  await player.untilMedia('stream1', { audio: false });
  await open();
  await until('the large picture comes again', async () => (await width(player)) === WIDEST, { within: UP_WITHIN_MS });
}, { skip: impossible() ?? false });
