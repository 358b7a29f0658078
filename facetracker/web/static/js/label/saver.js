// Saves a photo's boxes at once, one write after the other, never over what somebody else wrote in between.

import { dropLabel, putLabel } from "../api.js";

export class Saver {
  /** `onsaved(answer, more)` (`more`: newer boxes wait to be saved), `onconflict()` and `onerror(error)` tell what became of it. */
  constructor({ name, etag, boxes, onsaved, onconflict, onerror }) {
    Object.assign(this, { name, etag, boxes, onsaved, onconflict, onerror });
    this.wanted = false;
    this.working = null;
    this.failed = false;
  }

  /** Save the boxes as they are now; resolves when nothing is left to save. */
  save() {
    this.wanted = true;
    this.working ??= this.#work().finally(() => (this.working = null));
    return this.working;
  }

  /** Undo the saving itself: the photo as nobody had seen it, or null where that could not be. */
  async takeBack() {
    await this.working;
    try {
      return await dropLabel(this.name, this.etag);
    } catch (error) {
      if (error.status === 412) this.onconflict();
      else this.onerror(error);
      return null;
    }
  }

  async #work() {
    while (this.wanted) {
      this.wanted = false;
      const sent = this.boxes.list;
      try {
        const answer = await putLabel(this.name, this.etag, this.boxes.asLabel());
        this.etag = answer.etag;
        this.boxes.saved(sent);
        this.failed = false;
        this.onsaved(answer, this.wanted);
      } catch (error) {
        this.wanted = false;
        if (error.status === 412) this.onconflict();
        else {
          this.failed = true;
          this.onerror(error);
        }
        return;
      }
    }
  }
}
