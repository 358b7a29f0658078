// What each ONNX operation does: all that the networks of this package are made of.
//
// An operation gets the plan, its node and its inputs, and gives its output, or a list of them. An input's `data` is there
// where it is a constant; what is made of constants alone is a constant too.

import { ARITHMETIC } from "./arithmetic.js";
import { CONVOLUTION } from "./convolution.js";
import { MOVEMENT } from "./movement.js";
import { SELECTION } from "./selection.js";

export const OPERATIONS = { ...ARITHMETIC, ...CONVOLUTION, ...MOVEMENT, ...SELECTION };
