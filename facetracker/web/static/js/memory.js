// What the page remembers from visit to visit: settings, never pictures. A browser may forbid it.

const PREFIX = "facetracker.";

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // private windows and notebooks' frames: then it is forgotten
  }
}

export function remembered(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}
