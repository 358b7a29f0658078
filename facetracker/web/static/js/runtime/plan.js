// A model made ready for one size of input: where each tensor lies in memory, and the steps to compute them all.
//
// All shapes follow from the input's, so they are worked out once; so is everything that depends on shapes alone. What is
// left are steps: closures that read and write fixed places. Whole numbers are kept as floats: they are small enough.

import { OPERATIONS } from "./operations.js";
import { size } from "./places.js";

const ALIGN = 16;

export class Plan {
  /** `model` as onnx.js reads it, `shape` of its input, `kernels` with the memory to lay it into. */
  constructor(model, shape, kernels) {
    this.kernels = kernels;
    this.kernel = kernels.functions;
    this.nodes = model.nodes;
    this.end = kernels.first;
    this.free = []; // {at, size}
    this.makers = []; // of steps, called once memory stands still
    this.placed = new Map(); // constants that steps read: data -> address
    this.skipped = new Set(); // nodes that an earlier one has done as well
    this.tensors = new Map([...model.weights].map(([name, weight]) => [name, { ...weight }]));
    this.consumers = consumers(model);
    this.input = this.fresh(shape);
    this.bytes = this.#room(Math.ceil(size(shape) / 4)); // the picture as it comes
    this.#name(model.inputs[0].name, this.input);
    const [from, to, count] = [this.bytes.at, this.input.root.at, size(shape)];
    this.step(() => () => this.kernel.bytes(from, to, count));
    for (const node of model.nodes) this.#lay(node);
    kernels.reach(this.end);
    this.steps = this.makers.map((make) => make()).filter(Boolean); // laying a constant is no step
    this.picture = new Uint8Array(kernels.memory.buffer, from, count);
    this.outputs = model.outputs.map((name) => ({ name, tensor: this.tensors.get(name) }));
  }

  /** The outputs by name for a picture, valid until the next call. */
  run(picture) {
    this.picture.set(picture);
    for (const step of this.steps) step();
    return Object.fromEntries(this.outputs.map(({ name, tensor }) => [name, this.view(tensor)]));
  }

  // What operations are written with.

  /** A constant. */
  constant(shape, data, kind = "float") {
    return { shape, kind, data: kind === "float" ? Float32Array.from(data) : Float64Array.from(data) };
  }

  /** A tensor that a step will fill. */
  fresh(shape, kind = "float") {
    return { shape, kind, root: this.#room(size(shape)) };
  }

  /** The same numbers in another shape. */
  alias(tensor, shape, kind = tensor.kind) {
    if (size(shape) !== size(tensor.shape)) throw new Error(`${tensor.shape} numbers have not the shape ${shape}`);
    return tensor.data ? { shape, kind, data: tensor.data } : { shape, kind, root: tensor.root };
  }

  /** Adds a step: `make` is called once memory stands still, and gives the function to call for each picture. */
  step(make) {
    this.makers.push(make);
  }

  /** Where a tensor lies; a constant is laid into memory. */
  at(tensor) {
    if (!tensor.data) return tensor.root.at;
    return this.#constantAt(tensor.data, () => Float32Array.from(tensor.data));
  }

  /** Where a list of whole numbers lies, for a kernel. */
  list(places) {
    return this.#constantAt(places, () => Int32Array.from(places));
  }

  /** A tensor's numbers; for steps, and for constants at any time. */
  view(tensor) {
    return tensor.data ?? new Float32Array(this.kernels.memory.buffer, tensor.root.at, size(tensor.shape));
  }

  /** Memory that one step uses for itself. */
  space(count) {
    const room = this.#room(count);
    this.scratch.push(room);
    return room.at;
  }

  /** The only node that reads an output, or null. */
  onlyReader(name) {
    const readers = this.consumers.get(name) ?? [];
    return readers.length === 1 ? readers[0] : null;
  }

  /** Says that a step has done a later node's work as well: `tensor` is its output. */
  skip(node, tensor) {
    this.skipped.add(node);
    this.#name(node.outputs[0], tensor);
  }

  #lay(node) {
    const inputs = node.inputs.map((name) => (name ? this.#known(name) : null));
    if (!this.skipped.has(node)) {
      const operation = OPERATIONS[node.op];
      if (!operation) throw new Error(`this page cannot compute ${node.op}`);
      this.scratch = [];
      const outputs = [operation(this, node, inputs)].flat();
      outputs.forEach((tensor, i) => node.outputs[i] && this.#name(node.outputs[i], tensor));
      for (const room of this.scratch) this.#give(room);
    }
    for (const name of node.inputs) if (name) this.#used(this.tensors.get(name));
  }

  #known(name) {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`the model reads ${name} before it is there`);
    return tensor;
  }

  #name(name, tensor) {
    this.tensors.set(name, tensor);
    if (tensor.root) tensor.root.uses += this.consumers.get(name)?.length ?? 0;
  }

  #used(tensor) {
    if (!tensor?.root) return;
    tensor.root.uses -= 1;
    if (tensor.root.uses === 0) this.#give(tensor.root);
  }

  #constantAt(key, numbers) {
    if (!this.placed.has(key)) {
      const data = numbers();
      const at = this.#beyond(data.length);
      this.placed.set(key, at);
      this.makers.push(() => {
        new Uint8Array(this.kernels.memory.buffer, at).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        return null;
      });
    }
    return this.placed.get(key);
  }

  #room(count) {
    const need = Math.max(ALIGN, Math.ceil((count * 4) / ALIGN) * ALIGN);
    let best = null;
    for (const one of this.free) if (one.size >= need && (!best || one.size < best.size)) best = one;
    if (!best) return { at: this.#beyond(need / 4), size: need, uses: 0 };
    this.free.splice(this.free.indexOf(best), 1);
    if (best.size > need) this.free.push({ at: best.at + need, size: best.size - need });
    return { at: best.at, size: need, uses: 0 };
  }

  #beyond(count) {
    const at = this.end;
    this.end += Math.ceil((count * 4) / ALIGN) * ALIGN;
    return at;
  }

  #give({ at, size: length }) {
    this.free.push({ at, size: length });
    this.free.sort((a, b) => a.at - b.at);
    for (let i = this.free.length - 1; i > 0; i--) {
      const [before, one] = [this.free[i - 1], this.free[i]];
      if (before.at + before.size === one.at) this.free.splice(i - 1, 2, { at: before.at, size: before.size + one.size });
    }
  }
}

/** Which nodes read each name, as often as they do; the model's own outputs are read by nobody, and kept. */
function consumers(model) {
  const found = new Map();
  for (const node of model.nodes) {
    for (const name of node.inputs) if (name) found.set(name, [...(found.get(name) ?? []), node]);
  }
  for (const name of model.outputs) found.set(name, [...(found.get(name) ?? []), null]);
  return found;
}
