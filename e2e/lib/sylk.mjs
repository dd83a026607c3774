// sylkrtc.js, today's and that of July 2015, unchanged but for being bundled, in a page of ours.

import { build } from 'esbuild';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { heardIn, isHeard, isSilent, withTones } from './tones.mjs';
import { until } from './until.mjs';
import { serveVendor } from './vendor.mjs';
import { Wire } from './wire.mjs';

const PAGES = fileURLToPath(new URL('../sylk/', import.meta.url));
const VENDOR = path.join(process.env.PATCHBAY_VENDOR ?? '', 'sylkrtc');

export const TODAY = { name: 'today', old: false };
/** Of the day before the seed of this protocol was written down; it has other names for nearly everything. */
export const JULY_2015 = { name: '2015-07', old: true };

/** Why the tests of this library are skipped; false if they are not. */
export function missing({ name }) {
  const file = path.join(VENDOR, name, 'lib/sylkrtc.js');
  return existsSync(file) ? false : `${file} is not there (docs/testing.md)`;
}

/** What is made of each library is the same in all tests. */
const bundles = new Map();

/** The library as one file, as its own build makes one; `worker.js` is a file of its own there, too. */
function bundle({ name, old }) {
  const lib = path.join(VENDOR, name, 'lib');
  return build({
    entryPoints: [path.join(lib, 'sylkrtc.js'), ...(old ? [] : [path.join(lib, 'worker.js')])],
    write: false,
    outdir: lib,
    // Where aliases are looked up.
    absWorkingDir: path.dirname(VENDOR),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    // Node's own modules, under the names that browserify gave them; MD5 with the exports of each library's time.
    alias: { timers: 'timers-browserify', 'blueimp-md5': old ? 'blueimp-md5-1' : 'blueimp-md5' },
    define: { global: 'window', 'process.browser': 'true', 'process.env.NODE_DEBUG': 'undefined' },
    logLevel: 'error',
  });
}

async function writeBundle(library, folder) {
  if (!bundles.has(library)) bundles.set(library, bundle(library));
  const { outputFiles } = await bundles.get(library);
  for (const file of outputFiles) await writeFile(path.join(folder, path.basename(file.path)), file.contents);
}

export class SylkPage {
  constructor(tab, wire, site) {
    this.tab = tab;
    this.name = tab.name;
    this.page = tab.page;
    this.wire = wire;
    this.site = site;
  }

  static async open(world, name, server, library) {
    const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-sylkrtc-'));
    world.onEnd(() => rm(folder, { recursive: true, force: true }));
    await cp(PAGES, folder, { recursive: true });
    await writeBundle(library, folder);
    const site = await serveVendor(folder, server);
    world.onEnd(site.close);
    const wire = new Wire();
    const tab = await world.tab(name, site.url, {
      async prepare(page) {
        await withTones(page);
        await wire.tap(page);
        if (library.old) await page.evaluateOnNewDocument(await readFile(path.join(PAGES, '2015.js'), 'utf8'));
      },
    });
    world.onTell(() => `--- messages of ${name}\n${wire.text()}`);
    const opened = new SylkPage(tab, wire, site);
    await until(`${name} has its script`, () => opened.page.evaluate(() => typeof window.phone === 'object'));
    await opened.page.evaluate((url) => window.phone.connect(url), `${site.url.replace('http', 'ws')}webrtcgateway/ws`);
    await opened.untilTold('connection ready');
    return opened;
  }

  /** The account is added and registered. */
  async signIn(user, more) {
    await this.do('add', `${user}@example.com`, `secret-${user}`, more);
    await this.do('register');
    await this.untilTold('registration registered');
  }

  do(what, ...values) {
    return this.page.evaluate((name, args) => window.phone[name](...args), what, values);
  }

  told() {
    return this.page.evaluate(() => window.told);
  }

  async untilTold(text, options) {
    await until(`${this.name} is told ${text}`, async () =>
      (await this.told()).some((one) => (text instanceof RegExp ? text.test(one) : one === text)), options);
  }

  /** What was told of calls, in order. */
  async calls() {
    return (await this.told()).filter((one) => /^(call|incoming|missed)/.test(one));
  }

  /** Connections and their descriptions: a renegotiation, or a new connection, would show. */
  media() {
    return this.page.evaluate(() => window.__connections.map((pc) => [pc.connectionState, pc.signalingState, pc.remoteDescription?.sdp].join(' ')));
  }

  async untilHeard(hz) {
    await until(`${this.name} hears ${hz} Hz`, async () => {
      const heard = await heardIn(this.page);
      return heard && isHeard(heard, hz);
    });
  }

  async untilSilent() {
    await until(`${this.name} hears nothing`, async () => {
      const heard = await heardIn(this.page);
      return heard && isSilent(heard);
    });
  }

  /** Pictures that were decoded in all its connections. */
  frames() {
    return this.page.evaluate(async () => {
      let frames = 0;
      for (const pc of window.__connections) {
        for (const entry of (await pc.getStats()).values()) frames += entry.type === 'inbound-rtp' ? entry.framesDecoded ?? 0 : 0;
      }
      return frames;
    });
  }

  async untilPicture() {
    const start = await this.frames();
    await until(`${this.name} decodes pictures`, async () => (await this.frames()) > start + 10, { within: 30_000 });
  }
}
