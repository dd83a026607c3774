// Pictures of the app for people to look at: alone and in a call, wide and narrow, light and dark.

import { mkdirSync } from 'node:fs';
import { launchBrowser } from './lib/browser.mjs';
import { untilPicture, untilVideo } from './lib/media.mjs';
import { OUT } from './lib/out.mjs';
import { Room } from './lib/room.mjs';
import { startServer } from './lib/server.mjs';
import { Tab } from './lib/tab.mjs';

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];
const SCHEMES = ['light', 'dark'];

mkdirSync(OUT, { recursive: true });
const server = await startServer();
const { browser, close } = await launchBrowser();
try {
  const other = new Room(await Tab.open(browser, 'other', server.url));
  await other.join('demo');
  for (const viewport of SIZES) {
    for (const scheme of SCHEMES) {
      const name = `${viewport.width}x${viewport.height}-${scheme}`;
      const room = new Room(await Tab.open(browser, name, server.url, {
        viewport,
        prepare: (page) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]),
      }));
      const shoot = async (what) => {
        const path = `${OUT}${what}-${name}.png`;
        await room.page.screenshot({ path, fullPage: true });
        console.log(path);
      };
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
      await room.page.close();
    }
  }
} finally {
  await close();
  await server.stop();
}
