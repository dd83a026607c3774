import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vanishedPeers } from '../app.roster.js';
import { createStore, withPeers } from '../app.state.js';
import { callText, largeRoomHint, localNote, statusText } from '../app.status.js';

test('the state has the documented fields and starts idle', () => {
  const { state } = createStore('abc');
  assert.deepEqual(Object.keys(state), [
    'myId', 'ws', 'roomId', 'roomState', 'localStream', 'screenStream', 'usingScreen', 'muted', 'cameraOff', 'peers', 'recorder', 'recordedChunks'
  ]);
  assert.equal(state.myId, 'abc');
  assert.equal(state.roomState, 'idle');
});

test('setRoomState stores, tells the listeners, and refuses what is no state', () => {
  const store = createStore('a');
  const seen = [];
  const off = store.subscribe(() => seen.push(store.state.roomState));
  store.setRoomState('connecting');
  store.setRoomState('joined');
  off();
  store.setRoomState('idle');
  assert.deepEqual(seen, ['connecting', 'joined']);
  assert.throws(() => store.setRoomState('nonsense'), TypeError);
  assert.equal(store.state.roomState, 'idle');
});

test('calling is the state of a room with calls, and only of a room', () => {
  assert.equal(withPeers('joined', 1), 'calling');
  assert.equal(withPeers('calling', 2), 'calling');
  assert.equal(withPeers('calling', 0), 'joined');
  for (const state of ['idle', 'connecting', 'reconnecting']) assert.equal(withPeers(state, 1), state);
});

test('each state has a text that names it', () => {
  assert.match(statusText('idle', 0), /idle/i);
  assert.match(statusText('connecting', 0), /connecting/i);
  assert.match(statusText('joined', 0), /joined/i);
  assert.match(statusText('reconnecting', 1), /reconnecting/i);
  assert.match(statusText('calling', 0), /calling/i);
  assert.match(statusText('calling', 3), /calling.*3/i);
  assert.equal(callText('connected'), 'In call');
  assert.equal(callText(undefined), '');
});

test('the hint on large rooms starts above ten', () => {
  assert.equal(largeRoomHint(10), '');
  assert.match(largeRoomHint(11), /^11 people/);
});

test('the note in place of the own picture follows what is missing', () => {
  const view = { mediaPending: false, mediaIssue: '', members: ['me'] };
  assert.match(localNote({ localStream: null, roomState: 'idle' }, view), /not on yet/);
  assert.match(localNote({ localStream: null, roomState: 'joined' }, view), /first one/);
  assert.match(localNote({ localStream: null, roomState: 'joined' }, { ...view, members: ['a', 'b'] }), /Call/);
  assert.match(localNote({ localStream: null, roomState: 'joined' }, { ...view, mediaPending: true }), /Allow/);
});

test('a vanished member ends the call, unless its media still flows', () => {
  const peer = (id, connectionState) => ({ id, pc: { connectionState } });
  const peers = [peer('here', 'connected'), peer('gone', 'connecting'), peer('lost', 'disconnected'), peer('flows', 'connected')];
  assert.deepEqual(vanishedPeers(peers, ['me', 'here']), { close: ['gone', 'lost'], watch: ['flows'] });
});
