// Where things lie: relative to the page, so that a proxy or a web host may put a folder before it.

/** The full address of a path. */
export function address(path) {
  return new URL(path, document.baseURI).href;
}
