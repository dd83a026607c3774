// Runs the test files one after the other: `npm test`, or `npm test -- call chat` for the files so named.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FIREFOX } from './lib/browser.mjs';
import { OUT, RETRIES } from './lib/out.mjs';

if (!process.env.PATCHBAY_VENDOR) console.log('VENDOR NOT TESTED');

// It gathers no candidates on loopback alone.
const firefox = existsSync(FIREFOX) && Boolean(process.env.NETNS_ADDRESS);
if (!firefox) console.log('FIREFOX NOT TESTED');

// Kamailio is among the programs for administrators.
const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin'];
const phones = ['kamailio', 'baresip'].every((program) => places.some((place) => existsSync(`${place}/${program}`)));
if (!phones) console.log('PHONES NOT TESTED');

const folder = fileURLToPath(new URL('tests/', import.meta.url));
const wanted = process.argv.slice(2);
// Chosen here, not within the files: node counts a file without tests as a test that passed.
const possible = (file) =>
  (process.env.PATCHBAY_VENDOR || !file.startsWith('vendor-')) &&
  (process.env.E2E_FIREFOX === '1' || !file.startsWith('firefox')) &&
  (firefox || !file.includes('-firefox')) &&
  (phones || !/^(phone|vendor-sylkrtc)/.test(file));
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.test.mjs') && possible(file))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => folder + file);
if (files.length === 0) {
  console.error(`nothing to run: no test file's name contains ${wanted.join(' or ')}, or it needs a variable (docs/testing.md)`);
  process.exit(1);
}

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });

// One file at a time: each call keeps two cores busy, and the tests measure what arrives in time.
const runner = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], { stdio: 'inherit' });
runner.on('close', (code) => {
  const retried = existsSync(RETRIES) ? readFileSync(RETRIES, 'utf8').trim().split('\n') : [];
  for (const name of retried) console.log(`passed at the second attempt: ${name}`);
  console.log(`retried: ${retried.length}`);
  process.exitCode = code ?? 1;
});
