// Recording a film with the camera of the Collect view: its frames go to the server, one by one, at their times.

import * as api from "../api.js";

export const SECONDS = 20;
const FPS = 10; // looked at one by one: more would take longer and show more of the same
const QUALITY = 0.9;

/** Records until the time is over or the signal says so; `ontell(seconds)` as it goes on. The film's name, or null. */
export async function recordFilm(video, { word, seconds = SECONDS, signal, ontell }) {
  const { film } = await api.post("api/record", { name: word || null });
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d", { alpha: false });
  const began = performance.now();
  let frames = 0;
  try {
    while (!signal.aborted) {
      const at = (performance.now() - began) / 1000;
      if (at > seconds) break;
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const body = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
      // One frame under way at a time: a slow machine gets fewer frames, and none is late.
      await api.ask(`api/record/${encodeURIComponent(film)}?t=${at.toFixed(3)}`, { method: "POST", body });
      frames += 1;
      ontell(Math.min(seconds, at));
      // Rounded: a timer that rings a little early would else ring again for the same frame.
      const due = began + (Math.round(at * FPS) + 1) * (1000 / FPS);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
  } finally {
    const ended = api.post(`api/record/${encodeURIComponent(film)}/end`, {});
    await (frames ? ended : ended.catch(() => {}));
  }
  return frames ? film : null;
}
