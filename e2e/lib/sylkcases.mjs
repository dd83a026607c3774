// What both libraries have to go through with a telephone; they differ in what they are told of it.

import assert from 'node:assert/strict';
import { SylkPage, missing } from './sylk.mjs';
import { ALICE, BOB, Bench, talk } from './sylkbench.mjs';
import { e2e } from './test.mjs';
import { BROWSER_HZ, PHONE_HZ } from './tones.mjs';
import { until } from './until.mjs';

/** A socket that is lost has to be noticed that soon. */
const LOSS_WITHIN_MS = 1_000;
/** Today's library ends a call by itself after that long. */
const TERMINATED_WITHIN_MS = 300;
/** Requests that come when they like. */
const UNTIMED = ['ping', 'session-trickle', 'trickle', 'account-fetch-addressbook'];

/** A test of one library: `body` gets a bench of its own. */
export function benchTests(expected, title) {
  const skip = missing(expected.library);
  return (name, body) => e2e(`${title}: ${name}`, async (world) => body(await Bench.open(world, expected)), { skip });
}

export function commonCases(expected, test) {
  const { requests, state } = expected;

  test('registers, leaves, comes back', async (bench) => {
    const page = await bench.alice();
    await bench.tellsAlice(page);
    assert.equal(bench.registrar.count(/registrar has alice/), 1);
    await page.do('unregister');
    await bench.registrar.untilGone('alice');
    await page.untilTold('registration');
    await page.do('register');
    await until('alice is registered again', () => bench.registrar.count(/registrar has alice/) === 2);
    await until('alice is told so', async () => (await page.told()).filter((one) => one === 'registration registered').length === 2);
    await page.do('remove');
    await until('alice is gone', () => bench.registrar.count(/registrar lost alice/) === 2);
    // Each request is acknowledged before what it leads to; leaving has no event.
    const registering = Object.values(expected.registration('registering')).find((name) => /^account.event$/.test(name));
    const told = ['registering', 'registered'].map((one) => `S> ${registering} ${expected.registration(one).event} ${one}`);
    const transcript = () => page.wire.told(UNTIMED).filter((line) => !/addressbook/.test(line));
    await until('the last answer is here', () => transcript().at(-1).startsWith('S> ack'));
    assert.deepEqual(transcript(), [
      `S> ${expected.ready.sylkrtc}${expected.ready.event ? ` ${expected.ready.event}` : ''}`,
      ...['add', 'register'].flatMap((name) => [`C> ${requests[name]}`, `S> ack ${requests[name]}`]),
      ...told,
      ...['unregister', 'register'].flatMap((name) => [`C> ${requests[name]}`, `S> ack ${requests[name]}`]),
      ...told,
      `C> ${requests.remove}`, `S> ack ${requests.remove}`,
    ]);
  });

  test('a wrong password is told in the words of the reference', async (bench) => {
    const page = await SylkPage.open(bench.world, 'alice', bench.server, expected.library);
    assert.equal(await page.do('add', ALICE, 'wrong'), null);
    await page.do('register');
    // The blank at its end belongs to it.
    await page.untilTold('registration failed 904 Operation has no matching challenge ');
    const reason = '904 Operation has no matching challenge ';
    await bench.tells(page, expected.ready, expected.registration('registering'), expected.registration('failed', { reason }));
    assert.equal(bench.registrar.seen('REGISTER', 'alice'), 2);
  });

  test('calls a telephone, both hear each other, the browser hangs up', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await talk(page, bob);
    await page.do('hangUp');
    await page.untilTold(/^call terminated/);
    await bob.untilEvent('CALL_CLOSED');
    await bench.tellsAlice(page, ...bench.answered(state('terminated', { reason: '200 OK' })));
    assert.deepEqual(await page.calls(), bench.answeredWords('terminated 200 OK'));
    assert.equal(bench.registrar.seen('BYE', 'alice'), 1);
    assert.ok(bench.terminatedAfter(page) < TERMINATED_WITHIN_MS, `the end came after ${bench.terminatedAfter(page)} ms`);
  });

  test('calls a telephone, which hangs up', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await talk(page, bob);
    await bob.tell('hangup');
    await page.untilTold(/^call terminated/);
    await bench.tellsAlice(page, ...bench.answered(state('terminated', { reason: '200 OK' })));
    assert.equal(bench.registrar.seen('BYE', 'bob'), 1);
  });

  test('needs no registration to call', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await SylkPage.open(bench.world, 'alice', bench.server, expected.library);
    assert.equal(await page.do('add', ALICE, 'secret-alice'), null);
    await talk(page, bob);
    await bench.tells(page, expected.ready, ...bench.answered());
    assert.equal(bench.registrar.seen('REGISTER', 'alice'), 0);
  });

  test('speaks with a telephone that knows PCMU only', async (bench) => {
    const bob = await bench.phone('bob', { codecs: 'PCMU/8000/1' });
    const page = await bench.alice();
    await talk(page, bob);
    const [media] = await page.media();
    assert.match(media, /^m=audio \d+ \S+ 0 126\r$/m, 'PCMU and digits, by the numbers of the browser');
  });

  test('speaks with a telephone that insists on SRTP', async (bench) => {
    const bob = await bench.phone('bob', { account: ';mediaenc=srtp-mand' });
    const page = await bench.alice();
    await talk(page, bob);
    // The telephone did not take the first, which promised plain RTP: INVITE, challenge, INVITE, 488, INVITE.
    assert.match(await bob.tell('audio_debug'), /menc: srtp.*\(secure=yes\)/);
  });

  test('sound and picture both ways', async (bench) => {
    const bob = await bench.phone('bob', { video: true });
    const page = await bench.alice();
    await page.do('call', BOB, { video: true });
    await page.untilTold('call established');
    await Promise.all([page.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ), page.untilPicture(), bob.untilPicture()]);
    await bench.tellsAlice(page, ...bench.answered());
  });

  test('offers a picture to a telephone that has none', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await page.do('call', BOB, { video: true });
    await page.untilTold('call established');
    await Promise.all([page.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
    const [media] = await page.media();
    assert.match(media, /^m=video 0 /m);
    await bench.tellsAlice(page, ...bench.answered());
  });

  test('is called, answers, both hear each other, the telephone hangs up', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await bob.tell('dial', `sip:${ALICE}`);
    await page.untilTold(/^incoming bob@example\.com/);
    // The telephone hears that it rings, though nobody has answered yet.
    await bob.untilEvent('CALL_RINGING');
    await page.do('answer');
    await page.untilTold('call established');
    await Promise.all([page.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
    await bob.tell('hangup');
    await page.untilTold(/^call terminated/);
    await bench.tellsAlice(page, expected.incoming, state('accepted'), state('established'), state('terminated', { reason: '200 OK' }));
  });

  test('is called and hangs up', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await bob.tell('dial', `sip:${ALICE}`);
    await page.untilTold(/^incoming/);
    await page.do('answer');
    await page.untilTold('call established');
    await bob.untilEvent('CALL_ESTABLISHED');
    await page.do('hangUp');
    await bob.untilEvent('CALL_CLOSED');
    await page.untilTold('call terminated 200 OK');
    await bench.tellsAlice(page, expected.incoming, state('accepted'), state('established'), state('terminated', { reason: '200 OK' }));
  });

  test('declines a call', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await bob.tell('dial', `sip:${ALICE}`);
    await page.untilTold(/^incoming/);
    await page.do('hangUp');
    const { param } = await bob.untilEvent('CALL_CLOSED');
    assert.equal(param, '486 Busy Here');
    await page.untilTold('call terminated 486 Busy Here');
    await bench.tellsAlice(page, expected.incoming, state('terminated', { reason: '486 Busy Here' }));
  });

  test('misses a call whose caller gives up', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await bob.tell('dial', `sip:${ALICE}`);
    await page.untilTold(/^incoming/);
    await bob.untilEvent('CALL_RINGING');
    await bob.tell('hangup');
    await page.untilTold('call terminated 487 Request Terminated');
    if (expected.missed.length) await page.untilTold(`missed ${BOB}`);
    await bench.tellsAlice(page, expected.incoming, state('terminated', { reason: '487 Request Terminated' }), ...expected.missed);
    assert.equal(bench.registrar.seen('CANCEL', 'bob'), 1);
  });

  test('is put on hold and taken up again, and its own connection does not notice', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await talk(page, bob);
    const before = { media: await page.media(), told: await page.told() };
    await bob.tell('hold');
    // It keeps silent meanwhile, though it has said that it would send.
    await Promise.all([bob.untilNoPackets(), page.untilSilent()]);
    await bob.tell('resume');
    await Promise.all([bob.untilPackets(), page.untilHeard(PHONE_HZ)]);
    assert.equal(bench.registrar.seen('INVITE', 'bob'), 2, 'both changes were asked for');
    assert.deepEqual({ media: await page.media(), told: await page.told() }, before);
    await bench.tellsAlice(page, ...bench.answered());
  });

  test('a busy telephone', async (bench) => {
    const bob = await bench.phone('bob', { answers: 'manual' });
    const page = await bench.alice();
    await page.do('call', BOB);
    await bob.untilEvent('CALL_INCOMING');
    await bob.tell('hangup');
    await page.untilTold(/^call terminated/);
    // The phrase is the telephone's own.
    await bench.tellsAlice(page, ...bench.outgoing(state('terminated', { reason: '486 Rejected' })));
  });

  test('nobody has that number', async (bench) => {
    const page = await bench.alice();
    await page.do('call', 'nobody@example.com');
    await page.untilTold(/^call terminated/);
    await bench.tellsAlice(page, state(expected.first), state('terminated', { reason: '404 Nobody Of That Name' }));
  });

  test('gives up while it rings', async (bench) => {
    const bob = await bench.phone('bob', { answers: 'manual' });
    const page = await bench.alice();
    await page.do('call', BOB);
    await bob.untilEvent('CALL_INCOMING');
    await bench.tellsAlice(page, ...bench.outgoing());
    await page.do('hangUp');
    await bob.untilEvent('CALL_CLOSED');
    await page.untilTold(/^call terminated/);
    assert.equal(bench.registrar.seen('CANCEL', 'alice'), 1);
    await bench.tellsAlice(page, ...bench.outgoing(state('terminated', { reason: '487 Request Terminated' })));
    assert.ok(bench.terminatedAfter(page) < TERMINATED_WITHIN_MS, `the end came after ${bench.terminatedAfter(page)} ms`);
  });

  test('a lost socket ends its call and its registration', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await talk(page, bob);
    const lost = Date.now();
    page.site.cut();
    const [gone] = await Promise.all([bench.registrar.untilGone('alice'), bench.registrar.untilSeen('BYE', 'alice'), bob.untilEvent('CALL_CLOSED')]);
    assert.ok(gone.at - lost < LOSS_WITHIN_MS, `the registration was taken back after ${gone.at - lost} ms`);
    // Nobody answers for alice any more.
    await bob.tell('dial', `sip:${ALICE}`);
    await bob.untilEvent('CALL_CLOSED', { where: ({ param }) => param === '404 Nobody Of That Name' });
  });
}
