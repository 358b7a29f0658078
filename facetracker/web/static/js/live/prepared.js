// The newest frame as plain pixels, made while the model looks at it, so that it is drawn at once with its boxes.

/** A camera's frame is brightness and colour apart, and drawing it means computing its pixels: 1.5 ms for 640x480. */
export class Prepared {
  /** Computes the pixels of a frame; a picture has them already. */
  prepare(frame) {
    this.frame = null;
    if (typeof VideoFrame !== "function" || !(frame instanceof VideoFrame)) return;
    const [width, height] = [frame.displayWidth, frame.displayHeight];
    if (this.canvas?.width !== width || this.canvas?.height !== height) {
      this.canvas = new OffscreenCanvas(width, height);
      this.context = this.canvas.getContext("2d", { alpha: false });
    }
    this.context.drawImage(frame, 0, 0, width, height);
    this.frame = frame;
  }

  /** What to draw for a frame: its pixels where they are ready, else the frame itself. */
  of(frame) {
    return frame === this.frame ? this.canvas : frame;
  }
}
