// The framed picture: a crop that follows the faces, in the shape that the person chose.

import { CameraOperator } from "../vision/operator.js";

/** Cuts the crop out of the picture while a `shape` ("16:9") is chosen; "" shows all of it. */
export class Framing {
  constructor() {
    this.choose("");
  }

  get on() {
    return this.shape !== "";
  }

  choose(shape) {
    this.shape = shape;
    [this.wide, this.high] = this.on ? shape.split(":").map(Number) : [0, 0];
    this.forget();
  }

  /** Begins again: another source. */
  forget() {
    this.operator = this.on ? new CameraOperator(this.wide / this.high) : null;
    this.crop = null;
  }

  /** An answer about the frame of `at` (ms); of a picture that stands `still` the crop is there at once. */
  see({ faces, width, height }, at, still) {
    if (!this.on) return;
    const look = still ? "start" : "update";
    this.crop = this.operator[look](faces, width, height, at / 1000);
  }

  /** The size of what is shown of a picture: exactly of the shape, both sides even, no larger than the picture. */
  size(width, height) {
    if (!this.on) return [width, height];
    const step = this.wide % 2 || this.high % 2 ? 2 : 1;
    const most = Math.floor(Math.min(width / this.wide, height / this.high) / step) * step;
    return [this.wide * Math.max(step, most), this.high * Math.max(step, most)];
  }

  /** Draws the crop of the whole picture, which may be mirrored, at the context's full size. */
  cut(context, whole, mirror) {
    const { width, height } = context.canvas;
    const [left, top, right, bottom] = this.crop ?? this.#middle(whole);
    const from = mirror ? 1 - right : left;
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(
      whole,
      from * whole.width,
      top * whole.height,
      (right - left) * whole.width,
      (bottom - top) * whole.height,
      0,
      0,
      width,
      height,
    );
  }

  /** Before the first answer: the largest crop, in the middle. */
  #middle({ width, height }) {
    const part = Math.min(width / this.wide, height / this.high);
    const [across, along] = [(this.wide * part) / width / 2, (this.high * part) / height / 2];
    return [0.5 - across, 0.5 - along, 0.5 + across, 0.5 + along];
  }
}
