// What the server answers outside of the WebSocket: pages, headers, refusals.

import assert from 'node:assert/strict';
import http from 'node:http';
import { e2e } from '../lib/test.mjs';

const SECURITY = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-xss-protection': '1; mode=block',
  'referrer-policy': 'strict-origin-when-cross-origin',
};

/** fetch() forbids the headers that matter here. */
function ask(server, path, { method = 'GET', headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false });
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part) => { body += part; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, body: '' });
    });
    request.on('error', reject);
    request.end();
  });
}

const UPGRADE = {
  Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

e2e('the page, its files and their headers', async (world) => {
  const server = await world.server();
  const page = await ask(server, '/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.match(page.body, /^<!doctype html>/i);
  for (const [name, value] of Object.entries(SECURITY)) assert.equal(page.headers[name], value, name);
  const policy = page.headers['content-security-policy'];
  assert.match(policy, /default-src/);
  assert.doesNotMatch(policy, /unsafe-eval|script-src[^;]*unsafe-inline/);

  for (const [path, type] of [['/app.js', /javascript/], ['/styles.css', /^text\/css/]]) {
    const file = await ask(server, path);
    assert.equal(file.status, 200, path);
    assert.match(file.headers['content-type'], type, path);
    assert.equal(file.headers['x-content-type-options'], 'nosniff', path);
  }
  assert.equal((await ask(server, '/nope')).status, 404);
  assert.equal((await ask(server, '/../Cargo.toml')).status, 404);
});

e2e('health', async (world) => {
  const server = await world.server();
  const health = await ask(server, '/healthz');
  assert.deepEqual([health.status, health.body], [200, 'ok\n']);
});

e2e('/config.js carries the ICE servers, and no markup', async (world) => {
  const ice = { iceServers: [{ urls: ['stun:127.0.0.1:3478'], username: '</script><b>&' }], iceTransportPolicy: 'all' };
  const server = await world.server({ env: { RTC_CONFIG_JSON: JSON.stringify(ice, null, 2) } });
  const { status, headers, body } = await ask(server, '/config.js');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/javascript; charset=utf-8');
  assert.match(body, /^window\.__APP_CONFIG__ = \{.*\};\n$/);
  assert.doesNotMatch(body, /[<>&]/);
  assert.deepEqual(JSON.parse(body.slice('window.__APP_CONFIG__ = '.length, -2)).rtcConfig, ice);

  const a = await world.room('a', server.url);
  await a.page.evaluate(() => window.connect('demo', 'alice'));
  await a.untilStatus('joined');
});

e2e('invalid RTC_CONFIG_JSON is logged, and the server runs', async (world) => {
  const server = await world.server({ env: { RTC_CONFIG_JSON: '{"iceServers":' } });
  const { body } = await ask(server, '/config.js');
  assert.match(body, /^window\.__APP_CONFIG__ = \{.*\};\n$/);
  assert.ok(server.log.some((line) => line.includes('RTC_CONFIG_JSON')), server.log.join('\n'));
});

/** Not `nosniff`: that belongs to a plain text, and the reference server sends it with its refusals, too. */
const ONLY_ON_PAGES = ['content-security-policy', 'x-frame-options', 'x-xss-protection', 'referrer-policy'];

e2e('refusals of /ws: status, and none of the page\'s headers', async (world) => {
  const server = await world.server({ env: { WS_ALLOWED_ORIGINS: 'app.example' } });
  const without = (name) => Object.fromEntries(Object.entries(UPGRADE).filter(([key]) => key !== name));
  const cases = [
    ['plain GET', {}, 426],
    ['no Upgrade', { headers: without('Upgrade') }, 426],
    ['no Connection token', { headers: { ...UPGRADE, Connection: 'close' } }, 400],
    ['no key', { headers: without('Sec-WebSocket-Key') }, 400],
    ['wrong version', { headers: { ...UPGRADE, 'Sec-WebSocket-Version': '12' } }, 400],
    ['other method', { method: 'POST', headers: UPGRADE }, 405],
    ['foreign origin', { headers: { ...UPGRADE, Origin: 'https://evil.example' } }, 403],
    ['allowed origin', { headers: { ...UPGRADE, Origin: 'https://app.example' } }, 101],
  ];
  for (const [name, request, status] of cases) {
    const answer = await ask(server, '/ws', request);
    assert.equal(answer.status, status, name);
    for (const header of ONLY_ON_PAGES) {
      assert.equal(answer.headers[header], undefined, `${name}: ${header}`);
    }
    if (status === 426) assert.equal(answer.headers.upgrade, 'websocket', name);
  }
});
