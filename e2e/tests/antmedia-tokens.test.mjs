// Who may publish and play, shown by Ant Media's SDK, unchanged from npm; tokens come from the REST interface, as a back end
// gets them.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ant, antServer } from '../lib/antmedia.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const KEY = '0123456789abcdef0123456789abcdef';

/** A server whose application LiveApp has these settings. */
async function guarded(world, settings) {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-guarded-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, 'key'), KEY, { mode: 0o600 });
  const config = path.join(folder, 'patchbay.toml');
  // What asks for something here asks WHIP's clients as well.
  const lines = ['[dialect.whip]', 'token_file = "KEY_FILE"', '[[dialect.antmedia.app]]', 'name = "LiveApp"', ...settings];
  await writeFile(config, `${lines.join('\n').replaceAll('KEY_FILE', path.join(folder, 'key'))}\n`);
  return antServer(world, { args: ['serve', '--config', config] });
}

/** A token for that stream, good for an hour. */
async function token(server, kind, stream, type) {
  const expires = Math.floor(Date.now() / 1000) + 3_600;
  const answer = await fetch(`${server.pages}rest/v2/broadcasts/${stream}/${kind}?expireDate=${expires}&type=${type}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).tokenId;
}

const publish = (ant, stream, shown) => ant.page.evaluate((id, value) => window.adaptor.publish(id, value, '', '', id, '', ''), stream, shown);
const play = (ant, stream, shown) => ant.page.evaluate((id, value) => window.adaptor.play(id, value, '', []), stream, shown);

const untilRefused = (ant) =>
  until(`${ant.name} is refused`, async () => (await ant.told()).some((told) => told.error === 'unauthorized_access'));

e2e('a one-time token lets one publisher in once, and one player', async (world) => {
  const server = await guarded(world, ['publish_token_control_enabled = true', 'play_token_control_enabled = true']);
  const publisher = await Ant.open(world, 'publisher', server, { camera: true });
  await publish(publisher, 'stream1', 'guessed');
  await untilRefused(publisher);
  const shown = await token(server, 'token', 'stream1', 'publish');
  // The adaptor goes on by itself with what it was refused for; another page begins with what is right.
  const second = await Ant.open(world, 'second', server, { camera: true });
  await publish(second, 'stream1', shown);
  await second.untilTold('publish_started', 'stream1');
  await second.page.evaluate((id) => window.unmute(id), 'stream1');
  const player = await Ant.open(world, 'player', server);
  await play(player, 'stream1', await token(server, 'token', 'stream1', 'play'));
  await player.untilMedia('stream1');
  const thief = await Ant.open(world, 'thief', server, { camera: true });
  await publish(thief, 'stream2', shown);
  await untilRefused(thief);
});

e2e('a signed token is good for its stream and for what it says', async (world) => {
  const server = await guarded(world, ['publish_jwt_control_enabled = true', 'play_jwt_control_enabled = true', 'jwt_key_file = "KEY_FILE"']);
  const publisher = await Ant.open(world, 'publisher', server, { camera: true });
  await publish(publisher, 'stream1', await token(server, 'jwt-token', 'stream1', 'publish'));
  await publisher.untilTold('publish_started', 'stream1');
  await publisher.page.evaluate((id) => window.unmute(id), 'stream1');
  const player = await Ant.open(world, 'player', server);
  await play(player, 'stream1', await token(server, 'jwt-token', 'stream1', 'play'));
  await player.untilMedia('stream1');
  const other = await Ant.open(world, 'other', server);
  await play(other, 'stream1', await token(server, 'jwt-token', 'stream2', 'play'));
  await untilRefused(other);
});
