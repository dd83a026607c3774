// The phone page with a telephone (baresip) behind a registrar (Kamailio).

import assert from 'node:assert/strict';
import { telephony } from '../lib/phones.mjs';
import { PhonePage } from '../lib/phonepage.mjs';
import { e2e } from '../lib/test.mjs';
import { BROWSER_HZ, PHONE_HZ } from '../lib/tones.mjs';
import { until } from '../lib/until.mjs';

const ALICE = 'sip:alice@example.com';

async function talk(alice, bob) {
  await alice.dial('bob');
  await alice.untilState('in-call');
  await Promise.all([alice.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
}

e2e('phone: signs in, calls, both hear each other, and hangs up', async (world) => {
  const { registrar, server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await alice.untilSays('#status', 'Ready');
  await talk(alice, bob);
  await alice.untilSays('#who', 'bob');
  await alice.untilSays('#callTimer', /^0:0[1-9]$/);
  await alice.tab.click('#endBtn');
  await bob.untilEvent('CALL_CLOSED');
  await alice.untilState('registered');
  await alice.untilSays('#toast', /^Call with bob ended\. The call took 0:0\d\.$/);
  await alice.untilHistory('bob: Outgoing');
  await alice.tab.click('#signOut');
  await registrar.untilGone('alice');
  await alice.untilState('offline');
});

e2e('phone: the account is known again after a reload of the tab', async (world) => {
  const { registrar, server } = await telephony(world);
  const alice = await PhonePage.ready(world, 'alice', server);
  const kept = await alice.page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  assert.ok(!kept.includes('secret-alice'), 'the password itself is not kept');
  await alice.page.reload();
  await alice.untilState('registered');
  assert.equal(registrar.count(/registrar has alice/), 2);
});

e2e('phone: a wrong password is said in words, and the right one mends it', async (world) => {
  const { server } = await telephony(world);
  const alice = await PhonePage.open(world, 'alice', server);
  await alice.signIn('alice', 'wrong');
  await alice.untilState('failed');
  await alice.untilSays('#accountIssue', /^The password is wrong\. Enter it again\. .* \(904\)$/);
  await alice.untilSays('#accountTitle', 'Sign in to your telephone');
  assert.equal(await alice.page.evaluate(() => document.activeElement.id), 'password');
  await alice.tab.fill('#password', 'secret-alice');
  await alice.tab.click('#signIn');
  await alice.untilState('registered');
  assert.equal(await alice.page.$eval('[data-when="account"]', (banner) => banner.hidden), true);
});

e2e('phone: digits from the pad and the keyboard, by INFO and by RFC 4733', async (world) => {
  const { registrar, server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await talk(alice, bob);
  await alice.press('1*');
  await until('bob has them', () => bob.digits() === '1*');
  await alice.tab.click('#screen');
  await alice.page.keyboard.press('#');
  await until('bob has that, too', () => bob.digits() === '1*#');
  assert.equal(registrar.seen('INFO', 'alice'), 3);
  await alice.untilSays('#tones', '1*#');
  await alice.tab.click('#settings summary');
  await alice.page.select('#tonesSelect', 'rfc4733');
  await alice.press('7');
  await until('bob has all', () => bob.digits() === '1*#7');
  assert.equal(registrar.seen('INFO', 'alice'), 3, 'the last came in the sound');
});

e2e('phone: puts the other side on hold, and takes the call up again', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await talk(alice, bob);
  await alice.tab.click('#holdBtn');
  await alice.untilState('held');
  await alice.untilSays('#callState', 'On hold');
  // The telephone knows: it is told so, gets nothing and says nothing.
  await until('bob is on hold', async () => /audio dir=recvonly/.test(await bob.tell('audio_debug')));
  await Promise.all([bob.untilNoPackets(), alice.untilSilent()]);
  await alice.untilSays('#holdBtn', 'Resume');
  await alice.tab.click('#holdBtn');
  await alice.untilState('in-call');
  await Promise.all([bob.untilPackets(), alice.untilHeard(PHONE_HZ)]);
});

e2e('phone: is put on hold, which shows when nothing arrives any more', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await talk(alice, bob);
  await bob.tell('hold');
  await alice.untilSays('#callNote', /^Nothing arrives from bob at the moment\. They may have put you on hold/);
  await bob.tell('resume');
  await alice.untilHeard(PHONE_HZ);
  await until('the note is gone', async () => (await alice.tab.text('#callNote')) === '');
});

e2e('phone: is called, answers, both hear each other, and the telephone hangs up', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await bob.tell('dial', ALICE);
  await alice.untilState('incoming');
  await alice.untilSays('#incomingText', 'bob is calling');
  assert.equal(await alice.page.title(), 'bob is calling');
  await alice.tab.click('#answer');
  await alice.untilState('in-call');
  await Promise.all([alice.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
  await bob.tell('hangup');
  await alice.untilState('registered');
  await alice.untilSays('#toast', /^bob hung up\. The call took 0:0\d\.$/);
  await alice.untilHistory('bob: Incoming');
});

e2e('phone: declines a call', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await bob.tell('dial', ALICE);
  await alice.untilState('incoming');
  await alice.tab.click('#decline');
  assert.equal((await bob.untilEvent('CALL_CLOSED')).param, '486 Busy Here');
  await alice.untilState('registered');
  await alice.untilHistory('bob: Declined');
});

e2e('phone: a missed call is told, counted and listed', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await bob.tell('dial', ALICE);
  await alice.untilState('incoming');
  await bob.untilEvent('CALL_RINGING');
  await bob.tell('hangup');
  await alice.untilSays('#note', 'You missed a call from bob.');
  await alice.untilHistory('bob: Missed');
  await alice.untilSays('#missedCount', '1 missed');
  assert.equal(await alice.page.title(), '(1) Patchbay – phone');
  // Whoever clicks has seen it.
  await alice.tab.click('#to');
  await until('nothing is left to be seen', async () => (await alice.page.title()) === 'Patchbay – phone');
});

e2e('phone: busy, unknown and cancelled calls in words', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob', { answers: 'manual' });
  const alice = await PhonePage.ready(world, 'alice', server);
  await alice.dial('bob');
  await bob.untilEvent('CALL_INCOMING');
  await alice.untilState('ringing');
  await bob.tell('hangup');
  await alice.untilSays('#error', 'bob is busy. Try again a little later. (486)');
  await alice.untilState('registered');
  await alice.dial('nobody');
  await alice.untilSays('#error', 'There is no nobody. Check the address or number for typing errors. (404)');
  const before = bob.events.length;
  await alice.dial('bob');
  await bob.untilEvent('CALL_INCOMING', { since: before });
  await alice.untilState('ringing');
  await alice.tab.click('#endBtn');
  await bob.untilEvent('CALL_CLOSED', { since: before });
  await alice.untilState('registered');
  // Nothing went wrong in that one.
  assert.equal(await alice.page.$eval('[data-when="error"]', (banner) => banner.hidden), true);
  await alice.untilHistory('bob: Not answered', 'nobody: Failed', 'bob: Not answered');
});

