// Products of matrices, convolutions and pooling: where a network's time goes.

import { moved, permutation, size, walk } from "./places.js";

const SLACK = 8; // numbers that the depthwise kernel may read beyond its plane

/** The border on top and left, and the sides of what comes out, for a kernel of `sides` (rows, columns). */
function geometry({ attributes }, [rows, columns], sides) {
  const steps = attributes.strides ?? [1, 1];
  const spread = attributes.dilations ?? [1, 1];
  const whole = sides.map((side, i) => (side - 1) * spread[i] + 1);
  const auto = attributes.auto_pad ?? "NOTSET";
  let [top, left, bottom, right] = attributes.pads ?? [0, 0, 0, 0];
  if (auto.startsWith("SAME")) {
    const missing = [rows, columns].map((side, i) => Math.max(0, (Math.ceil(side / steps[i]) - 1) * steps[i] + whole[i] - side));
    const before = missing.map((count) => (auto === "SAME_UPPER" ? Math.floor(count / 2) : Math.ceil(count / 2)));
    [top, left, bottom, right] = [...before, missing[0] - before[0], missing[1] - before[1]];
  }
  if (attributes.ceil_mode) throw new Error("this page cannot pool with a rest");
  const out = [
    Math.floor((rows + top + bottom - whole[0]) / steps[0]) + 1,
    Math.floor((columns + left + right - whole[1]) / steps[1]) + 1,
  ];
  return { steps, spread, top, left, bottom, right, out };
}

/** Bounds, and a tensor to add, that later nodes ask for and that cost nothing here. */
function fused(plan, node, shape, addable) {
  const result = { low: -Infinity, high: Infinity, add: null, done: [] };
  let reader = plan.onlyReader(node.outputs[0]);
  if (addable && reader?.op === "Add") {
    const other = reader.inputs.find((name) => name !== node.outputs[0]);
    const tensor = other && plan.tensors.get(other);
    if (tensor && !tensor.data && String(tensor.shape) === String(shape)) {
      result.add = tensor;
      result.done.push(reader);
      reader = plan.onlyReader(reader.outputs[0]);
    }
  }
  if (reader?.op === "Relu") {
    result.low = 0;
    result.done.push(reader);
  } else if (reader?.op === "Clip") {
    const bounds = reader.inputs.slice(1).map((name) => plan.tensors.get(name)?.data?.[0]);
    if (bounds.length === 2 && bounds.every((bound) => bound !== undefined)) {
      [result.low, result.high] = bounds;
      result.done.push(reader);
    }
  }
  return result;
}

function conv(plan, node, [input, weights, bias]) {
  const [batch, channels, ...sides] = input.shape;
  const [filters, each, ...kernel] = weights.shape;
  const groups = node.attributes.group ?? 1;
  const place = geometry(node, sides, kernel);
  const shape = [batch, filters, ...place.out];
  const [down, across] = place.steps;
  const alone = groups === channels && filters === channels && each === 1;
  const quick = alone && down === across && down <= 2 && place.spread.every((step) => step === 1);
  const later = fused(plan, node, shape, !quick);
  const out = plan.fresh(shape);
  for (const reader of later.done) plan.skip(reader, out);
  const [from, w, to] = [plan.at(input), plan.at(weights), plan.at(out)];
  const shift = bias ? plan.at(bias) : 0;
  const more = later.add ? plan.at(later.add) : 0;
  const [planeIn, planeOut] = [size(sides), size(place.out)];
  const run = plan.kernel;
  if (quick) {
    const pitch = Math.max((place.out[1] - 1) * down + kernel[1], sides[1] + place.left);
    const space = plan.space(((place.out[0] - 1) * down + kernel[0]) * pitch + SLACK + 4 * down);
    const geometryOf = [channels, ...sides, ...kernel, down, place.top, place.left, ...place.out, pitch];
    plan.step(() => () => {
      for (let n = 0; n < batch; n++) {
        const [one, other] = [from + n * channels * planeIn * 4, to + n * filters * planeOut * 4];
        run.depthwise(one, w, shift, other, space, ...geometryOf, later.low, later.high);
      }
    });
    return out;
  }
  const flat = size(kernel) === 1 && down === 1 && across === 1 && planeIn === planeOut;
  const depth = each * size(kernel);
  const rows = filters / groups;
  const space = flat ? 0 : plan.space(depth * planeOut);
  plan.step(() => () => {
    for (let n = 0; n < batch; n++)
      for (let group = 0; group < groups; group++) {
        const one = from + (n * channels + group * each) * planeIn * 4;
        const offset = (n * filters + group * rows) * planeOut * 4;
        const [filter, first] = [w + group * rows * depth * 4, shift && shift + group * rows * 4];
        if (!flat) run.unfold(one, space, each, ...sides, ...kernel, down, across, ...place.spread, place.top, place.left, ...place.out);
        run.product(filter, flat ? one : space, first, more && more + offset, to + offset, rows, depth, planeOut, later.low, later.high);
      }
  });
  return out;
}

