// The page as people meet it: by keyboard, on a telephone, and under its own content policy.

import assert from 'node:assert/strict';
import { untilVideo } from '../lib/media.mjs';
import { gather, pair } from '../lib/pair.mjs';
import { e2e } from '../lib/test.mjs';
import { until } from '../lib/until.mjs';

const MOST_TABS = 20;
const LONGEST_ROOM = 'r'.repeat(64);
const LONG_CHAT = 60;

async function tabTo(room, selector) {
  for (let i = 0; i < MOST_TABS; i += 1) {
    if (await room.page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await room.page.keyboard.press('Tab');
  }
  throw new Error(`${selector} is not reached by ${MOST_TABS} presses of Tab`);
}

e2e('joining, calling and chatting by keyboard alone', async (world) => {
  const server = await world.server();
  const [a, b] = await Promise.all([world.room('a', server.url), world.room('b', server.url)]);
  await b.join('demo');
  const idB = await b.id();

  await tabTo(a, '#room');
  await a.page.keyboard.type('demo');
  await tabTo(a, '#join');
  assert.notEqual(await a.page.$eval('#join', (button) => getComputedStyle(button).outlineStyle), 'none', 'the focus can be seen');
  await a.page.keyboard.press('Enter');
  await a.untilStatus('joined');
  await a.untilMembers(await a.id(), idB);

  await tabTo(a, '.member-pill:not(:disabled)');
  await a.page.keyboard.press('Enter');
  await tabTo(a, '#call');
  await a.page.keyboard.press('Enter');
  await untilVideo(a, idB);

  await until('chat is open', async () => (await a.chatLog()).includes(idB));
  await tabTo(a, '#chatInput');
  await a.page.keyboard.type('no mouse');
  await a.page.keyboard.press('Enter');
  await b.untilChat('no mouse');
});

e2e('no horizontal scrolling on a telephone, before and during a call', async (world) => {
  const viewport = { width: 390, height: 844, isMobile: true, hasTouch: true, deviceScaleFactor: 1 };
  const server = await world.server();
  const a = await world.room('a', server.url, { viewport });
  const b = await world.room('b', server.url);
  const fits = () => a.page.evaluate(() => ({
    page: document.documentElement.scrollWidth,
    window: window.innerWidth,
  }));
  assert.deepEqual(await fits(), { page: 390, window: 390 });

  const [, idB] = await gather([a, b], LONGEST_ROOM);
  await a.call(idB);
  await untilVideo(a, idB);
  await until('chat is open', async () => (await a.chatLog()).includes(idB));
  await a.chat('w'.repeat(200));
  await a.untilChat('wwww');
  assert.deepEqual(await fits(), { page: 390, window: 390 });
});

e2e('a long chat leaves the controls of the call in reach', async (world) => {
  const { a, b, idB } = await pair(world);
  await a.call(idB);
  await Promise.all([untilVideo(a, idB), until('chat is open', async () => (await a.chatLog()).includes(idB))]);
  for (let line = 1; line <= LONG_CHAT; line += 1) await a.page.evaluate((text) => window.sendChat(text), `line ${line}`);
  await b.untilChat(`line ${LONG_CHAT}`);
  for (const control of ['#muteBtn', '#screenBtn', '#recStart', '#chatInput', '#call', '#hangup', '#join']) {
    const box = await a.page.$eval(control, (element) => {
      element.scrollIntoView({ block: 'center' });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { width, height, hit: element.contains(document.elementFromPoint(x + width / 2, y + height / 2)) };
    });
    assert.ok(box.hit && box.width >= 24 && box.height >= 24, `${control}: ${JSON.stringify(box)}`);
  }
  await a.tab.click('#hangup');
  await Promise.all([a.untilNoCall(), b.untilNoCall()]);
});

e2e('every control has a name for those who do not see it', async (world) => {
  const { a } = await pair(world);
  const tree = await a.page.accessibility.snapshot({ interestingOnly: true });
  const nameless = [];
  const visit = (node) => {
    if (['button', 'textbox', 'checkbox', 'combobox', 'link'].includes(node.role) && !node.name) nameless.push(node);
    for (const child of node.children ?? []) visit(child);
  };
  visit(tree);
  assert.deepEqual(nameless, []);
});
