// What both libraries have to go through with a telephone; they differ in what they are told of it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { telephony } from './phones.mjs';
import { JULY_2015, SylkPage, TODAY, missing } from './sylk.mjs';
import { e2e } from './test.mjs';
import { BROWSER_HZ, PHONE_HZ } from './tones.mjs';
import { until } from './until.mjs';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
/** A socket that is lost has to be noticed that soon. */
const LOSS_WITHIN_MS = 1_000;
/** Today's library ends a call by itself after that long. */
const TERMINATED_WITHIN_MS = 300;
/** Requests that come when they like. */
const UNTIMED = ['ping', 'session-trickle', 'trickle', 'account-fetch-addressbook'];

const today = {
  library: TODAY,
  ready: { sylkrtc: 'ready-event' },
  registration: (state, more = {}) => ({ sylkrtc: 'account-event', account: ALICE, event: 'registration-state', state, ...more }),
  state: (state, more = {}) => ({ sylkrtc: 'session-event', session: 'SESSION', event: 'state', state, ...more }),
  incoming: { sylkrtc: 'account-event', account: ALICE, event: 'incoming-session', session: 'SESSION', originator: { uri: BOB, display_name: null }, sdp: 'SDP', call_id: 'CALL-ID' },
  missed: [{ sylkrtc: 'account-event', account: ALICE, event: 'missed-session', originator: { uri: BOB, display_name: null } }],
  first: 'progress',
  ringing: [['ringing'], ['proceeding', { code: 180 }]],
  accepted: { sdp: 'SDP', call_id: 'CALL-ID' },
  requests: { add: 'account-add', remove: 'account-remove', register: 'account-register', unregister: 'account-unregister', terminate: 'session-terminate' },
};

const july2015 = {
  library: JULY_2015,
  ready: { sylkrtc: 'event', event: 'ready' },
  registration: (state, more = {}) => ({ sylkrtc: 'account_event', account: ALICE, event: 'registration_state', data: { state, ...more } }),
  state: (state, more = {}) => ({ sylkrtc: 'session_event', session: 'SESSION', event: 'state', data: { state, ...more } }),
  incoming: { sylkrtc: 'account_event', account: ALICE, event: 'incoming_call', session: 'SESSION', data: { caller: BOB, sdp: 'SDP' } },
  missed: [],
  first: 'calling',
  ringing: [],
  accepted: { sdp: 'SDP' },
  requests: { add: 'add_account', remove: 'remove_account', register: 'register', unregister: 'unregister', terminate: 'terminate' },
};

const isAddressBook = ({ event }) => event === 'addressbook-fetched';

class Bench {
  constructor(world, expected, parts) {
    this.world = world;
    this.expected = expected;
    Object.assign(this, parts);
  }

  static async open(world, expected, options) {
    return new Bench(world, expected, await telephony(world, options));
  }

  /** The library's page, with alice signed in. */
  async alice(more) {
    const page = await SylkPage.open(this.world, 'alice', this.server, this.expected.library);
    await page.signIn('alice', more);
    return page;
  }

  /** All that the server tells is this, with all keys, in this order; the address book comes when it likes. */
  async tells(page, ...events) {
    const all = () => page.wire.events().filter((event) => !isAddressBook(event));
    // What the page has heard already takes a moment to get here.
    await until(`the server tells ${events.length} events`, () => all().length >= events.length, { within: 2_000 }).catch(() => {});
    assert.deepEqual(all(), events);
  }

  /** As `tells`, of what follows the registration. */
  async tellsAlice(page, ...events) {
    const { ready, registration } = this.expected;
    await this.tells(page, ready, registration('registering'), registration('registered'), ...events);
  }

  /** The states of an outgoing call until it rings, or until it is answered. */
  outgoing(...more) {
    const { first, ringing, state } = this.expected;
    return [state(first), ...ringing.map((one) => state(...one)), ...more];
  }

  answered(...more) {
    const { accepted, state } = this.expected;
    return this.outgoing(state('accepted', accepted), state('established'), ...more);
  }

  words(...states) {
    return states.map((state) => `call ${state}`);
  }

  /** What the library tells of an outgoing call that is answered. */
  answeredWords(...more) {
    const { first, ringing } = this.expected;
    return this.words(first, ...ringing.map(([name, { code } = {}]) => (code ? `${name} ${code}` : name)), 'accepted', 'established', ...more);
  }

  /** The time from the request to the end that the server tells. */
  terminatedAfter(page) {
    const { requests } = this.expected;
    const asked = page.wire.messages.find(({ from, message }) => from === 'page' && message.sylkrtc === requests.terminate);
    const told = page.wire.messages.find(({ from, message }) => from === 'server' && (message.state ?? message.data?.state) === 'terminated');
    return told.at - asked.at;
  }
}

