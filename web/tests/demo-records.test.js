import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Records } from '../demo/records.js';

const record = (kind, ...payload) => [kind, 0, payload.length >> 8, payload.length & 255, ...payload];
const FRAGMENT = [
  ...record(0xf9), ...record(0xfc, 7, 8), ...record(0xfb, 1, 2), ...record(0xfe, 5), ...record(0xfc, 9), ...record(0xfb, 3),
  ...record(0xfd, 10), ...record(0xff)
];

/** What is heard of these bytes, in messages of this size. */
function heard(bytes, size) {
  const told = [];
  const records = new Records({
    onInit: (type, boxes) => told.push([type, ...boxes]),
    onFragment: (boxes) => told.push([...boxes]),
    onNonsense: () => told.push('nonsense')
  });
  for (let at = 0; at < bytes.length; at += size) records.push(Uint8Array.from(bytes.slice(at, at + size)).buffer);
  return told;
}

test('fragments are put together however they are cut', () => {
  const bytes = [...record(0xfa, 0xf1, 0x42, 0xc0, 0x1e, 4, 4), ...FRAGMENT, ...FRAGMENT];
  const fragment = [1, 2, 3, 5, 7, 8, 9, 10];
  for (const size of [1, 2, 3, 5, 7, 1000]) {
    assert.deepEqual(heard(bytes, size), [['video/mp4; codecs="avc1.42c01e"', 4, 4], fragment, fragment], `${size}`);
  }
  assert.equal(heard(record(0xfa, 0xf3, 0x64, 0, 0x0a), 99)[0][0], 'video/mp4; codecs="avc1.64000a,mp4a.40.2"');
});

test('what begins a fragment forgets the one that did not end, and nonsense is told', () => {
  assert.deepEqual(heard([...record(0xf9), ...record(0xfc, 1), ...FRAGMENT], 3), [[1, 2, 3, 5, 7, 8, 9, 10]]);
  assert.deepEqual(heard([1, 2, 3, 4], 4), ['nonsense']);
  assert.deepEqual(heard([0xfc, 0xff, 0xff, 0xff], 4), ['nonsense']);
});
