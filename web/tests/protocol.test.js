import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMessage, isValidId, isValidRoom, parseMessage } from '../app.protocol.js';

test('a server message is read with its known fields only', () => {
  const text = '{"type":"offer","room":"r","from":"a","to":"b","sdp":{"type":"offer","sdp":"v=0"},"extra":1}\n';
  assert.deepEqual(parseMessage(text), { type: 'offer', room: 'r', from: 'a', to: 'b', sdp: { type: 'offer', sdp: 'v=0' } });
});

test('what is no message is null', () => {
  for (const data of ['', 'x', 'null', '5', '[1]', '{}', '{"type":5}', new ArrayBuffer(2), undefined]) {
    assert.equal(parseMessage(data), null, String(data));
  }
});

test('fields of the wrong type are dropped', () => {
  const text = '{"type":"room_members","room":1,"from":null,"members":["a",2,"",null,"b"],"sdp":"text","candidate":null}';
  assert.deepEqual(parseMessage(text), { type: 'room_members', members: ['a', 'b'] });
});

test('an unknown type passes: whoever reads it decides', () => {
  assert.deepEqual(parseMessage('{"type":"later"}'), { type: 'later' });
});

test('messages leave with type, room and from first', () => {
  assert.equal(formatMessage('r', 'me', { type: 'hangup', to: 'b' }), '{"type":"hangup","room":"r","from":"me","to":"b"}');
  assert.equal(formatMessage('r', 'me', { type: 'join' }), '{"type":"join","room":"r","from":"me"}');
});

test('ids: 1 to 64 of letters, digits, - and _', () => {
  for (const id of ['a', '_sip-100', 'x'.repeat(64)]) assert.ok(isValidId(id), id);
  for (const id of ['', 'a b', 'a.b', 'ü', 'x'.repeat(65), 'a\n']) assert.ok(!isValidId(id), id);
});

test('rooms are counted in bytes and hold no control characters', () => {
  for (const room of ['demo', '房间 one.1 / 😀', 'r'.repeat(64), '房'.repeat(21)]) assert.ok(isValidRoom(room), room);
  for (const room of ['', 'r'.repeat(65), '房'.repeat(22), 'a\tb', 'a\u0000b', 'a\u007fb']) assert.ok(!isValidRoom(room), room);
});
