// What of a picture is covered to hide a face: facetracker/inference/hiding/cover.py once more; why stands there.

import { clamp, roundHalfEven } from "./rounding.js";

const GROWN = 1.3; // width and height of the oval, in widths and heights of the box
const CELLS = 5; // tones that are left of a face, across and down
const SMALLEST = 3; // pixels to a tone at least

/**
 * For each box (pixels) the oval `{x, y, across, down}`, its middle and half sides, the part of the picture
 * `{left, top, width, height}` that holds it, and how many `tones` (across, down) are left of that.
 */
export function covers(boxes, width, height) {
  return boxes.flatMap((box) => {
    const [wide, high] = [GROWN * (box[2] - box[0]), GROWN * (box[3] - box[1])];
    const [left, top] = [roundHalfEven((box[0] + box[2] - wide) / 2), roundHalfEven((box[1] + box[3] - high) / 2)];
    const [columns, rows] = [Math.max(1, roundHalfEven(wide)), Math.max(1, roundHalfEven(high))];
    const oval = { x: left + columns / 2, y: top + rows / 2, across: columns / 2, down: rows / 2 };
    const [x0, x1] = [left, left + columns].map((side) => clamp(side, 0, width));
    const [y0, y1] = [top, top + rows].map((side) => clamp(side, 0, height));
    if (x0 >= x1 || y0 >= y1) return [];
    const part = { left: x0, top: y0, width: x1 - x0, height: y1 - y0 };
    const tones = [part.width, part.height].map((side) => Math.max(1, Math.min(CELLS, Math.floor(side / SMALLEST))));
    return [{ oval, part, tones }];
  });
}
