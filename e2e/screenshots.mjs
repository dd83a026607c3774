// Pictures of the pages for people to look at: alone and in a call, wide and narrow, light and dark.
// `npm run screenshots -- mesh`, `-- sid`, `-- studio` or `-- phone` takes those of one page only.

import { mkdirSync } from 'node:fs';
import { launchBrowser } from './lib/browser.mjs';
import { untilPicture, untilVideo } from './lib/media.mjs';
import { OUT } from './lib/out.mjs';
import { PhonePage } from './lib/phonepage.mjs';
import { telephony } from './lib/phones.mjs';
import { Room } from './lib/room.mjs';
import { Caller } from './lib/sid.mjs';
import { startServer } from './lib/server.mjs';
import { Studio } from './lib/studio.mjs';
import { Tab } from './lib/tab.mjs';

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];
const SCHEMES = ['light', 'dark'];

const wanted = process.argv.slice(2);

/** Opens one page in every size and scheme, and closes it again. */
async function each(browser, url, body) {
  for (const viewport of SIZES) {
    for (const scheme of SCHEMES) {
      const name = `${viewport.width}x${viewport.height}-${scheme}`;
      const tab = await Tab.open(browser, name, url, {
        viewport,
        prepare: (page) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]),
      });
      await body(tab, async (what) => {
        const path = `${OUT}${what}-${name}.png`;
        await tab.page.screenshot({ path, fullPage: true });
        console.log(path);
      });
      await tab.page.close();
    }
  }
}

async function mesh(browser, server) {
  const other = new Room(await Tab.open(browser, 'other', server.url));
  await other.join('demo');
  await each(browser, server.url, async (tab, shoot) => {
    const room = new Room(tab);
    await shoot('alone');
    await room.join('demo');
    const [own, id] = [await room.id(), await other.id()];
    await room.untilMembers(own, id);
    await room.call(id);
    await Promise.all([untilVideo(room, id), untilVideo(other, own), untilPicture(room, id)]);
    await room.chat('Can you see me?');
    await other.untilChat('Can you see me?');
    await shoot('call');
    await room.leave();
    await other.untilNoCall();
  });
}

async function sid(browser, server) {
  const others = [];
  for (const name of ['bob', 'carol', 'dave']) {
    const other = new Caller(await Tab.open(browser, name, `${server.url}sid/`));
    await other.join(name);
    others.push(other);
  }
  const [bob, carol, dave] = others;
  await carol.call('dave');
  await dave.untilRinging('carol');
  await each(browser, `${server.url}sid/`, async (tab, shoot) => {
    const alice = new Caller(tab);
    await shoot('sid-start');
    await alice.join('alice');
    await alice.untilMembers('bob: free', 'carol: in a call', 'dave: in a call', 'alice: free');
    await carol.write('bob', 'Are you there?');
    await alice.write('bob', 'May I call you in five minutes?');
    await alice.call('dave');
    await alice.untilError(/in another call/);
    await shoot('sid-people');
    await bob.call('alice');
    await alice.untilRinging('bob');
    await shoot('sid-ringing');
    await alice.tab.click('#accept');
    await Promise.all([untilVideo(alice, 'bob'), untilVideo(bob, 'alice'), untilPicture(alice, 'bob')]);
    await carol.write('bob', 'Never mind.');
    await bob.write('alice', 'Your picture is very good today.');
    await alice.untilNotice('bob Your picture is very good today.');
    await shoot('sid-call');
    await bob.tab.click('#endBtn');
    await alice.untilNote(/bob hung up/);
    await shoot('sid-ended');
    await alice.tab.click('#leave');
    await alice.untilStatus('idle');
  });
}

async function studio(browser, server) {
  await each(browser, `${server.url}studio/?stream=demo`, async (tab, shoot) => {
    const page = new Studio(tab);
    await shoot('studio-start');
    await tab.click('#start');
    await page.untilLive();
    const viewer = new Studio(await Tab.open(browser, 'viewer', `${server.url}studio/?stream=demo&mode=watch`, { viewport: tab.page.viewport() }));
    await viewer.untilLive();
    await viewer.untilMoving();
    // The charts want something to draw.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    await shoot('studio-live');
    await viewer.page.screenshot({ path: `${OUT}studio-watch-${tab.name}.png`, fullPage: true });
    await tab.click('#stopBtn');
    await viewer.page.close();
  });
}

/** Registrar, telephones and a server of their own, without a test around them. */
async function withTelephony(body) {
  const closers = [];
  const world = {
    onEnd: (closer) => closers.push(closer),
    onTell() {},
    async server(options) {
      const started = await startServer(options);
      closers.push(started.stop);
      return started;
    },
  };
  try {
    await body(await telephony(world));
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}

async function phone(browser) {
  await withTelephony(async ({ server, phone: start }) => {
    const [bob, carol, dave] = [await start('bob', { video: true }), await start('carol'), await start('dave', { answers: 'manual' })];
    await each(browser, `${server.url}phone/`, async (tab, shoot) => {
      const alice = new PhonePage(tab);
      const pad = async (selector) => {
        // Wide pages have no button for it: the pad is there.
        if (await tab.page.$eval(selector, (button) => button.checkVisibility())) await tab.click(selector);
      };
      await shoot('phone-start');
      await alice.signIn('alice', 'wrong');
      await alice.untilState('failed');
      await shoot('phone-wrong');
      await alice.signIn('alice');
      await alice.untilState('registered');
      await shoot('phone-idle');
      await carol.tell('dial', 'sip:alice@example.com');
      await alice.untilState('incoming');
      await shoot('phone-incoming');
      await carol.tell('hangup');
      await alice.untilState('registered');
      await shoot('phone-missed');
      let before = dave.events.length;
      await alice.dial('dave');
      await dave.untilEvent('CALL_INCOMING', { since: before });
      await alice.untilState('ringing');
      await shoot('phone-ringing');
      await dave.tell('hangup');
      await alice.untilSays('#error', /busy/);
      await shoot('phone-busy');
      await alice.dial('carol');
      await alice.untilState('in-call');
      // The figures want something to draw.
      await alice.untilSays('#callTimer', /^0:(0[8-9]|1)/);
      await shoot('phone-sound');
      await pad('#padBtn');
      await alice.press('1234');
      await shoot('phone-keypad');
      await pad('#padBtn');
      before = bob.events.length;
      await bob.tell('dial', 'sip:alice@example.com');
      await alice.untilState('incoming');
      await shoot('phone-second');
      await tab.click('#answerVideo');
      await alice.untilPicture();
      await alice.untilSays('#barState', /^0:(0[5-9]|1)/);
      await shoot('phone-video');
      await tab.click('#newBtn');
      await shoot('phone-new');
      await tab.click('#newBtn');
      await tab.click('#holdBtn');
      await alice.untilState('held');
      await shoot('phone-held');
      await tab.click('#endBtn');
      await bob.untilEvent('CALL_CLOSED', { since: before });
      await alice.untilSays('#who', 'carol');
      await tab.click('#endBtn');
      await alice.untilState('registered');
      await shoot('phone-history');
      await tab.click('#signOut');
      await alice.untilState('offline');
    });
  });
}

mkdirSync(OUT, { recursive: true });
const server = await startServer({ env: { PATCHBAY_LIMITS__CPU_PERCENT: '100' } });
const { browser, close } = await launchBrowser();
try {
  for (const [name, take] of Object.entries({ mesh, sid, studio, phone })) {
    if (wanted.length === 0 || wanted.includes(name)) await take(browser, server);
  }
} finally {
  await close();
  await server.stop();
}
