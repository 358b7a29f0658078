// A style, four numbers: how one person draws boxes. facetracker/inference/style.py once more; why stands there.

const DOUBT = 0.2;
const FARTHEST = 1.0;
const SMALLEST = 1e-6;

/** A box as this person draws it: sides moved by shares of its width and height. */
export function styled([left, top, right, bottom], style) {
  const [wide, high] = [right - left, bottom - top];
  return [left + style[0] * wide, top + style[1] * high, right + style[2] * wide, bottom + style[3] * high];
}

/** The style in pairs of boxes of the same faces, the starter's `found` and the person's `drawn`. */
export function learnStyle(found, drawn) {
  const offsets = found
    .map((box, i) => relative(box, drawn[i]))
    .filter((moves) => Math.max(...moves.map(Math.abs)) < FARTHEST);
  if (!offsets.length) return [0, 0, 0, 0];
  const share = offsets.length / (offsets.length + DOUBT);
  return [0, 1, 2, 3].map((side) => share * median(offsets.map((moves) => moves[side])));
}

/** Where each side of a drawn box lies from a found one, in the found one's width and height. */
function relative(found, drawn) {
  const [wide, high] = [Math.max(found[2] - found[0], SMALLEST), Math.max(found[3] - found[1], SMALLEST)];
  return drawn.map((side, i) => (side - found[i]) / (i % 2 ? high : wide));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
