// Launches Debian's Chromium, headless, with a camera and a microphone of its own making.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

const ALWAYS = [
  '--no-sandbox', // tests run as root in containers, too
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // Several tabs talk at once, but only one of them is in front.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // Candidates as plain addresses: there is no mDNS responder here.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--allow-loopback-in-peer-connection',
  // Whatever the browser would like to ask of the world, it may not.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE 10.77.0.1',
];

/**
 * @param {object} [wish]
 * @param {boolean} [wish.camera] false: a machine without camera and microphone
 * @param {boolean} [wish.allowed] false: nobody answers the question for permission
 */
export async function launchBrowser({ camera = true, allowed = true } = {}) {
  const userDataDir = await mkdtemp(path.join(tmpdir(), 'patchbay-chromium-'));
  const args = [...ALWAYS];
  if (camera) args.push('--use-fake-device-for-media-stream');
  if (allowed) args.push('--use-fake-ui-for-media-stream', '--auto-select-desktop-capture-source=Entire screen');
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    headless: true,
    userDataDir,
    args,
    defaultViewport: { width: 1280, height: 800 },
  });
  return closing(browser, userDataDir);
}

/** Firefox with a camera and a microphone of its own making; it needs the namespace (no candidates on loopback). */
export async function launchFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    defaultViewport: { width: 1280, height: 800 },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.autoplay.default': 0,
      // Whatever the browser would like to ask of the world, it need not.
      'app.update.enabled': false,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'media.gmp-manager.updateEnabled': false,
    },
  });
  return closing(browser);
}

function closing(browser, userDataDir) {
  return {
    browser,
    async close() {
      // A browser that hangs while closing must not take the test with it.
      const process = browser.process();
      const timer = setTimeout(() => process?.kill('SIGKILL'), 5_000);
      await browser.close().catch(() => {});
      clearTimeout(timer);
      if (userDataDir) await rm(userDataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
