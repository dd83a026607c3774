import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { StreamError, StreamSession, TRICKLE_MS } from '../studio/whip.js';

const sdpOf = (ufrag) => `v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:${ufrag}\r\na=ice-pwd:pwd-${ufrag}\r\n`;
const ANSWER = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:s1\r\na=ice-pwd:sp1\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\n';
const RESTARTED = 'a=ice-ufrag:s2\r\na=ice-pwd:sp2\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:2 1 udp 1 192.0.2.2 5 typ host\r\n';

class FakePc {
  generation = 1;
  localDescription = null;
  remote = [];
  order = [];
  config = { iceServers: [{ urls: 'stun:own' }] };
  closed = false;
  async createOffer() {
    this.order.push('offer');
    return { type: 'offer', sdp: sdpOf(`u${this.generation}`) };
  }
  async setLocalDescription(description) {
    this.order.push('local');
    this.localDescription = description;
  }
  async setRemoteDescription({ type, sdp }) {
    assert.equal(type, 'answer');
    this.order.push('remote');
    this.remote.push(sdp);
  }
  getConfiguration() {
    return this.config;
  }
  setConfiguration(config) {
    this.order.push('config');
    this.config = config;
  }
  restartIce() {
    this.generation += 1;
  }
  close() {
    this.closed = true;
  }
  candidate(line, usernameFragment) {
    this.onicecandidate({ candidate: line === null ? null : { candidate: line, sdpMid: '0', usernameFragment } });
  }
}

let pc, asked, answers, gone;
const settle = async () => {
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
};

/** Takes the next answer; a function decides by itself. */
async function fakeFetch(url, init) {
  const headers = { ...init.headers };
  asked.push({ method: init.method, url, headers, body: init.body, keepalive: init.keepalive });
  pc.order.push(init.method);
  const next = answers.shift();
  assert.ok(next, `no answer for ${init.method} ${url}`);
  return typeof next === 'function' ? next() : next;
}

const created = (headers = {}) =>
  new Response(ANSWER, { status: 201, headers: { Location: '/r/1', ETag: '"e1"', 'Content-Type': 'application/sdp', ...headers } });
const empty = (status, headers) => new Response(null, { status, headers });
const session = (options = {}) =>
  new StreamSession({ endpoint: 'https://h/whip/demo', pc, fetch: fakeFetch, onGone: () => (gone += 1), ...options });

async function opened(headers) {
  answers.push(created(headers));
  const one = session();
  await one.open();
  asked.length = 0;
  return one;
}

async function trickled(...lines) {
  for (const line of lines) pc.candidate(line);
  mock.timers.tick(TRICKLE_MS);
  await settle();
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(console, 'warn', () => {});
  pc = new FakePc();
  asked = [];
  answers = [];
  gone = 0;
});

test('the offer goes out before anything is gathered, the answer is taken', async () => {
  answers.push(created());
  await session({ token: 'top' }).open();
  assert.deepEqual(pc.order, ['offer', 'POST', 'local', 'remote']);
  assert.deepEqual(asked[0], {
    method: 'POST', url: 'https://h/whip/demo', body: sdpOf('u1'), keepalive: false,
    headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer top' }
  });
  assert.deepEqual(pc.remote, [ANSWER]);
});

test('ICE servers of the answer are added before gathering, the list of qualities is found', async () => {
  const one = await opened({ Link: '<stun:more>; rel="ice-server", </r/1/layers>; rel="urn:ietf:params:whep:ext:core:layer"' });
  assert.deepEqual(pc.order, ['offer', 'POST', 'config', 'local', 'remote']);
  assert.deepEqual(pc.config.iceServers, [{ urls: 'stun:own' }, { urls: 'stun:more' }]);
  assert.equal(one.layersUrl, 'https://h/r/1/layers');
});

test('a refusal tells status, the server’s words and the wait', async () => {
  const problem = JSON.stringify({ title: 'Busy', detail: 'load 98 %' });
  answers.push(new Response(problem, { status: 503, headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '7' } }));
  await assert.rejects(session().open(), (error) => {
    assert.ok(error instanceof StreamError);
    assert.deepEqual([error.status, error.detail, error.retryAfter], [503, 'load 98 %', 7000]);
    return true;
  });
  assert.equal(pc.localDescription, null, 'nothing is gathered for a refused offer');
  answers.push(new Response('<html>', { status: 502, headers: { 'Content-Type': 'text/html' } }));
  await assert.rejects(session().open(), { status: 502, detail: '', retryAfter: null });
  answers.push(() => Promise.reject(new TypeError('Failed to fetch')));
  await assert.rejects(session().open(), { name: 'StreamError', status: 0 });
});

test('candidates of a burst share a request, with the entity tag; the end is told once', async () => {
  await opened();
  pc.candidate('candidate:1 a');
  mock.timers.tick(TRICKLE_MS - 1);
  pc.candidate('candidate:2 b');
  await settle();
  assert.equal(asked.length, 0);
  answers.push(empty(204), empty(204));
  mock.timers.tick(1);
  await settle();
  assert.equal(asked.length, 1);
  assert.deepEqual([asked[0].method, asked[0].url], ['PATCH', 'https://h/r/1']);
  assert.deepEqual(asked[0].headers, { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '"e1"' });
  assert.match(asked[0].body, /^a=ice-ufrag:u1\r\n[^]*a=candidate:1 a\r\na=candidate:2 b\r\n$/);
  await trickled(null);
  assert.match(asked[1].body, /a=mid:0\r\na=end-of-candidates\r\n$/);
  mock.timers.tick(10 * TRICKLE_MS);
  await settle();
  assert.equal(asked.length, 2);
});

