// A room across dialects, with our room app.

import { meet, patchedServer } from '../lib/patch.mjs';
import { e2e } from '../lib/test.mjs';

e2e('members of our app meet an antmedia and a WHIP publisher, and are seen by players of both', async (world) => {
  const server = await patchedServer(world);
  await meet(world, server, [await world.room('alice', server.url), await world.room('bob', server.url)]);
});
