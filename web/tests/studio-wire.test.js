import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOf, nameProblem, readAddress, writeAddress } from '../studio/address.js';
import { iceServersOf, layersUrlOf, parseLinks, retryAfterOf } from '../studio/links.js';
import { credentialsOf, renderFragment, restartedAnswer } from '../studio/sdp.js';

const crlf = (...lines) => lines.map((line) => `${line}\r\n`).join('');

const OFFER = crlf(
  'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=ice-ufrag:mine', 'a=ice-pwd:secret', 'a=sendonly',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=ice-ufrag:mine', 'a=ice-pwd:secret', 'a=sendonly'
);
const ANSWER = crlf(
  'v=0', 's=-', 'a=ice-lite',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=ice-ufrag:old', 'a=ice-pwd:oldpwd',
  'a=candidate:1 1 udp 1 192.0.2.1 5000 typ host', 'a=candidate:2 1 udp 1 192.0.2.2 5000 typ host', 'a=end-of-candidates', 'a=recvonly',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=ice-ufrag:old', 'a=ice-pwd:oldpwd', 'a=recvonly'
);

test('a fragment carries credentials, then each medium with its candidates', () => {
  const candidates = [
    { mid: '0', line: 'candidate:1 1 udp 5 10.0.0.1 4000 typ host' },
    { mid: '1', line: 'candidate:2 1 udp 5 10.0.0.1 4001 typ host' },
    { mid: '0', line: 'candidate:3 1 udp 5 10.0.0.2 4002 typ host' },
    { mid: '7', line: 'candidate:4 1 udp 5 10.0.0.2 4003 typ host' }
  ];
  assert.equal(
    renderFragment(OFFER, candidates, true),
    crlf(
      'a=ice-ufrag:mine', 'a=ice-pwd:secret',
      'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0',
      'a=candidate:1 1 udp 5 10.0.0.1 4000 typ host', 'a=candidate:3 1 udp 5 10.0.0.2 4002 typ host', 'a=end-of-candidates',
      'm=video 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:1', 'a=candidate:2 1 udp 5 10.0.0.1 4001 typ host', 'a=end-of-candidates'
    )
  );
});

test('a medium without candidates of its own is left out', () => {
  const candidates = [{ mid: '1', line: 'candidate:2 1 udp 5 10.0.0.1 4001 typ host' }];
  assert.doesNotMatch(renderFragment(OFFER, candidates, false), /m=audio/);
  assert.match(renderFragment(OFFER, candidates, false), /m=video/);
});

