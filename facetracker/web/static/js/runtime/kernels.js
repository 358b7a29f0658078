// The kernels: the arithmetic in WebAssembly (scripts/tab_runtime/kernels.c), the quickest that this browser runs.

// The best first. The first computes products and sums in one step, which not every browser can.
const FILES = [
  { file: "kernels-fma.wasm", name: "WebAssembly, SIMD with fused sums" },
  { file: "kernels.wasm", name: "WebAssembly, SIMD" },
];
const PAGE = 65536;

/** How `combine` joins numbers; as in kernels.c. */
export const HOW = { Add: 0, Sub: 1, Mul: 2, Div: 3, Max: 4, Min: 5 };

/** The functions of kernels.c with their memory. `name` says which were chosen. */
export class Kernels {
  /** Opens the best: `bytes(file)` gives a file's bytes, and only those that are tried are asked for. */
  static async open(bytes) {
    for (const { file, name } of FILES) {
      const memory = new WebAssembly.Memory({ initial: 2 });
      try {
        const { instance } = await WebAssembly.instantiate(await bytes(file), { env: { memory } });
        return new Kernels(instance.exports, memory, name);
      } catch (error) {
        if (!(error instanceof WebAssembly.CompileError)) throw error;
      }
    }
    throw Object.assign(new Error("This browser is too old to run the model."), { fix: "Chrome 91, Firefox 89 or Safari 16.4 can." });
  }

  constructor(functions, memory, name) {
    Object.assign(this, { functions, memory, name });
    this.first = PAGE; // below lies the stack of the functions
  }

  /** Makes the memory as large as this many bytes. */
  reach(bytes) {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.memory.grow(missing);
  }
}
