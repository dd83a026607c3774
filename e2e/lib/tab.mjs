// One page in a browser context of its own, with what it said kept for the report of a failure.

import { until } from './until.mjs';

/** Runs in every document before its own scripts. */
function watch() {
  window.__cspViolations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    window.__cspViolations.push(`${event.violatedDirective}: ${event.blockedURI || event.sourceFile}`);
  });
  // The vendor's client keeps its connections to itself; measuring needs them.
  window.__connections = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends Native {
    constructor(...args) {
      super(...args);
      window.__connections.push(this);
    }
  };
}

export class Tab {
  /** @param {import('puppeteer-core').Page} page */
  constructor(page, name) {
    this.page = page;
    this.name = name;
    this.console = [];
    this.errors = [];
    page.on('console', (message) => {
      const line = `${message.text()} (${message.location().url ?? 'console'})`;
      this.console.push(`${message.type()}: ${line}`);
      if (message.type() === 'error') this.errors.push(line);
    });
    page.on('pageerror', (error) => {
      this.console.push(`uncaught: ${error.stack ?? error}`);
      this.errors.push(String(error));
    });
    // Leaving a page during a call may ask; nobody is there to answer.
    page.on('dialog', (dialog) => void dialog.accept().catch(() => {}));
  }

  static async open(browser, name, url, { viewport, context: options, prepare } = {}) {
    const context = await browser.createBrowserContext(options);
    const page = await context.newPage();
    const tab = new Tab(page, name);
    if (viewport) await page.setViewport(viewport);
    await page.evaluateOnNewDocument(watch);
    if (prepare) await prepare(page, context);
    await page.goto(url, { waitUntil: 'load' });
    return tab;
  }

  /** With all that belongs to it: its context is its own. */
  close() {
    return this.page.browserContext().close();
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.textContent.trim());
  }

  value(selector) {
    return this.page.$eval(selector, (element) => element.value);
  }

  /** Clicks as a person would: only what is enabled, in view and not covered by something else. */
  async click(selector) {
    await until(`${selector} can be clicked in ${this.name}`, () => this.page.$eval(selector, (element) => {
      element.scrollIntoView({ block: 'center' });
      const { x, y, width, height } = element.getBoundingClientRect();
      const hit = document.elementFromPoint(x + width / 2, y + height / 2);
      return !element.disabled && element.contains(hit);
    }));
    await this.page.click(selector);
  }

  /** Replaces what the field holds. */
  async fill(selector, text) {
    await this.page.$eval(selector, (element) => {
      element.focus();
      element.select();
    });
    await this.page.keyboard.press('Backspace');
    await this.page.type(selector, text);
  }

  /** For the report of a failure: what the page believes, and what its connections do. */
  state() {
    return this.page.evaluate(() => JSON.stringify({
      status: document.querySelector('#status')?.textContent.trim(),
      error: document.querySelector('#error')?.textContent.trim(),
      peers: [...(window.state?.peers ?? [])].map(([id, peer]) => [id, window.__connections.indexOf(peer.pc)]),
      connections: window.__connections.map((pc) => [pc.connectionState, pc.signalingState].join(' ')),
    }));
  }

  cspViolations() {
    return this.page.evaluate(() => window.__cspViolations ?? []);
  }
}
