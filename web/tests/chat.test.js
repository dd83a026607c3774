import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CHAT_LENGTH, adoptChannel, dropChannels, hasUsableChannel } from '../app.channels.js';
import { chatLine, createChat } from '../app.chat.js';
import { NO_CHAT_CHANNEL } from '../app.errors.js';
import { createStore } from '../app.state.js';

const channel = (readyState = 'connecting') => ({ readyState, sent: [], send(text) { this.sent.push(text); }, close() { this.readyState = 'closed'; } });
const newPeer = (id) => ({ id, channels: new Set(), chatOpen: false, dc: undefined });

function openChat(peer, events = { opened() {}, closed() {}, text() {} }) {
  const item = channel();
  adoptChannel(peer, item, events);
  item.readyState = 'open';
  item.onopen();
  return item;
}

test('lines of the log', () => {
  assert.equal(chatLine({ text: 'hi', to: '' }), 'me: hi');
  assert.equal(chatLine({ text: 'hi', to: 'bob' }), 'me → bob: hi');
  assert.equal(chatLine({ from: 'bob', text: 'hi' }), 'bob: hi');
  assert.equal(chatLine({ opened: 'bob' }), '[system] chat channel opened: bob');
  assert.equal(chatLine({ closed: 'bob' }), '[system] chat channel closed: bob');
});

test('a text goes to every open channel, once per peer, trimmed and cut', () => {
  const store = createStore('me');
  const log = [];
  const chat = createChat({ store, append: (entry) => log.push(chatLine(entry)) });
  const bob = newPeer('bob');
  const carol = newPeer('carol');
  const [first, second, third] = [openChat(bob), openChat(bob), openChat(carol)];
  store.state.peers.set('bob', bob).set('carol', carol);

  assert.ok(chat.send('  hello '));
  assert.deepEqual([...first.sent, ...second.sent, ...third.sent], ['hello', 'hello']);
  assert.ok(chat.send('only you', 'carol'));
  assert.deepEqual(third.sent, ['hello', 'only you']);
  assert.deepEqual(log, ['me: hello', 'me → carol: only you']);
  chat.send('x'.repeat(MAX_CHAT_LENGTH + 5));
  assert.equal(third.sent.at(-1).length, MAX_CHAT_LENGTH);
});

test('without an open channel nothing is written and the reason is shown', () => {
  const store = createStore('me');
  const chat = createChat({ store, append: () => assert.fail() });
  assert.equal(chat.send('hello'), false);
  assert.equal(store.view.error, NO_CHAT_CHANNEL);
  assert.equal(chat.send('   '), false);
});

test('two channels of one peer are one chat', () => {
  const peer = newPeer('bob');
  const log = [];
  const events = { opened: () => log.push('opened'), closed: () => log.push('closed'), text: (text) => log.push(text) };
  const first = openChat(peer, events);
  const second = openChat(peer, events);
  first.onmessage({ data: 'via first' });
  first.close();
  first.onclose();
  assert.equal(peer.dc, second);
  second.onmessage({ data: new ArrayBuffer(8) });
  second.onmessage({ data: 'y'.repeat(10_000) });
  second.close();
  second.onclose();
  assert.deepEqual(log.map((item) => item.slice(0, 9)), ['opened', 'via first', 'yyyyyyyyy', 'closed']);
  assert.equal(log[2].length, MAX_CHAT_LENGTH);
});

test('dropping the channels silences them', () => {
  const peer = newPeer('bob');
  const item = openChat(peer);
  assert.ok(hasUsableChannel(peer));
  dropChannels(peer);
  assert.equal(item.readyState, 'closed');
  assert.equal(item.onclose, null);
  assert.ok(!hasUsableChannel(peer));
});
