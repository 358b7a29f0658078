// Fitting a frame into the network's input: the same arithmetic as facetracker/core/letterbox.py and Detector.input_size.

import { sideOf } from "./parts.js";
import { clamp, roundHalfEven, roundHalfUp } from "./rounding.js";

const GREY = 114;

/** Width and height of the input for a frame; `fixed` is `[height, width]` where the file is bound to one size. */
export function inputSize(card, fixed, width, height) {
  if (fixed) return [fixed[1], fixed[0]];
  if (card.head === "single") return [card.image_size, card.image_size];
  const step = Math.max(...card.strides);
  const scale = card.image_size / (card.crop ? sideOf(card.crop, width, height) : Math.max(width, height));
  return [width, height].map((side) => Math.ceil(Math.max(1, roundHalfUp(side * scale)) / step) * step);
}

/** Where a `width` x `height` frame lies inside an `inputWidth` x `inputHeight` input, all in pixels. */
export function letterbox(width, height, inputWidth, inputHeight) {
  const scale = Math.min(inputWidth / width, inputHeight / height);
  const scaledWidth = Math.max(1, roundHalfUp(width * scale));
  const scaledHeight = Math.max(1, roundHalfUp(height * scale));
  const left = Math.floor((inputWidth - scaledWidth) / 2);
  const top = Math.floor((inputHeight - scaledHeight) / 2);
  return { width, height, inputWidth, inputHeight, scaledWidth, scaledHeight, left, top };
}

/** A box in pixels of the input, in pixels of the frame, clipped to it. */
export function toFrame(box, place) {
  const x = (value) => clamp((value - place.left) / place.scaledWidth, 0, 1) * place.width;
  const y = (value) => clamp((value - place.top) / place.scaledHeight, 0, 1) * place.height;
  return [x(box[0]), y(box[1]), x(box[2]), y(box[3])];
}

/** A point in pixels of the input, in pixels of the frame; it may lie outside, as half a face does. */
export function pointToFrame([x, y], place) {
  return [((x - place.left) / place.scaledWidth) * place.width, ((y - place.top) / place.scaledHeight) * place.height];
}

/**
 * Scales frames as cv2.resize does with INTER_LINEAR and lays them on grey: RGBA in, RGB out.
 *
 * A canvas smooths when it shrinks and browsers differ in how; a network that sees other pixels gives other boxes.
 * So OpenCV's own arithmetic is written out, to the last bit: half-pixel centres, 11-bit weights, width first.
 */
export class Fitter {
  constructor() {
    this.key = "";
  }

  /** The input `(inputHeight, inputWidth, 3)` as Uint8Array, valid until the next call. */
  fit(rgba, place) {
    this.#prepare(place);
    if (place.width === place.scaledWidth && place.height === place.scaledHeight) this.#copy(rgba, place);
    else if (place.width === 2 * place.scaledWidth && place.height === 2 * place.scaledHeight) this.#halve(rgba, place);
    else this.#interpolate(rgba, place);
    return this.input;
  }

  #prepare(place) {
    const key = JSON.stringify(place);
    if (key === this.key) return;
    this.key = key;
    this.input = new Uint8Array(place.inputWidth * place.inputHeight * 3).fill(GREY);
    this.columns = weights(place.width, place.scaledWidth, false);
    this.lines = weights(place.height, place.scaledHeight, true);
    this.rows = [new Int32Array(place.scaledWidth * 3), new Int32Array(place.scaledWidth * 3)];
  }

  #copy(rgba, place) {
    for (let y = 0; y < place.height; y++) {
      let from = y * place.width * 4;
      let to = ((y + place.top) * place.inputWidth + place.left) * 3;
      for (let x = 0; x < place.width; x++, from += 4, to += 3) {
        this.input[to] = rgba[from];
        this.input[to + 1] = rgba[from + 1];
        this.input[to + 2] = rgba[from + 2];
      }
    }
  }

  /** Exactly half the size (640x480 for a model of 320): the mean of four pixels. */
  #halve(rgba, place) {
    const { input } = this;
    const line = place.width * 4;
    for (let y = 0; y < place.scaledHeight; y++) {
      let from = 2 * y * line;
      let to = ((y + place.top) * place.inputWidth + place.left) * 3;
      for (let x = 0; x < place.scaledWidth; x++, from += 8, to += 3) {
        const below = from + line;
        input[to] = (rgba[from] + rgba[from + 4] + rgba[below] + rgba[below + 4] + 2) >> 2;
        input[to + 1] = (rgba[from + 1] + rgba[from + 5] + rgba[below + 1] + rgba[below + 5] + 2) >> 2;
        input[to + 2] = (rgba[from + 2] + rgba[from + 6] + rgba[below + 2] + rgba[below + 6] + 2) >> 2;
      }
    }
  }

  #interpolate(rgba, place) {
    const held = [-1, -1]; // which line of the frame each of the two rows holds
    for (let y = 0; y < place.scaledHeight; y++) {
      const first = this.#row(rgba, place, this.lines.near[y], held);
      const second = this.#row(rgba, place, this.lines.far[y], held);
      const a = this.lines.nearWeight[y];
      const b = this.lines.farWeight[y];
      const { input } = this;
      const offset = ((y + place.top) * place.inputWidth + place.left) * 3;
      for (let i = 0; i < first.length; i++) {
        input[offset + i] = (((a * (first[i] >> 4)) >> 16) + ((b * (second[i] >> 4)) >> 16) + 2) >> 2;
      }
    }
  }

  /** Line `number` of the frame, scaled in width; consecutive lines are used twice, so two are kept. */
  #row(rgba, place, number, held) {
    const slot = number % 2;
    const row = this.rows[slot];
    if (held[slot] === number) return row;
    held[slot] = number;
    const { near, far, nearWeight, farWeight } = this.columns;
    const line = number * place.width * 4;
    for (let x = 0, to = 0; x < place.scaledWidth; x++, to += 3) {
      const p = line + near[x] * 4;
      const q = line + far[x] * 4;
      const a = nearWeight[x];
      const b = farWeight[x];
      row[to] = rgba[p] * a + rgba[q] * b;
      row[to + 1] = rgba[p + 1] * a + rgba[q + 1] * b;
      row[to + 2] = rgba[p + 2] * a + rgba[q + 2] * b;
    }
    return row;
  }
}

/**
 * For each of `scaled` pixels the two of `size` between which it lies, and their weights in 1/2048.
 *
 * In the precision that OpenCV uses (32 bits), or one weight in a thousand differs. At the border OpenCV gives a
 * column all the weight, a line keeps two weights for the same line, which rounds otherwise: `split`.
 */
function weights(size, scaled, split) {
  const near = new Int32Array(scaled);
  const far = new Int32Array(scaled);
  const nearWeight = new Int32Array(scaled);
  const farWeight = new Int32Array(scaled);
  for (let i = 0; i < scaled; i++) {
    const at = Math.fround((i + 0.5) * (size / scaled) - 0.5);
    const below = Math.floor(at);
    const outside = !split && (below < 0 || below >= size - 1);
    const share = outside ? 0 : Math.fround(at - below);
    near[i] = clamp(below, 0, size - 1);
    far[i] = clamp(below + 1, 0, size - 1);
    nearWeight[i] = roundHalfEven(Math.fround(1 - share) * 2048);
    farWeight[i] = roundHalfEven(share * 2048);
  }
  return { near, far, nearWeight, farWeight };
}