/** Rows of `a` by columns of `b`; of more axes the first ones are a batch, which `b` has too or has not. */
function matmul(plan, node, [a, b]) {
  const [rows, depth] = a.shape.slice(-2);
  const columns = b.shape.at(-1);
  const outer = a.shape.slice(0, -2);
  const same = b.shape.length > 2;
  if (a.shape.length < 2 || (same && String(b.shape.slice(0, -2)) !== String(outer))) throw new Error("this page cannot multiply like that");
  const later = fused(plan, node, null, false);
  const out = plan.fresh([...outer, rows, columns]);
  for (const reader of later.done) plan.skip(reader, out);
  const [x, y, to] = [plan.at(a), plan.at(b), plan.at(out)];
  const [times, high] = same ? [size(outer), rows] : [1, size(outer) * rows];
  plan.step(() => () => {
    for (let n = 0; n < times; n++)
      plan.kernel.product(x + n * rows * depth * 4, y + n * depth * columns * 4, 0, 0, to + n * rows * columns * 4, high, depth, columns, later.low, later.high);
  });
  return out;
}

function gemm(plan, { attributes, ...node }, [a, b, c]) {
  const [alpha, beta] = [attributes.alpha ?? 1, attributes.beta ?? 1];
  if (alpha !== 1 || (c && beta !== 1)) throw new Error("this page cannot scale a product");
  const left = attributes.transA ? permutation(plan, a, [1, 0]) : a;
  const right = attributes.transB ? permutation(plan, b, [1, 0]) : b;
  const product = matmul(plan, { ...node, outputs: [""] }, [left, right]);
  if (!c) return product;
  const shape = product.shape;
  const spread = moved(plan, c, shape, walk(shape, c.shape.length < 2 ? [0, c.shape[0] > 1 ? 1 : 0] : [c.shape[0] > 1 ? c.shape[1] : 0, c.shape[1] > 1 ? 1 : 0]));
  const out = plan.fresh(shape);
  const [x, y, to, count] = [plan.at(product), plan.at(spread), plan.at(out), size(shape)];
  plan.step(() => () => plan.kernel.combine(0, x, y, to, count, 1, 1));
  return out;
}

function pool(mean) {
  return (plan, node, [input]) => {
    const [batch, channels, ...sides] = input.shape;
    const kernel = node.attributes.kernel_shape;
    const { steps, top, left, bottom, right, out: outSides } = geometry(node, sides, kernel);
    if (mean && node.attributes.count_include_pad && top + left + bottom + right) throw new Error("this page pools what is there only");
    return pooled(plan, input, [batch, channels, ...outSides], kernel, steps, top, left, mean);
  };
}

function globalPool(mean) {
  return (plan, node, [input]) => {
    const [batch, channels, ...sides] = input.shape;
    return pooled(plan, input, [batch, channels, 1, 1], sides, [1, 1], 0, 0, mean);
  };
}

function pooled(plan, input, shape, kernel, steps, top, left, mean) {
  const out = plan.fresh(shape);
  const planes = shape[0] * shape[1];
  const numbers = [planes, ...input.shape.slice(2), ...kernel, ...steps, top, left, ...shape.slice(2), mean];
  const [from, to] = [plan.at(input), plan.at(out)];
  plan.step(() => () => plan.kernel.pool(from, to, ...numbers));
  return out;
}

export const CONVOLUTION = {
  AveragePool: pool(1),
  Conv: conv,
  Gemm: gemm,
  GlobalAveragePool: globalPool(1),
  GlobalMaxPool: globalPool(0),
  MatMul: matmul,
  MaxPool: pool(0),
};
