// The reference's own signalling test, unchanged, against our server. No client of it for browsers is public.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { e2e } from '../lib/test.mjs';

const folder = path.join(process.env.PATCHBAY_VENDOR ?? '', 'db2crush');
const preload = fileURLToPath(new URL('../lib/db2crush.cjs', import.meta.url));
const skip = existsSync(path.join(folder, 'test/signaling-test')) ? false : `${folder} is not there; docs/testing.md says where it comes from`;

/**
 * It takes the next message at B for the `call` of A, and so hopes that B's `ssu` came before A's next step. The reference
 * has one thread; with one, ours is as likely to please it.
 */
const ONE_THREAD = { PATCHBAY_THREADS: '1' };

/** It connects to the machine's own address, not to loopback. */
async function run(url) {
  const mocha = createRequire(path.join(folder, 'test/')).resolve('mocha/bin/_mocha');
  // Ours by node itself: it must not go through the reference's old compiler.
  const args = ['--require', preload, mocha, 'test/signaling-test', '--require', 'babel-register', '--exit'];
  const env = { ...process.env, SID_URL: url, NODE_TLS_REJECT_UNAUTHORIZED: '0', BABEL_DISABLE_CACHE: '1' };
  delete env.NODE_TEST_CONTEXT;
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env, timeout: 60_000 });
  assert.match(stdout, /8 passing/, stdout);
}

e2e('the reference\'s signalling test, by an upgrade of /', async (world) => {
  const server = await world.server({ addr: '0.0.0.0:0', env: ONE_THREAD });
  await run(`ws://any:${server.port}`);
}, { skip });

e2e('the reference\'s signalling test, on a listener of its own', async (world) => {
  const server = await world.server({ env: { ...ONE_THREAD, PATCHBAY_DIALECT__SID__LISTEN: '0.0.0.0:0' } });
  await run(`ws://any:${server.ready.sid.split(':').at(-1)}`);
}, { skip });
