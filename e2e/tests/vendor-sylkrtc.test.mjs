// Today's sylkrtc.js, unchanged, with telephones (baresip) behind a registrar (Kamailio).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ALICE, BOB, talk, today } from '../lib/sylkbench.mjs';
import { benchTests, commonCases } from '../lib/sylkcases.mjs';
import { BROWSER_HZ, PHONE_HZ } from '../lib/tones.mjs';
import { until } from '../lib/until.mjs';

const test = benchTests(today, 'sylkrtc.js');
const { state } = today;

commonCases(today, test);

test('digits by INFO', async (bench) => {
  const bob = await bench.phone('bob');
  const page = await bench.alice();
  await talk(page, bob);
  for (const digit of '5*#') await page.do('digit', digit);
  await until('bob has them', () => bob.digits() === '5*#');
  assert.equal(bench.registrar.seen('INFO', 'alice'), 3);
  await until('each is acknowledged', () => page.wire.told().filter((line) => line === 'S> ack session-dtmf-info').length === 3);
});

for (const codecs of ['opus/48000/2', 'PCMU/8000/1']) {
  test(`digits by RFC 4733 beside ${codecs}`, async (bench) => {
    const bob = await bench.phone('bob', { codecs });
    const page = await bench.alice();
    await talk(page, bob);
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
