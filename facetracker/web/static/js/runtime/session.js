// A model that is open: pictures in, the head's outputs out.

import { Kernels } from "./kernels.js";
import { readModel } from "./onnx.js";
import { Plan } from "./plan.js";

/** Opens an ONNX file's bytes; `bytes(name)` fetches one of the runtime's own files. */
export async function openSession(model, bytes) {
  return new Session(readModel(model), await Kernels.open(bytes));
}

export class Session {
  constructor(model, kernels) {
    Object.assign(this, { model, kernels, plan: null, key: "" });
    const [, height, width] = model.inputs[0].shape;
    this.fixed = height && width ? [height, width] : null; // the only size of input that the file takes
    this.outputs = model.outputs;
  }

  /** Which kernels were chosen, in words. */
  get runtime() {
    return this.kernels.name;
  }

  /** The outputs by name for a picture, Uint8Array `(height, width, 3)` RGB; valid until the next call. */
  run(picture, width, height) {
    const key = `${width}x${height}`;
    if (key !== this.key) {
      this.plan = new Plan(this.model, [1, height, width, 3], this.kernels);
      this.key = key;
    }
    return this.plan.run(picture);
  }
}
