// One browser test: its servers, browsers and tabs are closed whatever happens, and a failure tells
// what every page said and looked like. A failed test is tried once more, and that is counted.

import { appendFileSync, mkdirSync } from 'node:fs';
import test, { after } from 'node:test';
import { launchBrowser, launchFirefox } from './browser.mjs';
import { OUT, RETRIES } from './out.mjs';
import { Room } from './room.mjs';
import { startServer } from './server.mjs';
import { Tab } from './tab.mjs';

const ATTEMPT_WITHIN_MS = 90_000;

/**
 * The browser of all tests of a file, each of whose tabs has a context of its own: to start one takes longer than many a test.
 * A test that has failed leaves none behind.
 */
let common;

async function commonBrowser() {
  common ??= launchBrowser();
  return (await common).browser;
}

async function dropCommon() {
  const dropped = await common?.catch(() => undefined);
  common = undefined;
  await dropped?.close();
}

after(dropCommon);

class World {
  #closers = [];
  #tabs = [];
  #tellers = [];

  /** Closed, last first, at the end of the test. */
  onEnd(closer) {
    this.#closers.push(closer);
  }

  /** Asked for its text when the test has failed. */
  onTell(teller) {
    this.#tellers.push(teller);
  }

  async server(options) {
    const server = await startServer(options);
    this.onTell(() => `--- server\n${server.log.join('\n')}`);
    let stopped = false;
    const stop = server.stop;
    server.stop = () => {
      stopped = true;
      return stop();
    };
    this.onEnd(() => (stopped ? undefined : stop()));
    return server;
  }

  browser(wish) {
    return this.#launched(launchBrowser(wish));
  }

  firefox() {
    return this.#launched(launchFirefox());
  }

  async #launched(launch) {
    const { browser, close } = await launch;
    this.onEnd(close);
    return browser;
  }

  /** A tab in a context of its own; all tabs of a file share one browser unless one is given. */
  async tab(name, url, { browser, ...options } = {}) {
    const tab = await Tab.open(browser ?? (await commonBrowser()), name, url, options);
    this.#tabs.push(tab);
    if (!browser) this.onEnd(() => tab.close());
    return tab;
  }

  /** Our room app (or the vendor's, by its address), opened. */
  async room(name, url, options) {
    return new Room(await this.tab(name, url, options));
  }

  async check() {
    for (const tab of this.#tabs) {
      if (tab.page.isClosed()) continue;
      const violations = await tab.cspViolations().catch(() => []);
      if (violations.length) throw new Error(`${tab.name}: the page broke its own content policy: ${violations.join('; ')}`);
    }
  }

  async tell(name) {
    for (const teller of this.#tellers) console.log(teller());
    for (const [index, tab] of this.#tabs.entries()) {
      console.log(`--- console of ${tab.name}\n${tab.console.join('\n')}`);
      if (tab.page.isClosed()) continue;
      console.log(`--- state of ${tab.name}: ${await tab.state().catch(String)}`);
      const path = `${OUT}${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 80)}-${index}.png`;
      const taken = tab.page.screenshot({ path }).then(() => path, (error) => `none (${error.message})`);
      const late = new Promise((resolve) => setTimeout(resolve, 5_000, 'none (page hangs)').unref());
      console.log(`--- screenshot of ${tab.name}: ${await Promise.race([taken, late])}`);
    }
  }

  async close() {
    const problems = [];
    for (const closer of this.#closers.reverse()) {
      try {
        await closer();
      } catch (error) {
        problems.push(error);
      }
    }
    if (problems.length) throw new AggregateError(problems, problems.map(String).join('; '));
  }
}

async function attempt(name, body) {
  const world = new World();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ATTEMPT_WITHIN_MS} ms`)), ATTEMPT_WITHIN_MS);
  });
  try {
    await Promise.race([body(world), late]);
    await world.check();
  } catch (error) {
    await world.tell(name);
    await world.close().catch((problem) => console.log(`--- while closing: ${problem.message}`));
    await dropCommon();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  await world.close();
}

/** @param {(world: World) => Promise<void>} body */
export function e2e(name, body, options = {}) {
  test(name, { timeout: 3 * ATTEMPT_WITHIN_MS, ...options }, async () => {
    mkdirSync(OUT, { recursive: true });
    try {
      await attempt(name, body);
    } catch (error) {
      if (process.env.E2E_RETRIES === '0') throw error;
      console.log(`--- first attempt of ${JSON.stringify(name)} failed, trying once more: ${error.stack}`);
      await attempt(name, body);
      appendFileSync(RETRIES, `${name}\n`);
    }
  });
}
