// A recording is a file on the disk that a player plays, with picture and sound.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { assertCall, received } from '../lib/media.mjs';
import { gather } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const RECORDED_FRAMES = 45;

async function downloads(world) {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-download-'));
  world.onEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The finished download; Chromium writes to another name until it is complete. */
function landed(folder) {
  return until('the recording is on the disk', async () => {
    const [name] = (await readdir(folder)).filter((file) => file.endsWith('.webm'));
    if (!name) return null;
    const file = path.join(folder, name);
    return (await stat(file)).size > 0 ? file : null;
  });
}

async function play(world, file) {
  const player = await world.tab('player', pathToFileURL(file).href);
  const state = () => player.page.$eval('video', (video) => ({
    width: video.videoWidth,
    time: video.currentTime,
    audioBytes: video.webkitAudioDecodedByteCount,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    ended: video.ended,
    error: video.error?.message,
  }));
  await player.page.$eval('video', (video) => {
    video.muted = true;
    return video.play();
  });
  await until('the recording plays', async () => {
    const now = await state();
    return now.width > 0 && now.time > 0.5 && now.frames > 10 && now.audioBytes > 0;
  });
  return state();
}

async function recordedCall(world) {
  const folder = await downloads(world);
  const server = await world.server();
  const a = await world.room('a', server.url, { context: { downloadBehavior: { policy: 'allow', downloadPath: folder } } });
  const b = await world.room('b', server.url);
  const [, idB] = await gather([a, b]);
  await a.call(idB);
  await assertCall(a, b);

  await a.tab.click('#recStart');
  const start = (await received(a, idB)).framesDecoded;
  await until('there is something to record', async () => (await received(a, idB)).framesDecoded > start + RECORDED_FRAMES);
  return { folder, a, idB };
}

e2e('a recording of a call downloads and plays with picture and sound', async (world) => {
  const { folder, a, idB } = await recordedCall(world);
  await a.tab.click('#recStop');
  const file = await landed(folder);
  assert.equal(path.basename(file), 'webrtc-recording.webm');

  const played = await play(world, file);
  assert.equal(played.error, undefined);
  assert.equal(played.width, (await received(a, idB)).width, 'what was recorded is the other side\'s picture');
});

e2e('leaving while recording still delivers the file', async (world) => {
  const { folder, a } = await recordedCall(world);
  await a.leave();
  await play(world, await landed(folder));
});
