// How to divide the stage among pictures. No DOM.

/** Most cameras deliver 4:3 by default. */
const PICTURE = 4 / 3;

/**
 * The rows and columns that show the largest pictures.
 * @param {number} tiles at least 1
 * @param {number} width of the stage
 * @param {number} height
 * @returns {{ columns: number, rows: number }}
 */
export function gridFor(tiles, width, height) {
  let best = { columns: 1, rows: tiles };
  let bestWidth = -1;
  for (let columns = 1; columns <= tiles; columns += 1) {
    const rows = Math.ceil(tiles / columns);
    const pictureWidth = Math.min(width / columns, (height / rows) * PICTURE);
    if (pictureWidth <= bestWidth) continue;
    bestWidth = pictureWidth;
    best = { columns, rows };
  }
  return best;
}
