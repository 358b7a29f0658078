// Keeping what is on the stage: a snapshot as PNG, a film as WebM or MP4. Both land in the browser's downloads.

import { make } from "../dom.js";

const KINDS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** Records a canvas that `start` returns; the stage draws into it while `recording`. */
export class Recorder {
  get recording() {
    return Boolean(this.recorder);
  }

  start(width, height) {
    const type = KINDS.find((kind) => window.MediaRecorder?.isTypeSupported(kind));
    if (!type) throw Object.assign(new Error("This browser cannot record."), { fix: "Use a current Chrome, Edge or Firefox." });
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.context = this.canvas.getContext("2d", { alpha: false });
    const parts = [];
    const recorder = new MediaRecorder(this.canvas.captureStream(30), { mimeType: type, videoBitsPerSecond: 4e6 });
    recorder.ondataavailable = ({ data }) => data.size && parts.push(data);
    this.finished = new Promise((resolve) => (recorder.onstop = () => resolve(new Blob(parts, { type }))));
    recorder.start(1000);
    this.recorder = recorder;
  }

  /** Ends the film and gives it to the person. */
  async stop() {
    const { recorder } = this;
    this.recorder = null;
    recorder.stop();
    recorder.stream.getTracks().forEach((track) => track.stop());
    const film = await this.finished;
    return save(film, film.type.startsWith("video/mp4") ? "mp4" : "webm");
  }
}

/** Hands a file to the person as a download called after the time; returns the name. */
export function save(blob, suffix) {
  return hand(blob, `facetracker-${stamp()}.${suffix}`);
}

/** Hands a file to the person as a download. */
export function hand(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return name;
}

function stamp() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}
