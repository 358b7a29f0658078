// Where the page has its parts from: a web server, unless a page that has them with it says otherwise.

export const home = {
  /** A worker that looks at frames, "server" or "tab". */
  worker: (name) => new Worker(new URL(`${name}.worker.js`, import.meta.url), { type: "module" }),
  /** Bytes by name (model.json, model.onnx, ...) that need not be fetched. */
  files: {},
};
