// A page with sylkrtc.js, telephones, and what the server has to tell of them in the words of each library.

import assert from 'node:assert/strict';
import { telephony } from './phones.mjs';
import { JULY_2015, SylkPage, TODAY } from './sylk.mjs';
import { BROWSER_HZ, PHONE_HZ } from './tones.mjs';
import { until } from './until.mjs';

export const ALICE = 'alice@example.com';
export const BOB = 'bob@example.com';

export const today = {
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

export const july2015 = {
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

export class Bench {
  constructor(world, expected, parts) {
    this.world = world;
    this.expected = expected;
    Object.assign(this, parts);
  }

  static async open(world, expected) {
    return new Bench(world, expected, await telephony(world));
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
export async function talk(page, bob) {
  await page.do('call', BOB);
  await page.untilTold('call established');
  await Promise.all([page.untilHeard(PHONE_HZ), bob.untilHeard(BROWSER_HZ)]);
}
