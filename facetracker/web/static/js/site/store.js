// Photos, labels and the tracker in the browser's own storage: nobody else can read it, and clearing the site's data
// deletes it.

const NAME = "facetracker";
const STORES = ["photos", "labels", "things"];

let opening;

/** Reads and writes by key: `photos` are `{name, file, blob, width, height, print}`, `labels` labelme's content. */
export const store = {
  get: (kind, key) => asked(kind, "readonly", (one) => one.get(key)),
  all: (kind) => asked(kind, "readonly", (one) => one.getAll()),
  put: (kind, key, value) => asked(kind, "readwrite", (one) => one.put(value, key)),
  delete: (kind, key) => asked(kind, "readwrite", (one) => one.delete(key)),
  clear: (kind) => asked(kind, "readwrite", (one) => one.clear()),
};

/** Asks the browser not to clear it when the disk is full; it may say no. */
export function keepSafe() {
  return navigator.storage?.persist?.().catch(() => false);
}

async function asked(kind, mode, ask) {
  const base = await (opening ??= opened());
  const turn = base.transaction(kind, mode);
  return new Promise((resolve, reject) => {
    const request = ask(turn.objectStore(kind));
    turn.oncomplete = () => resolve(request.result);
    turn.onerror = turn.onabort = () => reject(fault(turn.error ?? request.error));
  });
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => STORES.forEach((kind) => request.result.createObjectStore(kind));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(fault(request.error));
  });
}

function fault(error) {
  const full = error?.name === "QuotaExceededError";
  const message = full ? "This browser has no more room for photos." : `This browser cannot store photos (${error?.message ?? "no storage"}).`;
  const fix = full ? "Download your photos, then delete some." : "A private window may forbid it: open a normal one.";
  return Object.assign(new Error(message), { fix });
}
