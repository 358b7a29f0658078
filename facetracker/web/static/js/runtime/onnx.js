// Reading an ONNX file: protocol buffers, of which only what a network needs is looked at.

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const text = new TextDecoder();

/** The kinds of numbers in a tensor, and how they are read from raw bytes. */
const TYPES = {
  1: ["float", Float32Array],
  2: ["int", Uint8Array],
  3: ["int", Int8Array],
  5: ["int", Int16Array],
  6: ["int", Int32Array],
  7: ["int", BigInt64Array],
  9: ["bool", Uint8Array],
  11: ["float", Float64Array],
};

/** What kind of numbers ("float", "int", "bool") ONNX means by a number. */
export function kindOf(type) {
  if (!(type in TYPES)) throw new Error(`the model holds numbers of a kind (${type}) that this page does not know`);
  return TYPES[type][0];
}

/**
 * A model: `nodes` in the order in which they run, `weights` by name, `inputs` with their shapes, names of `outputs`,
 * and the `metadata` that was written beside them.
 */
export function readModel(bytes) {
  const model = { nodes: [], weights: new Map(), inputs: [], outputs: [], metadata: {} };
  for (const [field, value] of fields(bytes)) {
    if (field === 7) readGraph(value, model);
    else if (field === 14) {
      const entry = Object.fromEntries([...fields(value)].map(([key, part]) => [key, text.decode(part)]));
      model.metadata[entry[1]] = entry[2];
    }
  }
  model.inputs = model.inputs.filter(({ name }) => !model.weights.has(name));
  if (!model.nodes.length || model.inputs.length !== 1) throw new Error("this is no model with one input");
  return model;
}

/** The file's bytes with this text under this key of its metadata, in place of what stands there. */
export function withMetadata(bytes, key, value) {
  const parts = [];
  let begin = 0;
  for (const [field, content, , end] of fields(bytes)) {
    const old = field === 14 && [...fields(content)].some(([number, part]) => number === 1 && text.decode(part) === key);
    if (!old) parts.push(bytes.subarray(begin, end));
    begin = end;
  }
  const written = [key, value].map((part) => new TextEncoder().encode(part));
  const entry = written.flatMap((part, i) => [...message(i + 1, part)]);
  return joined([...parts, message(14, Uint8Array.from(entry))]);
}

/** A field of bytes: its number, its length, itself. */
function message(field, content) {
  const head = [(field << 3) | BYTES];
  let left = content.length;
  for (; left > 127; left >>>= 7) head.push((left & 127) | 128);
  return joined([Uint8Array.from([...head, left]), content]);
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function readGraph(bytes, model) {
  for (const [field, value] of fields(bytes)) {
    if (field === 1) model.nodes.push(readNode(value));
    else if (field === 5) {
      const tensor = readTensor(value);
      model.weights.set(tensor.name, tensor);
    } else if (field === 11) model.inputs.push(readValue(value));
    else if (field === 12) model.outputs.push(readValue(value).name);
  }
}

function readNode(bytes) {
  const node = { op: "", inputs: [], outputs: [], attributes: {} };
  for (const [field, value] of fields(bytes)) {
    if (field === 1) node.inputs.push(text.decode(value));
    else if (field === 2) node.outputs.push(text.decode(value));
    else if (field === 4) node.op = text.decode(value);
    else if (field === 5) {
      const [name, content] = readAttribute(value);
      node.attributes[name] = content;
    }
  }
  return node;
}

function readAttribute(bytes) {
  let name = "";
  let content = null;
  const list = [];
  for (const [field, value, wire] of fields(bytes)) {
    if (field === 1) name = text.decode(value);
    else if (field === 2) content = float(value);
    else if (field === 3) content = signed(value);
    else if (field === 4) content = text.decode(value);
    else if (field === 5) content = readTensor(value);
    else if (field === 7) list.push(...(wire === BYTES ? new Float32Array(copied(value).buffer) : [float(value)]));
    else if (field === 8) list.push(...(wire === BYTES ? packed(value) : [signed(value)]));
  }
  return [name, content ?? list];
}

/** A tensor: `shape`, `kind` and `data`, a Float32Array, or for whole numbers and booleans a Float64Array. */
function readTensor(bytes) {
  const tensor = { name: "", shape: [], kind: "float", data: null };
  let type = 1;
  let raw = null;
  const numbers = [];
  for (const [field, value, wire] of fields(bytes)) {
    if (field === 1) tensor.shape.push(...(wire === BYTES ? packed(value) : [signed(value)]));
    else if (field === 2) type = Number(value);
    else if (field === 4) numbers.push(...(wire === BYTES ? new Float32Array(copied(value).buffer) : [float(value)]));
    else if (field === 5 || field === 7) numbers.push(...(wire === BYTES ? packed(value) : [signed(value)]));
    else if (field === 8) tensor.name = text.decode(value);
    else if (field === 9) raw = copied(value);
    else if (field === 13 || field === 14) throw new Error("the model's numbers lie in another file");
  }
  tensor.kind = kindOf(type);
  tensor.signed = type !== 2; // of eight bits
  const read = raw ? new TYPES[type][1](raw.buffer) : numbers;
  const count = tensor.shape.reduce((product, side) => product * side, 1);
  if (read.length !== count) throw new Error(`${tensor.name} holds ${read.length} numbers, not ${count}`);
  tensor.data = tensor.kind === "float" ? new Float32Array(read) : Float64Array.from(read, Number);
  return tensor;
}

/** Name, kind and shape of an input or output; sides that the file leaves open are null. */
function readValue(bytes) {
  const value = { name: "", kind: "float", shape: [] };
  for (const [field, part] of fields(bytes)) {
    if (field === 1) value.name = text.decode(part);
    else if (field === 2) {
      const tensor = [...fields(part)].find(([key]) => key === 1)?.[1];
      for (const [key, content] of tensor ? fields(tensor) : []) {
        if (key === 1) value.kind = kindOf(Number(content));
        else if (key === 2) value.shape = [...fields(content)].map(([, dim]) => openSide(dim));
      }
    }
  }
  return value;
}

function openSide(bytes) {
  const side = [...fields(bytes)].find(([key]) => key === 1)?.[1];
  return side ? Number(side) : null;
}

/** The fields of a message: number, value (a BigInt, or bytes), how it was written, and where it ends. */
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new Error("the model's file is damaged");
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const part = (length) => {
    if (length < 0 || at + length > bytes.length) throw new Error("the model's file is damaged");
    return bytes.subarray(at, (at += length));
  };
  while (at < view.byteLength) {
    const key = Number(varint());
    const wire = key & 7;
    if (wire === VARINT) yield [key >> 3, varint(), wire, at];
    else if (wire === BYTES) yield [key >> 3, part(Number(varint())), wire, at];
    else if (wire === FIXED32) yield [key >> 3, part(4), wire, at];
    else if (wire === FIXED64) yield [key >> 3, part(8), wire, at];
    else throw new Error("the model's file is damaged");
  }
}

function packed(bytes) {
  const numbers = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      numbers.push(signed(value));
      value = shift = 0n;
    }
  }
  return numbers;
}

function signed(value) {
  return Number(BigInt.asIntN(64, value));
}

function float(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

/** The bytes at an address that any kind of number may begin at. */
function copied(bytes) {
  return bytes.slice();
}
