// The page of the sid dialect: register, see who is there, call one, be told how it ended.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assertCall, untilBlack, untilSilence, untilSound, untilVideo } from '../lib/media.mjs';
import { Caller, callers } from '../lib/sid.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

async function connected(world, ...names) {
  const server = await world.server();
  const [a, b, ...others] = await callers(world, server, ...names);
  await a.call(names[1]);
  await b.untilRinging(names[0]);
  await b.tab.click('#accept');
  await assertCall(a, b);
  return [a, b, ...others];
}

e2e('two people register, call, see and hear each other; the caller hangs up', async (world) => {
  const [a, b] = await connected(world, 'alice', 'bob');
  await Promise.all([a.untilStatus('calling'), b.untilStatus('calling')]);
  await a.tab.click('#endBtn');
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);
  await b.untilNote(/^alice hung up/);
  await Promise.all([a, b].map((one) => one.untilMembers('alice: free', 'bob: free')));
  await until('the cameras are off', async () => {
    const streams = await Promise.all([a, b].map((one) => one.page.$eval('#local', (video) => Boolean(video.srcObject))));
    return !streams.includes(true);
  });
  for (const one of [a, b]) assert.deepEqual(one.tab.errors, [], `console of ${one.tab.name}`);
});

e2e('the called one hangs up, then calls back', async (world) => {
  const [a, b] = await connected(world, 'alice', 'bob');
  await b.tab.click('#endBtn');
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);
  await a.untilNote(/^bob hung up/);
  await b.call('alice');
  await a.untilRinging('bob');
  await a.tab.click('#accept');
  await assertCall(b, a);
});

e2e('a call is rejected, and one is taken back while it rings', async (world) => {
  const server = await world.server();
  const [a, b] = await callers(world, server, 'alice', 'bob');
  await a.call('bob');
  await b.untilRinging('alice');
  assert.match(await b.page.title(), /alice is calling/);
  await b.tab.click('#reject');
  await a.untilNote(/^bob rejected the call/);
  await a.untilNoCall();
  await Promise.all([a, b].map((one) => one.untilMembers('alice: free', 'bob: free')));

  await a.call('bob');
  await b.untilRinging('alice');
  await a.tab.click('#endBtn');
  await b.untilNote(/^alice hung up/);
  assert.equal(await b.page.$eval('#ringing', (card) => card.hidden), true);
});

e2e('somebody who is in a call is busy, and can be written to', async (world) => {
  const [a, b, c] = await connected(world, 'alice', 'bob', 'carol');
  await c.untilMembers('alice: in a call', 'bob: in a call', 'carol: free');
  await c.call('bob');
  await c.untilError(/^bob is in another call/);
  await c.untilNoCall();
  await c.write('bob', '<b>ring me</b> & thanks');
  await b.untilNotice('carol <b>ring me</b> & thanks');
  assert.equal(await b.page.$('#toasts b'), null, 'a message is text, never markup');
  await Promise.all([untilVideo(a, 'bob'), untilVideo(b, 'alice')]);
});

e2e('two who call each other at the same moment are in one call', async (world) => {
  const server = await world.server();
  const [a, b] = await callers(world, server, 'alice', 'bob');
  await Promise.all([a.call('bob'), b.call('alice')]);
  // Whoever was late either rings or was asked while dialling, in which case the page answers by itself.
  await until('both are in the call', async () => {
    for (const one of [a, b]) {
      if (await one.page.$eval('#ringing', (card) => !card.hidden)) await one.page.click('#accept');
    }
    return (await a.tiles()).includes('bob') && (await b.tiles()).includes('alice');
  });
  await assertCall(a, b);
});

e2e('closing a tab during a call shows that the other left', async (world) => {
  const [a, b] = await connected(world, 'alice', 'bob');
  await a.page.close();
  await b.untilNote(/^alice left/);
  await b.untilNoCall();
  await b.untilMembers('bob: free');
});

e2e('a name that is taken is refused in words, another one works', async (world) => {
  const server = await world.server();
  const [a] = await callers(world, server, 'alice');
  const b = await Caller.open(world, 'b', server);
  await b.register('alice');
  await b.untilError(/“alice” is taken/);
  await b.untilStatus('idle');
  await b.join('bob');
  assert.equal(await b.error(), '');
  await a.untilMembers('alice: free', 'bob: free');
  await b.tab.click('#leave');
  await b.untilStatus('idle');
  await a.untilMembers('alice: free');
});

