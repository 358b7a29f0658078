// Operations that compute number by number, or over whole axes.

import { HOW } from "./kernels.js";
import { axesOf, broadcast, broadcastPlaces, moved, permutation, size } from "./places.js";
import { kindOf } from "./onnx.js";

const truth = (value) => (value ? 1 : 0);
const TWO = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: (a, b) => Math.max(a, b),
  Min: (a, b) => Math.min(a, b),
  Pow: (a, b) => a ** b,
  Mod: (a, b) => ((a % b) + b) % b,
  Less: (a, b) => truth(a < b),
  LessOrEqual: (a, b) => truth(a <= b),
  Greater: (a, b) => truth(a > b),
  GreaterOrEqual: (a, b) => truth(a >= b),
  Equal: (a, b) => truth(a === b),
  And: (a, b) => truth(a && b),
  Or: (a, b) => truth(a || b),
};
const TRUTHS = new Set(["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "And", "Or", "Not"]);
const ONE = {
  Abs: Math.abs,
  Ceil: Math.ceil,
  Exp: Math.exp,
  Floor: Math.floor,
  Log: Math.log,
  Neg: (x) => -x,
  Not: (x) => truth(!x),
  Reciprocal: (x) => 1 / x,
  Round: halfEven,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Sign: Math.sign,
  Softplus: (x) => Math.log1p(Math.exp(x)),
  Sqrt: Math.sqrt,
  Tanh: Math.tanh,
};
const OVER = {
  ReduceMax: { begin: -Infinity, join: Math.max },
  ReduceMin: { begin: Infinity, join: Math.min },
  ReduceMean: { begin: 0, join: (a, b) => a + b, end: (sum, count) => sum / count },
  ReduceProd: { begin: 1, join: (a, b) => a * b },
  ReduceSum: { begin: 0, join: (a, b) => a + b },
};

/** Rounding to the nearest whole number, halves to the even one. */
function halfEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** out[i] = f(in[i]). */
export function each(plan, input, f, kind = input.kind) {
  if (input.data) return plan.constant(input.shape, Array.from(input.data, f), kind);
  const out = plan.fresh(input.shape, kind);
  plan.step(() => {
    const [from, to] = [plan.view(input), plan.view(out)];
    return () => {
      for (let i = 0; i < to.length; i++) to[i] = f(from[i]);
    };
  });
  return out;
}

/** Kept within two bounds. */
export function bounded(plan, input, low, high) {
  if (input.data) return each(plan, input, (x) => Math.min(Math.max(x, low), high));
  const out = plan.fresh(input.shape, input.kind);
  const [from, to, count] = [plan.at(input), plan.at(out), size(input.shape)];
  plan.step(() => () => plan.kernel.clamp(from, to, count, low, high));
  return out;
}

/** Two tensors joined number by number, each spread to the shape of both. */
function both(plan, op, a, b) {
  const shape = broadcast(a.shape, b.shape);
  const whole = a.kind !== "float" && b.kind !== "float";
  const kind = TRUTHS.has(op) ? "bool" : whole ? a.kind : "float";
  const f = op === "Div" && whole ? (x, y) => Math.trunc(x / y) : TWO[op];
  if (a.data && b.data) {
    const [left, right] = [a, b].map((one) => broadcastPlaces(one.shape, shape));
    return plan.constant(shape, Array.from({ length: size(shape) }, (_, i) => f(a.data[left[i]], b.data[right[i]])), kind);
  }
  const out = plan.fresh(shape, kind);
  const count = size(shape);
  const quick = op in HOW && !(op === "Div" && whole);
  const [left, right] = [a, b].map((one) => spread(plan, one, shape));
  if (quick) {
    const [x, y, to] = [plan.at(left), plan.at(right), plan.at(out)];
    const [across, along] = [left, right].map((one) => truth(size(one.shape) > 1 || count === 1));
    plan.step(() => () => plan.kernel.combine(HOW[op], x, y, to, count, across, along));
    return out;
  }
  plan.step(() => {
    const [x, y, to] = [plan.view(left), plan.view(right), plan.view(out)];
    const [across, along] = [truth(x.length > 1), truth(y.length > 1)];
    return () => {
      for (let i = 0; i < count; i++) to[i] = f(x[i * across], y[i * along]);
    };
  });
  return out;
}

/** A tensor as large as `shape`, or a single number, which is as good. */
function spread(plan, tensor, shape) {
  if (size(tensor.shape) === 1) return tensor;
  return moved(plan, tensor, shape, broadcastPlaces(tensor.shape, shape));
}

function binary(op) {
  return (plan, node, inputs) => inputs.reduce((joined, next) => both(plan, op, joined, next));
}

function reduce(op) {
  const { begin, join, end = (value) => value } = OVER[op];
  return (plan, { attributes }, [input, given]) => {
    const wanted = given ? Array.from(given.data) : (attributes.axes ?? []);
    if (!wanted.length && attributes.noop_with_empty_axes) return input;
    const axes = axesOf(wanted.length ? wanted : input.shape.map((_, i) => i), input.shape.length);
    const kept = input.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const order = permutation(plan, input, [...kept, ...axes]);
    const [outer, inner] = [kept, axes].map((list) => size(list.map((i) => input.shape[i])));
    const keeps = attributes.keepdims ?? 1;
    const shape = keeps ? input.shape.map((side, i) => (axes.includes(i) ? 1 : side)) : kept.map((i) => input.shape[i]);
    const fill = (from, to) => {
      for (let row = 0, at = 0; row < outer; row++) {
        let value = begin;
        for (let i = 0; i < inner; i++, at++) value = join(value, from[at]);
        to[row] = end(value, inner);
      }
    };
    if (order.data) {
      const values = new Float64Array(outer);
      fill(order.data, values);
      return plan.constant(shape, values, input.kind);
    }
    const out = plan.fresh(shape, input.kind);
    plan.step(() => {
      const [from, to] = [plan.view(order), plan.view(out)];
      return () => fill(from, to);
    });
    return out;
  };
}

function cast(plan, { attributes }, [input]) {
  const kind = kindOf(attributes.to);
  if (kind === "bool") return each(plan, input, (x) => truth(x !== 0), kind);
  if (kind === "int" && input.kind === "float") return each(plan, input, Math.trunc, kind);
  return input.data ? plan.constant(input.shape, input.data, kind) : plan.alias(input, input.shape, kind);
}

function clip(plan, { attributes }, [input, low, high]) {
  const bound = (given, attribute, otherwise) => given?.data?.[0] ?? attribute ?? otherwise;
  return bounded(plan, input, bound(low, attributes.min, -Infinity), bound(high, attributes.max, Infinity));
}

function softmax(plan, { attributes }, [input]) {
  const axis = axesOf([attributes.axis ?? -1], input.shape.length)[0];
  if (axis !== input.shape.length - 1) throw new Error("this page computes Softmax over the last axis only");
  const out = plan.fresh(input.shape);
  const wide = input.shape[axis];
  plan.step(() => {
    const [from, to] = [plan.view(input), plan.view(out)];
    return () => {
      for (let row = 0; row < to.length; row += wide) {
        const most = Math.max(...from.subarray(row, row + wide));
        let sum = 0;
        for (let i = row; i < row + wide; i++) sum += to[i] = Math.exp(from[i] - most);
        for (let i = row; i < row + wide; i++) to[i] /= sum;
      }
    };
  });
  return out;
}

/** Whole numbers of few bits, as int8 files hold them: a scale and a zero, for all or along an axis. */
function quantized(back) {
  return (plan, { attributes }, [input, scale, zero]) => {
    const along = scale.shape.length === 1 && scale.shape[0] > 1 ? axesOf([attributes.axis ?? 1], input.shape.length)[0] : -1;
    const inner = along < 0 ? size(input.shape) : size(input.shape.slice(along + 1));
    const [scales, zeros] = [scale.data, zero?.data ?? new Float64Array(scale.data.length)];
    const [least, most] = zero?.signed ? [-128, 127] : [0, 255];
    const f = back
      ? (x, k) => (x - zeros[k]) * scales[k]
      : (x, k) => Math.min(most, Math.max(least, halfEven(x / scales[k]) + zeros[k]));
    const fill = (from, to) => {
      for (let i = 0; i < to.length; i++) to[i] = f(from[i], along < 0 ? 0 : Math.floor(i / inner) % scales.length);
    };
    const kind = back ? "float" : "int";
    if (input.data) {
      const values = new Float64Array(input.data.length);
      fill(input.data, values);
      return plan.constant(input.shape, values, kind);
    }
    const out = plan.fresh(input.shape, kind);
    plan.step(() => {
      const [from, to] = [plan.view(input), plan.view(out)];
      return () => fill(from, to);
    });
    return out;
  };
}

export const ARITHMETIC = {
  ...Object.fromEntries(Object.keys(TWO).map((op) => [op, binary(op)])),
  ...Object.fromEntries(Object.entries(ONE).map(([op, f]) => [op, (plan, node, [input]) => each(plan, input, f, TRUTHS.has(op) ? "bool" : input.kind)])),
  ...Object.fromEntries(Object.keys(OVER).map((op) => [op, reduce(op)])),
  Cast: cast,
  Clip: clip,
  DequantizeLinear: quantized(true),
  QuantizeLinear: quantized(false),
  Relu: (plan, node, [input]) => bounded(plan, input, 0, Infinity),
  Softmax: softmax,
};