test('a server that takes no candidates is asked no more; one that lost the session is told of', async () => {
  await opened();
  answers.push(empty(405));
  await trickled('candidate:1 a');
  await trickled('candidate:2 b');
  assert.equal(asked.length, 1);
  assert.equal(gone, 0);
  pc = new FakePc();
  await opened();
  answers.push(empty(404));
  await trickled('candidate:1 a');
  assert.equal(gone, 1);
});

test('a restart sends new credentials and takes the server’s; candidates go on under the new tag', async () => {
  const one = await opened();
  pc.candidate('candidate:old a', 'u1');
  answers.push(new Response(RESTARTED, { status: 200, headers: { ETag: '"e2"' } }));
  assert.equal(await one.restart(), true);
  assert.deepEqual([asked[0].method, asked[0].headers['If-Match']], ['PATCH', '*']);
  assert.match(asked[0].body, /^a=ice-ufrag:u2\r\na=ice-pwd:pwd-u2\r\n/);
  assert.match(pc.remote[1], /a=ice-ufrag:s2\r\na=ice-pwd:sp2\r\na=candidate:2 /);
  assert.doesNotMatch(pc.remote[1], /s1|sp1|candidate:1 /);
  answers.push(empty(204));
  pc.candidate('candidate:late b', 'u1');
  pc.candidate('candidate:new c', 'u2');
  mock.timers.tick(TRICKLE_MS);
  await settle();
  assert.equal(asked.length, 2);
  assert.equal(asked[1].headers['If-Match'], '"e2"');
  assert.match(asked[1].body, /candidate:new c/);
  assert.doesNotMatch(asked[1].body, /candidate:(old|late)/);
});

test('while a restart is on its way, candidates wait for its tag', async () => {
  const one = await opened();
  let answer;
  answers.push(() => new Promise((resolve) => (answer = resolve)));
  const restart = one.restart();
  await settle();
  pc.candidate('candidate:new c', 'u2');
  mock.timers.tick(TRICKLE_MS);
  await settle();
  assert.equal(asked.length, 1);
  answers.push(empty(204));
  answer(new Response(RESTARTED, { status: 200, headers: { ETag: '"e2"' } }));
  assert.equal(await restart, true);
  mock.timers.tick(TRICKLE_MS);
  await settle();
  assert.equal(asked[1].headers['If-Match'], '"e2"');
});

test('any other answer to a restart means: start anew', async () => {
  for (const answer of [empty(404), empty(412), empty(204), new Response('', { status: 200 }), () => Promise.reject(new TypeError())]) {
    pc = new FakePc();
    const one = await opened();
    answers.push(answer);
    assert.equal(await one.restart(), false);
    assert.equal(pc.remote.length, 1);
  }
});

test('closing deletes once, closing again only what the server has not heard of', async () => {
  const one = await opened();
  answers.push(() => Promise.reject(new TypeError()), empty(200));
  assert.equal(await one.close({ keepalive: true }), false);
  assert.deepEqual([asked[0].method, asked[0].url, asked[0].keepalive], ['DELETE', 'https://h/r/1', true]);
  assert.equal(pc.closed, true);
  assert.equal(await one.close(), true);
  assert.equal(await one.close(), true);
  assert.equal(asked.length, 2);
});

test('a session that is closed before its answer came is deleted as soon as it has a name', async () => {
  let answer;
  answers.push(() => new Promise((resolve) => (answer = resolve)));
  const one = session();
  const opening = one.open();
  await settle();
  const closing = one.close();
  answers.push(empty(200));
  answer(created({ Location: 'https://h/other/9' }));
  await opening;
  assert.equal(await closing, true);
  assert.deepEqual(asked.map(({ method, url }) => `${method} ${url}`), ['POST https://h/whip/demo', 'DELETE https://h/other/9']);
  assert.equal(pc.localDescription, null);
});

test('one that was never opened, or refused, has nothing to delete', async () => {
  assert.equal(await session().close(), true);
  answers.push(empty(409));
  const one = session();
  await assert.rejects(one.open(), { status: 409 });
  assert.equal(await one.close(), true);
  assert.equal(asked.length, 1);
});

test('qualities are read and chosen; none is automatic', async () => {
  const one = await opened({ Link: '<https://h/r/1/layers>; rel="urn:ietf:params:whep:ext:core:layer"' });
  answers.push(Response.json({ media: {} }), empty(200), empty(200), empty(400));
  assert.deepEqual(await one.layers(), { media: {} });
  await one.choose('1', '720');
  await one.choose('1', '');
  assert.deepEqual(asked.map(({ method, body }) => [method, body]), [
    ['GET', undefined],
    ['POST', '{"mediaId":"1","encodingId":"720"}'],
    ['POST', '{}']
  ]);
  await assert.rejects(one.choose('1', '9'), { status: 400 });
});
