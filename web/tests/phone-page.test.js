import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callText, durationText, historyText, lineText, overText, silentText, stateOf, timerText, whoText } from '../phone/texts.js';

const SITUATION = { link: 'online', registration: 'registered', signedIn: true, incoming: null, current: null };
const state = (change) => stateOf({ ...SITUATION, ...change }).state;
const call = (phase, more = {}) => ({ phase, held: false, heldByThem: false, ...more });

test('the state of line and account', () => {
  assert.equal(state({}), 'registered');
  assert.equal(state({ registration: 'registering' }), 'registering');
  assert.equal(state({ registration: 'failed' }), 'failed');
  assert.equal(state({ registration: 'none' }), 'connecting');
  assert.equal(state({ link: 'connecting', registration: 'none' }), 'connecting');
  assert.equal(state({ link: 'connecting', registration: 'failed' }), 'connecting');
  assert.equal(state({ link: 'waiting', registration: 'none' }), 'offline');
  assert.equal(stateOf({ ...SITUATION, link: 'offline', signedIn: false }).text, 'Signed out');
  assert.equal(stateOf({ ...SITUATION, link: 'waiting' }).text, 'Offline');
});

test('the state of the call; who rings comes first', () => {
  assert.equal(state({ current: call('preparing') }), 'calling');
  assert.equal(state({ current: call('calling') }), 'calling');
  assert.equal(state({ current: call('ringing') }), 'ringing');
  assert.equal(state({ current: call('early') }), 'ringing');
  assert.equal(state({ current: call('answering') }), 'in-call');
  assert.equal(state({ current: call('active') }), 'in-call');
  assert.equal(state({ current: call('active', { held: true }) }), 'held');
  assert.equal(state({ current: call('active', { heldByThem: true }) }), 'held');
  assert.equal(state({ current: call('active'), incoming: {} }), 'incoming');
  // A call goes on being one while the account has trouble.
  assert.equal(state({ current: call('active'), registration: 'failed' }), 'in-call');
});

test('what stands on a call', () => {
  const of = (phase, more, connection = 'connected') => callText({ ...call(phase, more), code: more?.code ?? 0 }, connection);
  const said = ['preparing', 'calling', 'ringing', 'early', 'incoming', 'answering', 'ended'].map((phase) => of(phase));
  assert.equal(new Set(said).size, said.length);
  assert.ok(said.every(Boolean));
  assert.match(said[0], /microphone/);
  assert.match(said[3], /heard/);
  assert.match(of('calling', { code: 182 }), /queue/);
  assert.match(of('calling', { code: 181 }), /forwarded/);
  assert.equal(of('active'), '');
  assert.equal(of('active', {}, 'new'), 'Connecting…');
  assert.equal(of('active', {}, 'connecting'), 'Connecting…');
  assert.match(of('active', {}, 'disconnected'), /interrupted/);
  assert.equal(of('active', { held: true }), 'On hold');
  assert.match(of('active', { heldByThem: true }), /other side/);
  assert.match(of('active', { held: true, heldByThem: true }), /both/);
});

test('time is counted from the answer', () => {
  assert.equal(timerText({ phase: 'active', startedAt: 1_000 }, 66_000), '1:05');
  assert.equal(timerText({ phase: 'ringing', startedAt: 0 }, 66_000), '');
  assert.deepEqual([0, 59.9, 60, 3_599, 3_600, 36_061].map(durationText), ['0:00', '0:59', '1:00', '59:59', '1:00:00', '10:01:01']);
});

test('people have the name they gave, or their address', () => {
  assert.equal(whoText({ uri: 'bob@example.com', name: ' Bob ' }, 'example.com'), 'Bob');
  assert.equal(whoText({ uri: 'bob@example.com', name: '' }, 'example.com'), 'bob');
  assert.equal(whoText({ uri: '', name: '' }, 'example.com'), 'Somebody');
});

const over = (more) => overText({ endedBy: 'them', reason: '200 OK', startedAt: 1, endedAt: 61_001, outgoing: true, ...more }, 'bob');

test('why a call is over: what is normal is said in passing, what is not stays', () => {
  assert.deepEqual(over({}), { text: 'bob hung up. The call took 1:01.', bad: false });
  assert.deepEqual(over({ endedBy: 'us' }), { text: 'Call with bob ended. The call took 1:01.', bad: false });
  assert.deepEqual(over({ endedBy: 'us', startedAt: 0 }), { text: '', bad: false });
  assert.equal(over({ startedAt: 0, reason: '486 Busy Here' }).bad, true);
  assert.match(over({ startedAt: 0, reason: '486 Busy Here' }).text, /busy/);
  assert.deepEqual(over({ startedAt: 0, outgoing: false, reason: '487 Request Terminated' }), { text: '', bad: false });
  assert.match(over({ startedAt: 0, outgoing: false }).text, /elsewhere/);
  assert.match(over({ endedBy: 'refused', reason: 'DNS lookup error: x' }).text, /domain of bob/);
  assert.match(over({ endedBy: 'network', reason: 'ICE failed', startedAt: 0 }).text, /firewall/);
  assert.match(over({ endedBy: 'browser', reason: 'OperationError' }).text, /OperationError/);
  assert.match(over({ endedBy: 'lost' }).text, /line to the server/);
  for (const endedBy of ['refused', 'network', 'browser', 'lost']) assert.equal(over({ endedBy }).bad, true, endedBy);
  assert.match(silentText('bob'), /hold/);
});

const LINE = { link: 'online', delay: 4_000, wasOnline: true, closeReason: '', registration: 'registered', reason: '', domain: 'example.com' };

test('what is wrong with line and account', () => {
  assert.equal(lineText(LINE), '');
  assert.match(lineText({ ...LINE, link: 'waiting' }), /again in 4 s.*check your network\.$/);
  assert.match(lineText({ ...LINE, link: 'waiting', wasOnline: false }), /offers telephony/);
  assert.match(lineText({ ...LINE, link: 'waiting', closeReason: 'no media' }), /“no media”/);
  assert.match(lineText({ ...LINE, registration: 'failed', reason: '403 Forbidden' }), /\(403\)$/);
});

test('calls of the past: what became of them, how long, when', () => {
  const now = new Date(2026, 4, 5, 12, 0);
  const entry = { outcome: 'answered', outgoing: true, seconds: 65, at: new Date(2026, 4, 5, 9, 30).getTime(), video: true };
  assert.match(historyText(entry, now, 'en-GB'), /^Outgoing · video · 1:05 · 09:30$/);
  assert.match(historyText({ ...entry, outgoing: false, video: false }, now, 'en-GB'), /^Incoming · 1:05/);
  assert.match(historyText({ ...entry, outcome: 'missed', video: false, at: new Date(2026, 4, 4, 9, 30).getTime() }, now, 'en-GB'), /^Missed · 4 May 2026, 09:30$/);
  const said = ['missed', 'declined', 'unanswered', 'failed', 'elsewhere'].map((outcome) => historyText({ ...entry, outcome }, now, 'en-GB'));
  assert.deepEqual(said.map((text) => text.split(' · ')[0]), ['Missed', 'Declined', 'Not answered', 'Failed', 'Answered elsewhere']);
});
