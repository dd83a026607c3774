// Ant Media's play.html and the web player that it takes from `js/embedded-player.js`: built from what is beside the page in
// Ant Media's repository and from the npm package which that names.

import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { folder, skip as noPages } from './streamapp.mjs';

const PLAYER = path.join(process.env.PATCHBAY_VENDOR ?? '', 'embedded-player');
const PACKAGE = path.join(PLAYER, 'node_modules/@antmedia/web_player/package.json');

export const skip = noPages || (existsSync(PACKAGE) ? false : `${PACKAGE} is not there (docs/testing.md)`);

/** Puts the page and its player among others. */
export async function addPlayer(pages) {
  for (const part of ['play.html', 'css', 'images']) await cp(path.join(folder, part), path.join(pages, part), { recursive: true });
  await build({
    entryPoints: [path.join(PLAYER, 'embedded-player.js')],
    outdir: path.join(pages, 'js'),
    bundle: true,
    // What plays by other means is loaded when it is asked for, as in Ant Media's own build.
    splitting: true,
    format: 'esm',
    logLevel: 'error',
  });
}