e2e('a tenant behind a token: the page\'s address names both', async (world) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-e2e-'));
  world.onEnd(() => rm(folder, { recursive: true }));
  const tokens = path.join(folder, 'tokens');
  await writeFile(tokens, 'k/e+y\n');
  const server = await world.server({ env: { PATCHBAY_DIALECT__SID__TENANTS: 'lab', PATCHBAY_DIALECT__SID__TOKEN_FILE: tokens } });
  const [a, b, outside] = await Promise.all(['#tenant=lab&token=k/e%2By', '#tenant=lab&token=k/e%2By', '#token=k/e%2By'].map((hash) =>
    Caller.open(world, hash, server, { hash })));
  await a.join('alice');
  await outside.join('alice');
  await b.join('bob');
  await a.untilMembers('alice: free', 'bob: free');
  await outside.untilMembers('alice: free');

  const locked = await Caller.open(world, 'locked', server);
  await locked.register('mallory');
  await locked.untilStatus('reconnecting');
});

e2e('mute is silence and camera off is black at the other side', async (world) => {
  const [a, b] = await connected(world, 'alice', 'bob');
  await a.tab.click('#muteBtn');
  await a.tab.click('#cameraBtn');
  await Promise.all([untilSilence(b, 'alice'), untilBlack(b, 'alice')]);
  await a.tab.click('#muteBtn');
  await a.tab.click('#cameraBtn');
  await Promise.all([untilSound(b, 'alice'), untilVideo(b, 'alice')]);
});

e2e('without camera and microphone one still sees and hears', async (world) => {
  const server = await world.server();
  const bare = await world.browser({ camera: false });
  const a = await Caller.open(world, 'a', server, { browser: bare });
  const [b] = await callers(world, server, 'bob');
  await a.join('alice');
  await b.untilMembers('bob: free', 'alice: free');
  await a.call('bob');
  await b.untilRinging('alice');
  await b.tab.click('#accept');
  await Promise.all([untilVideo(a, 'bob'), untilSound(a, 'bob')]);
  assert.match(await a.tab.text('#media'), /without sound and picture.*No camera or microphone was found/);
});

e2e('a server that comes back finds everybody under the old name', async (world) => {
  const first = await world.server();
  const [a, b] = await callers(world, first, 'alice', 'bob');
  await a.call('bob');
  await b.untilRinging('alice');
  await b.tab.click('#accept');
  await assertCall(a, b);
  await first.stop();
  await Promise.all([a, b].map((one) => one.untilStatus('reconnecting')));
  await a.untilNote(/call with bob ended because the server cannot be reached/);
  await a.untilNoCall();
  await world.server({ addr: first.host });
  await Promise.all([a, b].map((one) => one.untilStatus('joined')));
  await until('both list both', async () => (await a.members()).length === 2 && (await b.members()).length === 2);
  assert.equal(await a.error(), '');
});

e2e('registering, calling and accepting by keyboard alone, on a telephone without scrolling sideways', async (world) => {
  const viewport = { width: 390, height: 844, isMobile: true, hasTouch: true, deviceScaleFactor: 1 };
  const server = await world.server();
  const long = 'n'.repeat(64);
  const [a, b] = await Promise.all([Caller.open(world, 'a', server, { viewport }), Caller.open(world, 'b', server)]);
  const width = () => a.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  const tabTo = async (one, selector) => {
    for (let i = 0; i < 20; i += 1) {
      if (await one.page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      await one.page.keyboard.press('Tab');
    }
    throw new Error(`${selector} is not reached by Tab`);
  };
  assert.deepEqual(await width(), [390, 390]);
  await a.page.bringToFront();
  await tabTo(a, '#name');
  await a.page.keyboard.type('alice');
  await a.page.keyboard.press('Enter');
  await a.untilStatus('joined');
  await b.join(long);
  await a.untilMembers('alice: free', `${long}: free`);
  assert.deepEqual(await width(), [390, 390]);
  const right = await a.page.$eval('.member .button-call', (button) => button.getBoundingClientRect().right);
  assert.ok(right <= 390, `the button beside a long name ends at ${right}`);
  await tabTo(a, '.member .button-call');
  await a.page.keyboard.press('Enter');
  await b.untilRinging('alice');
  await b.page.bringToFront();
  await tabTo(b, '#accept');
  await b.page.keyboard.press('Enter');
  await Promise.all([untilVideo(a, long), untilVideo(b, 'alice')]);
  assert.deepEqual(await width(), [390, 390]);
  await a.page.bringToFront();
  await tabTo(a, '#endBtn');
  await a.page.keyboard.press('Enter');
  await b.untilNote(/^alice hung up/);
});
