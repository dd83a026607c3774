// Starts and stops the real server.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.PATCHBAY_BIN ?? fileURLToPath(new URL('../../target/release/patchbay', import.meta.url));
const READY_WITHIN_MS = 10_000;
// The server promises to be gone 5 s after SIGTERM.
const STOPPED_WITHIN_MS = 5_000;

/** Nobody outside is to be asked: no STUN server unless a test wants one. */
const NO_ICE_SERVERS = '{"iceServers":[]}';

export async function startServer({ addr = '127.0.0.1:0', args = [], env = {} } = {}) {
  if (!existsSync(BINARY)) {
    throw new Error(`no server at ${BINARY}; next: cargo build --release -p patchbay-server, or set PATCHBAY_BIN`);
  }
  // The server keeps its data below its working directory.
  const cwd = await mkdtemp(path.join(tmpdir(), 'patchbay-e2e-'));
  const child = spawn(BINARY, args, {
    cwd,
    env: { ...withoutOurs(process.env), ADDR: addr, RTC_CONFIG_JSON: NO_ICE_SERVERS, PATCHBAY_MEDIA__UDP_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = [];
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: String(error) }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const ready = await readyLine(child, exited, log).catch(async (error) => {
    child.kill('SIGKILL');
    await rm(cwd, { recursive: true, force: true });
    throw error;
  });
  const port = Number(ready.http[0].split(':').at(-1));
  return {
    ready,
    port,
    log,
    url: `http://127.0.0.1:${port}/`,
    host: `127.0.0.1:${port}`,
    exited,
    /** SIGTERM, then its exit; a server that does not go is a failure. */
    async stop() {
      child.kill('SIGTERM');
      let timer;
      const late = new Promise((resolve) => { timer = setTimeout(resolve, STOPPED_WITHIN_MS, 'late'); });
      const end = await Promise.race([exited, late]);
      clearTimeout(timer);
      if (end === 'late') {
        child.kill('SIGKILL');
        await exited;
      }
      await rm(cwd, { recursive: true, force: true });
      if (end === 'late') throw new Error(`the server still ran ${STOPPED_WITHIN_MS} ms after SIGTERM`);
      return end;
    },
  };
}

/** PATCHBAY_VENDOR and the like are for the tests: to the server they would be unknown keys of its configuration. */
function withoutOurs(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PATCHBAY_')));
}

async function readyLine(child, exited, log) {
  const lines = createInterface({ input: child.stdout });
  const found = new Promise((resolve) => {
    lines.on('line', (line) => {
      log.push(line);
      if (line.startsWith('{"ready":true')) resolve(JSON.parse(line));
    });
  });
  let timer;
  const failed = Promise.race([
    exited.then((end) => `it ended (${JSON.stringify(end)})`),
    new Promise((resolve) => { timer = setTimeout(resolve, READY_WITHIN_MS, `nothing for ${READY_WITHIN_MS} ms`); }),
  ]).then((why) => { throw new Error(`no ready line from the server: ${why}\n${log.join('\n')}`); });
  try {
    return await Promise.race([found, failed]);
  } finally {
    clearTimeout(timer);
  }
}
