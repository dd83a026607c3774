// Measures media where it arrives: decoded frames, sound, what the picture shows.

import assert from 'node:assert/strict';
import { until } from './until.mjs';

/** Enough frames that they cannot be leftovers of a burst. */
const MOVING_FRAMES = 15;
/** Sound of the fake microphone is above this within a second; a muted track stays far below. */
const AUDIBLE_ENERGY = 1e-4;
const SILENT_SECONDS = 2.5;

/** What the connection to `peer` receives; sums over its tracks. */
export function received(room, peer) {
  return room.page.evaluate(async (id) => {
    const own = window.state?.peers?.get?.(id)?.pc;
    // The vendor's client keeps its connections to itself: it is the one whose tracks the tile of the peer shows.
    const shown = document.querySelector(`.video-tile[data-peer="${id}"] video`)?.srcObject?.getTracks() ?? [];
    const open = window.__connections.filter((one) => one.connectionState !== 'closed');
    const shows = (one) => one.getReceivers().some(({ track }) => shown.includes(track));
    const pc = own ?? open.findLast(shows) ?? open.at(-1);
    const sum = { connected: pc?.connectionState === 'connected', framesDecoded: 0, audioEnergy: 0, audioSeconds: 0, width: 0, height: 0 };
    if (!pc) return sum;
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type !== 'inbound-rtp') continue;
      if (entry.kind === 'video') {
        sum.framesDecoded += entry.framesDecoded ?? 0;
        sum.width = entry.frameWidth ?? 0;
        sum.height = entry.frameHeight ?? 0;
      } else {
        sum.audioEnergy += entry.totalAudioEnergy ?? 0;
        sum.audioSeconds += entry.totalSamplesDuration ?? 0;
      }
    }
    return sum;
  }, peer);
}

/** Mean brightness (0 to 255) of the picture that the tile of `peer` shows; null before the first frame. */
export function brightness(room, peer) {
  return room.page.evaluate((id) => {
    const video = document.querySelector(`.video-tile[data-peer="${id}"] video`);
    if (!video?.videoWidth) return null;
    const canvas = document.createElement('canvas');
    canvas.width = 32;
    canvas.height = 24;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
    return sum / (data.length / 4) / 3;
  }, peer);
}

/** Frames of `peer` are decoded now, not only once upon a time. */
export async function untilVideo(room, peer) {
  const start = (await received(room, peer)).framesDecoded;
  await until(`${room.tab.name} decodes video of ${peer}`, async () => {
    const now = await received(room, peer);
    return now.connected && now.framesDecoded >= start + MOVING_FRAMES;
  }, { within: 30_000 });
}

export async function untilSound(room, peer) {
  const start = (await received(room, peer)).audioEnergy;
  await until(`${room.tab.name} hears ${peer}`, async () => (await received(room, peer)).audioEnergy > start + AUDIBLE_ENERGY, { within: 30_000 });
}

/** Sound still arrives as samples, but for seconds on end none of it can be heard. */
export async function untilSilence(room, peer) {
  let base = await received(room, peer);
  await until(`${room.tab.name} no longer hears ${peer}`, async () => {
    const now = await received(room, peer);
    if (now.audioEnergy > base.audioEnergy + AUDIBLE_ENERGY) base = now;
    return now.audioSeconds - base.audioSeconds > SILENT_SECONDS;
  }, { within: 30_000 });
}

export async function untilBlack(room, peer) {
  await until(`${room.tab.name} sees black from ${peer}`, async () => {
    const light = await brightness(room, peer);
    return light !== null && light < 8;
  });
}

export async function untilPicture(room, peer) {
  await until(`${room.tab.name} sees a picture from ${peer}`, async () => (await brightness(room, peer)) > 20);
}

/** Sound and moving pictures both ways: what a call is for. */
export async function assertCall(a, b) {
  const [idA, idB] = [await a.id(), await b.id()];
  await Promise.all([untilVideo(a, idB), untilVideo(b, idA), untilSound(a, idB), untilSound(b, idA)]);
  assert.deepEqual(await a.tiles().then((ids) => ids.includes(idB)), true, 'a shows a tile for b');
  assert.deepEqual(await b.tiles().then((ids) => ids.includes(idA)), true, 'b shows a tile for a');
}
