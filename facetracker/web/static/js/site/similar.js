// Which photos show the same: facetracker/core/hashing.py once more, a bit for each of 8x8 cells.

const [COLUMNS, ROWS] = [9, 8];
const SAME = 1; // bits of 64

/** Is each cell brighter than its left neighbour? 64 letters. */
export async function fingerprint(blob) {
  const picture = await createImageBitmap(blob);
  const context = new OffscreenCanvas(COLUMNS, ROWS).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, COLUMNS, ROWS);
  picture.close();
  const { data } = context.getImageData(0, 0, COLUMNS, ROWS);
  const grey = (row, column) => {
    const at = (row * COLUMNS + column) * 4;
    return 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  };
  let bits = "";
  for (let row = 0; row < ROWS; row++)
    for (let column = 1; column < COLUMNS; column++) bits += grey(row, column) > grey(row, column - 1) ? "1" : "0";
  return bits;
}

export function isNear(one, other) {
  return Boolean(one) && [...one].filter((bit, i) => bit !== other[i]).length <= SAME;
}
