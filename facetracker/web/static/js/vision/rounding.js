// Rounding, as OpenCV and Python do it.

/** Rounding as the processor does it, and with it OpenCV and Python. */
export function roundHalfEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

export function roundHalfUp(value) {
  return Math.floor(value + 0.5);
}

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
