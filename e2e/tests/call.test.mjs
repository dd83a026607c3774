// What a call is: two people in one room see and hear each other, write to each other, and part.

import assert from 'node:assert/strict';
import { assertCall, untilBlack, untilPicture, untilSilence, untilSound, untilVideo } from '../lib/media.mjs';
import { pair } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

e2e('two tabs join, see each other in the list, call, and hang up', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  assert.match(idA, /^[0-9a-f]{12}$/);
  assert.notEqual(idA, idB);

  await a.call(idB);
  await assertCall(a, b);
  await a.untilStatus('calling');
  await b.untilStatus('calling');
  assert.equal(await a.error(), '');
  assert.equal(await b.error(), '');

  await a.tab.click('#hangup');
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);
  await a.untilStatus('joined');
  await b.untilStatus('joined');
  for (const room of [a, b]) assert.deepEqual(room.tab.errors, [], `console of ${room.tab.name}`);
});

e2e('the one who was called hangs up, and calls back', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await assertCall(a, b);
  await b.tab.click('#hangup');
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);

  await b.call(idA);
  await assertCall(a, b);
});

e2e('leaving ends the call at the other side and takes the member off the list', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await assertCall(a, b);
  await a.leave();
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);
  await b.untilMembers(idB);
  await until('the camera is off', () =>
    a.page.evaluate(() => !document.querySelector('#local').srcObject));

  await a.join('demo');
  await b.untilMembers(idA, idB);
});

e2e('closing a tab ends the call at the other side', async (world) => {
  const { a, b, idB } = await pair(world);
  await a.call(idB);
  await assertCall(a, b);
  await a.page.close();
  await b.untilNoCall();
  await b.untilMembers(idB);
});

e2e('chat goes both ways', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await Promise.all([untilVideo(a, idB), untilVideo(b, idA)]);
  await a.chat('hello <b>there</b> & 你好');
  await b.untilChat(`${idA}: hello <b>there</b> & 你好`);
  await a.untilChat('me: hello <b>there</b> & 你好');
  await b.chat('and back');
  await a.untilChat(`${idB}: and back`);
  assert.equal(await b.page.$('#chatLog b'), null, 'chat is text, never markup');
  assert.equal(await a.tab.value('#chatInput'), '', 'the field is empty for the next line');
});

e2e('mute silences the other side, camera off turns it black, both come back', async (world) => {
  const { a, b, idA, idB } = await pair(world);
  await a.call(idB);
  await assertCall(a, b);
  await untilPicture(b, idA);

  const enabled = () => a.page.evaluate(() => {
    const tracks = document.querySelector('#local').srcObject.getTracks();
    return Object.fromEntries(tracks.map((track) => [track.kind, track.enabled]));
  });
  assert.deepEqual(await enabled(), { audio: true, video: true });
  await a.tab.click('#muteBtn');
  await a.tab.click('#cameraBtn');
  assert.deepEqual(await enabled(), { audio: false, video: false });
  await Promise.all([untilSilence(b, idA), untilBlack(b, idA)]);
  await untilSound(a, idB);

  await a.tab.click('#muteBtn');
  await a.tab.click('#cameraBtn');
  assert.deepEqual(await enabled(), { audio: true, video: true });
  await Promise.all([untilSound(b, idA), untilPicture(b, idA)]);
});