test('without candidates a fragment names the first medium only', () => {
  const head = ['a=ice-ufrag:mine', 'a=ice-pwd:secret', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0'];
  assert.equal(renderFragment(OFFER, [], false), crlf(...head));
  assert.equal(renderFragment(OFFER, [], true), crlf(...head, 'a=end-of-candidates'));
});

test('a restart replaces credentials and candidates of the answer, and nothing else', () => {
  const fragment = crlf('a=ice-ufrag:new', 'a=ice-pwd:$&new', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'a=candidate:9 1 udp 1 192.0.2.9 5000 typ host', 'a=end-of-candidates');
  assert.equal(
    restartedAnswer(ANSWER, fragment),
    crlf(
      'v=0', 's=-', 'a=ice-lite',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=ice-ufrag:new', 'a=ice-pwd:$&new', 'a=recvonly',
      'a=candidate:9 1 udp 1 192.0.2.9 5000 typ host', 'a=end-of-candidates',
      'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=ice-ufrag:new', 'a=ice-pwd:$&new', 'a=recvonly'
    )
  );
});

test('an answer without candidates gets them in its first medium', () => {
  const bare = ANSWER.replace(/a=(candidate|end-of-candidates).*\r\n/g, '');
  const written = restartedAnswer(bare, 'a=ice-ufrag:n\na=ice-pwd:p\na=candidate:9 1 udp 1 192.0.2.9 5000 typ host\n');
  assert.ok(written.indexOf('a=candidate:9') > written.indexOf('m=audio') && written.indexOf('a=candidate:9') < written.indexOf('m=video'));
  assert.equal(written.split('a=candidate:').length, 2);
});

test('a fragment without credentials restarts nothing', () => {
  assert.equal(restartedAnswer(ANSWER, ''), '');
  assert.equal(restartedAnswer(ANSWER, 'a=ice-ufrag:new\r\n'), '');
  assert.equal(restartedAnswer(ANSWER, 'a=ice-pwd:new\r\n'), '');
});

test('credentials may stand at the top or in a medium', () => {
  assert.deepEqual(credentialsOf(OFFER), { ufrag: 'mine', pwd: 'secret' });
  assert.deepEqual(credentialsOf('a=ice-ufrag:a\na=ice-pwd:b'), { ufrag: 'a', pwd: 'b' });
  assert.deepEqual(credentialsOf('v=0\r\n'), { ufrag: '', pwd: '' });
});

test('links are told apart, whatever stands in their targets and quotes', () => {
  const header =
    '<stun:stun.example.org>; rel="ice-server", <turn:turn.example.org?transport=udp>; rel="ice-server"; username="a,b;c"; ' +
    'credential="q\\"q"; credential-type="password",</r/1/layers,x>;rel=urn:ietf:params:whep:ext:core:layer';
  assert.deepEqual(parseLinks(header), [
    { target: 'stun:stun.example.org', params: { rel: 'ice-server' } },
    {
      target: 'turn:turn.example.org?transport=udp',
      params: { rel: 'ice-server', username: 'a,b;c', credential: 'q"q', 'credential-type': 'password' }
    },
    { target: '/r/1/layers,x', params: { rel: 'urn:ietf:params:whep:ext:core:layer' } }
  ]);
  assert.deepEqual(parseLinks(null), []);
  assert.deepEqual(parseLinks('nonsense; rel=x'), []);
});

test('ICE servers and qualities are found by relation', () => {
  const links = parseLinks(
    '<stun:s>; rel="ice-server", <turns:t>; rel="other ICE-server"; username="u"; credential="p", <https://h/>; rel="ice-server", ' +
      '<../layers>; rel="urn:ietf:params:whep:ext:core:layer"'
  );
  assert.deepEqual(iceServersOf(links), [{ urls: 'stun:s' }, { urls: 'turns:t', username: 'u', credential: 'p' }]);
  assert.equal(layersUrlOf(links, 'https://h/a/whep/demo'), 'https://h/a/layers');
  assert.equal(layersUrlOf(parseLinks('<stun:s>; rel="ice-server"'), 'https://h/'), '');
});

test('a wait is given in seconds or as a date', () => {
  assert.equal(retryAfterOf('3', 0), 3000);
  assert.equal(retryAfterOf('Thu, 01 Jan 1970 00:00:10 GMT', 4000), 6000);
  assert.equal(retryAfterOf('Thu, 01 Jan 1970 00:00:01 GMT', 4000), 0);
  for (const nothing of [null, '', 'soon']) assert.equal(retryAfterOf(nothing, 0), null);
});

test('the address carries place and mode there and back', () => {
  const place = { mode: 'watch', stream: 'Größe 1/2?&#', app: 'Live App' };
  const href = writeAddress('https://h/x/studio/?stream=old&theme=1#y', place);
  assert.deepEqual(readAddress(href), place);
  assert.match(href, /^https:\/\/h\/x\/studio\/\?.*theme=1/);
  assert.ok(!href.includes('#'));
  assert.deepEqual(readAddress('https://h/studio/?mode=nonsense&stream=%20a%20'), { mode: 'publish', stream: 'a', app: '' });
  assert.equal(writeAddress('https://h/studio/?stream=a&app=b', { mode: 'publish', stream: '', app: '' }), 'https://h/studio/?mode=publish');
});

test('endpoints lie beside the page, below the application if there is one', () => {
  const of = (place) => endpointOf('https://h/x/studio/?stream=y', { mode: 'publish', stream: 'demo', app: '', ...place });
  assert.equal(of({}), 'https://h/x/whip/demo');
  assert.equal(of({ mode: 'watch' }), 'https://h/x/whep/demo');
  assert.equal(of({ app: 'LiveApp' }), 'https://h/x/LiveApp/whip/demo');
  assert.equal(of({ stream: 'a/b c' }), 'https://h/x/whip/a%2Fb%20c');
});

test('names that the server does not take, or a browser would resolve away, are refused', () => {
  assert.equal(nameProblem({ stream: 'a..B_-9', app: '' }), '');
  assert.equal(nameProblem({ stream: 'a'.repeat(256), app: 'LiveApp' }), '');
  assert.match(nameProblem({ stream: 'a'.repeat(257), app: '' }), /name of the stream/);
  assert.match(nameProblem({ stream: 'a b', app: '' }), /name of the stream/);
  assert.match(nameProblem({ stream: 'a', app: 'ä' }), /name of the application/);
  assert.match(nameProblem({ stream: '', app: '' }), /Enter a stream name/);
  assert.match(nameProblem({ stream: '..', app: '' }), /dots/);
  assert.match(nameProblem({ stream: 'a', app: '.' }), /dots/);
});
