// The photo that is open: its boxes and what saves them.

import { Boxes } from "./boxes.js";
import { Saver } from "./saver.js";

export class Opened {
  constructor(name, told, handlers) {
    this.name = name;
    this.suggested = told.state === "suggested";
    this.boxes = new Boxes(told);
    this.saver = new Saver({ name, etag: told.etag || null, boxes: this.boxes, ...handlers });
  }

  /** Are the boxes a machine's, as it drew them, and nothing of it is saved or on its way? */
  get untouched() {
    return this.suggested && !this.saver.working && !this.boxes.past.length && !this.boxes.future.length && this.boxes.list.every((one) => one.unreviewed);
  }

  /** Waits until everything is saved, tries once more what was not; false where that fails. */
  async settled() {
    await this.saver.working;
    if (this.saver.failed) await this.saver.save();
    return !this.saver.failed;
  }
}
