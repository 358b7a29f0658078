// Views of a photo as the tracker may see it, nearer, farther, shifted: facetracker/personal/views.py once more, with the
// very same places. So what is learnt in a tab is what Python learns.

import { letterbox } from "./letterbox.js";

const [NEARER, FARTHER] = [1.5, 0.75];
const SHIFT = 0.12;
const SEEN = 0.6;
const TRIES = 20;
const GREY = 114;

const WORD = (1n << 64n) - 1n;
const LONG = (1n << 128n) - 1n;
const FACTOR = 0x2360ed051fc65da44385df649fccf645n;

/** numpy's default_rng(0): PCG64, from the state that the seed 0 gives. */
export class Random {
  constructor() {
    this.state = 0x1aa1b5345996452d09585eb7a69561e3n;
    this.step = 0x418ddadb3af71a82588133bc447873a9n;
  }

  /** A number from 0 to below 1. */
  random() {
    this.state = (this.state * FACTOR + this.step) & LONG;
    const mixed = (this.state >> 64n) ^ (this.state & WORD);
    const turn = this.state >> 122n;
    const word = ((mixed >> turn) | (mixed << (64n - turn))) & WORD;
    return Number(word >> 11n) / 2 ** 53;
  }

  uniform(low, high) {
    return low + (high - low) * this.random();
  }
}

/** A place for a photo in an input: scaled, moved to `(left, top)`, mirrored at last. `boxes` are shares of the photo. */
export function randomPlace(width, height, inputWidth, inputHeight, boxes, random) {
  const usual = letterbox(width, height, inputWidth, inputHeight);
  const least = Math.min(inputWidth / width, inputHeight / height);
  const mirrored = random.random() < 0.5;
  const input = { width, height, inputWidth, inputHeight, mirrored };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const scale = least * Math.exp(random.uniform(Math.log(FARTHER), Math.log(NEARER)));
    const left = (inputWidth - scale * width) / 2 + random.uniform(-SHIFT, SHIFT) * inputWidth;
    const top = (inputHeight - scale * height) / 2 + random.uniform(-SHIFT, SHIFT) * inputHeight;
    const tried = { ...input, scale, left, top };
    if (!boxes.length || Math.max(...boxes.map((box) => visible(toView(box, tried)))) >= SEEN) return tried;
  }
  return { ...input, scale: least, left: usual.left, top: usual.top };
}

/** The view, RGBA: between four pixels where a pixel lies, grey outside. */
export function lay(rgba, place) {
  const { width, height, inputWidth, inputHeight, scale, left, top, mirrored } = place;
  const view = new Uint8ClampedArray(inputWidth * inputHeight * 4).fill(255);
  const value = (x, y, c) => (x < 0 || y < 0 || x >= width || y >= height ? GREY : rgba[(y * width + x) * 4 + c]);
  const between = (a, b, share) => a + share * (b - a);
  for (let row = 0; row < inputHeight; row++) {
    const y = (row - top) / scale;
    const y0 = Math.floor(y);
    for (let column = 0; column < inputWidth; column++) {
      const x = (column - left) / scale;
      const x0 = Math.floor(x);
      const to = (row * inputWidth + (mirrored ? inputWidth - 1 - column : column)) * 4;
      const inside = x0 >= 0 && y0 >= 0 && x0 < width - 1 && y0 < height - 1;
      for (let c = 0; c < 3; c++) {
        const at = (y0 * width + x0) * 4 + c;
        const below = at + width * 4;
        const upper = inside ? between(rgba[at], rgba[at + 4], x - x0) : between(value(x0, y0, c), value(x0 + 1, y0, c), x - x0);
        const lower = inside
          ? between(rgba[below], rgba[below + 4], x - x0)
          : between(value(x0, y0 + 1, c), value(x0 + 1, y0 + 1, c), x - x0);
        view[to + c] = between(upper, lower, y - y0); // rounded as it is kept
      }
    }
  }
  return view;
}

/** A box, shares of the photo, as shares of the view. */
export function toView(box, place) {
  const { width, height, inputWidth, inputHeight, scale, left, top } = place;
  const [x0, x1] = [box[0], box[2]].map((side) => (side * width * scale + left) / inputWidth);
  const [y0, y1] = [box[1], box[3]].map((side) => (side * height * scale + top) / inputHeight);
  return place.mirrored ? [1 - x1, y0, 1 - x0, y1] : [x0, y0, x1, y1];
}

/** The way back. */
export function toPhoto([x0, y0, x1, y1], place) {
  const { width, height, inputWidth, inputHeight, scale, left, top } = place;
  const sides = place.mirrored ? [1 - x1, y0, 1 - x0, y1] : [x0, y0, x1, y1];
  const across = (side) => (side * inputWidth - left) / scale / width;
  const down = (side) => (side * inputHeight - top) / scale / height;
  return [across(sides[0]), down(sides[1]), across(sides[2]), down(sides[3])];
}

/** The share of a box that lies in the view. */
function visible(box) {
  const part = (low, high) => Math.min(Math.max(high, 0), 1) - Math.min(Math.max(low, 0), 1);
  const area = (box[2] - box[0]) * (box[3] - box[1]);
  return (part(box[0], box[2]) * part(box[1], box[3])) / Math.max(area, 1e-9);
}