e2e('phone: a second call puts the first on hold, and both can be taken up', async (world) => {
  const { server, phone } = await telephony(world);
  const [bob, carol] = await Promise.all([phone('bob'), phone('carol')]);
  const alice = await PhonePage.ready(world, 'alice', server);
  await talk(alice, bob);
  await carol.tell('dial', ALICE);
  await alice.untilState('incoming');
  await alice.untilSays('#answer', 'Hold and answer');
  await alice.tab.click('#answer');
  await alice.untilState('in-call');
  await Promise.all([carol.untilHeard(BROWSER_HZ), bob.untilNoPackets()]);
  await alice.untilSays('#who', 'carol');
  await alice.tab.click('.call-row:not(.is-current) .button:not(.button-danger)');
  await alice.untilSays('#who', 'bob');
  await Promise.all([bob.untilPackets(), carol.untilNoPackets()]);
  await alice.tab.click('#endBtn');
  await bob.untilEvent('CALL_CLOSED');
  assert.ok(!carol.events.some(({ type }) => type === 'CALL_CLOSED'), 'the other call is still there');
});

e2e('phone: sound and picture both ways', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob', { video: true });
  const alice = await PhonePage.ready(world, 'alice', server);
  await alice.dial('bob', { video: true });
  await alice.untilState('in-call');
  await Promise.all([alice.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ), alice.untilPicture(), bob.untilPicture()]);
});

e2e('phone: when the server goes, the call ends, and the page says so', async (world) => {
  const { server, phone } = await telephony(world);
  const bob = await phone('bob');
  const alice = await PhonePage.ready(world, 'alice', server);
  await talk(alice, bob);
  await server.stop();
  await alice.untilSays('#error', /^The line to the server broke, and the call with bob ended with it\./);
  await alice.untilSays('#accountIssue', /^The server cannot be reached\. .*Trying again in/);
  await bob.untilEvent('CALL_CLOSED');
});
