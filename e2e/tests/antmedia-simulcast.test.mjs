// Three sizes of one picture, and a player whose link is too narrow for the largest.

import { impossible, narrow, open } from '../lib/link.mjs';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const WIDEST = 960;
const LINK_BITS_PER_SECOND = 300_000;
/** An estimate rises through probes, each of which is waited for. */
const SETTLED_WITHIN_MS = 40_000;

/** How long a picture has to stay as it is before it counts: on the way to it, an estimate may go up and down. */
const STEADY_MS = 4_000;

async function width(player) {
  return (await player.received('ARDAMSvstream1')).frameWidth;
}

/** The player's picture is of such a width at every look for a while. */
async function untilSteady(player, what, fits) {
  let since = Date.now();
  await until(what, async () => {
    if (!fits(await width(player))) since = Date.now();
    return Date.now() - since >= STEADY_MS;
  }, { within: SETTLED_WITHIN_MS });
}

/** The UDP port at which the player receives. */
function port(player) {
  return player.page.evaluate(async () => {
    const stats = await window.__connections[0].getStats();
    // A pair that was nominated before a better one came stays so.
    const transport = [...stats.values()].find((entry) => entry.type === 'transport');
    const pair = stats.get(transport.selectedCandidatePairId);
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
  const large = (now) => now === WIDEST;
  await untilSteady(player, 'the large picture comes', large);
  await narrow(world, await port(player), LINK_BITS_PER_SECOND);
  await untilSteady(player, 'a smaller picture comes', (now) => now > 0 && now < WIDEST);
  await player.untilMedia('stream1', { audio: false });
  const before = await publisher.page.evaluate(() => window.sizes());
  await until('the publisher goes on sending the large one', async () => {
    const now = await publisher.page.evaluate(() => window.sizes());
    return now.h.width === WIDEST && now.h.frames > before.h.frames;
  });
  await open();
  await untilSteady(player, 'the large picture comes again', large);
}, { skip: impossible() ?? false });