/** Alice and bob talk, and hear each other. */
async function talk(bench, page, bob) {
  await page.do('call', BOB);
  await page.untilTold('call established');
  await Promise.all([page.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
}

function cases(expected, title) {
  const skip = missing(expected.library);
  const { requests, state } = expected;
  const test = (name, body, options) => e2e(`${title}: ${name}`, async (world) => body(await Bench.open(world, expected, options)), { skip });

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
    await talk(bench, page, bob);
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
    await talk(bench, page, bob);
    await bob.tell('hangup');
    await page.untilTold(/^call terminated/);
    await bench.tellsAlice(page, ...bench.answered(state('terminated', { reason: '200 OK' })));
    assert.equal(bench.registrar.seen('BYE', 'bob'), 1);
  });

  test('needs no registration to call', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await SylkPage.open(bench.world, 'alice', bench.server, expected.library);
    assert.equal(await page.do('add', ALICE, 'secret-alice'), null);
    await talk(bench, page, bob);
    await bench.tells(page, expected.ready, ...bench.answered());
    assert.equal(bench.registrar.seen('REGISTER', 'alice'), 0);
  });

  test('speaks with a telephone that knows PCMU only', async (bench) => {
    const bob = await bench.phone('bob', { codecs: 'PCMU/8000/1' });
    const page = await bench.alice();
    await talk(bench, page, bob);
    const [media] = await page.media();
    assert.match(media, /^m=audio \d+ \S+ 0 126\r$/m, 'PCMU and digits, by the numbers of the browser');
  });

  test('speaks with a telephone that insists on SRTP', async (bench) => {
    const bob = await bench.phone('bob', { account: ';mediaenc=srtp-mand' });
    const page = await bench.alice();
    await talk(bench, page, bob);
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
    await talk(bench, page, bob);
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
    await talk(bench, page, bob);
    const lost = Date.now();
    page.site.cut();
    const [gone] = await Promise.all([bench.registrar.untilGone('alice'), bench.registrar.untilSeen('BYE', 'alice'), bob.untilEvent('CALL_CLOSED')]);
    assert.ok(gone.at - lost < LOSS_WITHIN_MS, `the registration was taken back after ${gone.at - lost} ms`);
    // Nobody answers for alice any more.
    await bob.tell('dial', `sip:${ALICE}`);
    await bob.untilEvent('CALL_CLOSED', { where: ({ param }) => param === '404 Nobody Of That Name' });
  });

  return test;
}

export function todaysCases() {
  const test = cases(today, 'sylkrtc.js');
  const { state } = today;

  test('digits by INFO', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice();
    await talk(bench, page, bob);
    for (const digit of '5*#') await page.do('digit', digit);
    await until('bob has them', () => bob.digits() === '5*#');
    assert.equal(bench.registrar.seen('INFO', 'alice'), 3);
    const acks = page.wire.told().filter((line) => line === 'S> ack session-dtmf-info');
    assert.equal(acks.length, 3);
  });

  for (const codecs of ['opus/48000/2', 'PCMU/8000/1']) {
    test(`digits by RFC 4733 beside ${codecs}`, async (bench) => {
      const bob = await bench.phone('bob', { codecs });
      const page = await bench.alice();
      await talk(bench, page, bob);
      await page.do('tones', '42#');
      await until('bob has them', () => bob.digits() === '42#');
      assert.equal(bench.registrar.seen('INFO', 'alice'), 0);
    });
  }

  test('an incoming call has the id that its Call-ID gives, and the name of who calls', async (bench) => {
    const bob = await bench.phone('bob', { shown: 'Bob of the Tests' });
    const page = await bench.alice();
    await bob.tell('dial', `sip:${ALICE}`);
    await page.untilTold(/^incoming/);
    await bench.tellsAlice(page, { ...today.incoming, originator: { uri: BOB, display_name: 'Bob of the Tests' } });
    const { message } = page.wire.messages.find(({ message: { event } }) => event === 'incoming-session');
    const digest = createHash('md5').update(message.call_id).digest('hex');
    assert.equal(message.session, digest.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
    assert.match(message.sdp, /^a=sendrecv\r$/m);
    assert.ok((await page.calls()).includes(`incoming ${BOB} Bob of the Tests {"audio":true,"video":false}`));
  });

  test('headers of both sides', async (bench) => {
    const bob = await bench.phone('bob');
    const page = await bench.alice({ incomingHeaderPrefixes: ['x-'] });
    await page.do('call', BOB, { headers: [{ name: 'X-Ticket', value: '4711' }] });
    await page.untilTold('call established');
    await bench.registrar.untilLine(/saw INVITE alice bob 4711$/);
    await page.do('hangUp');
    await bob.untilEvent('CALL_CLOSED');
    await bob.tell('dial', `sip:${ALICE}`);
    await page.untilTold(/^incoming/);
    // The proxy has put it in.
    await page.untilTold('header X-Proxy: example');
  });

  test('rings in two places, and only one answers', async (bench) => {
    const bob = await bench.phone('bob');
    const pages = [await bench.alice(), await bench.alice()];
    await bob.tell('dial', `sip:${ALICE}`);
    for (const page of pages) await page.untilTold(/^incoming/);
    await pages[1].do('answer');
    await pages[1].untilTold('call established');
    await Promise.all([pages[1].untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
    await pages[0].untilTold(/^call terminated/);
    // It was not missed: somebody has answered.
    await bench.tellsAlice(pages[0], today.incoming, state('terminated', { reason: '200 Call completed elsewhere' }));
    await bench.tellsAlice(pages[1], today.incoming, state('accepted'), state('established'));
  });

  test('a third caller at once finds it busy, and is told of as missed', async (bench) => {
    const phones = await Promise.all(['bob', 'carol', 'dave'].map((name) => bench.phone(name)));
    const page = await bench.alice();
    for (const phone of phones) {
      await phone.tell('dial', `sip:${ALICE}`);
      await (phone === phones[2] ? phone.untilEvent('CALL_CLOSED') : phone.untilEvent('CALL_RINGING'));
    }
    await page.untilTold('missed dave@example.com');
    const originator = (name) => ({ originator: { uri: `${name}@example.com`, display_name: null } });
    await bench.tellsAlice(page, today.incoming, { ...today.incoming, ...originator('carol') }, { ...today.missed[0], ...originator('dave') });
    assert.match(phones[2].events.find(({ type }) => type === 'CALL_CLOSED').param, /^486 /);
  });
}

export function casesOf2015() {
  cases(july2015, 'sylkrtc.js of July 2015');
}
