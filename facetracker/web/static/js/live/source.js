// Where frames come from: one of the browser's cameras, or a film or picture the person chooses.

/** What a camera is asked for: all that the model looks at, or more where a part of the picture is cut out. */
export const SMALL = { width: { ideal: 640 }, height: { ideal: 480 } };
export const LARGE = { width: { ideal: 1280 }, height: { ideal: 720 } };
// A face counts when it was seen three times in a row, so a picture is looked at as often, this many milliseconds apart.
const LOOKS = 3;
const BETWEEN_LOOKS = 150;
const LONGEST_LOOK = 5000; // after which the next one is tried without an answer to the one before

/** Fills a list with the cameras, the one that runs chosen, and `more` choices after them. */
export async function listCameras(select, running = "", more = []) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const found = devices.filter((device) => device.kind === "videoinput");
  // Without permission names and ids are empty: then there is one choice, whichever camera the browser gives.
  const options = found
    .filter((camera) => camera.deviceId)
    .map((camera, i) => new Option(camera.label || `Camera ${i + 1}`, camera.deviceId));
  if (!options.length) options.push(new Option("Camera", ""));
  options.push(...more);
  const wanted = running || select.value;
  select.replaceChildren(...options);
  select.value = options.some((option) => option.value === wanted) ? wanted : options[0].value;
}

/** Plays a camera or a file and calls `onframe(frame, at)` with every new frame, which the receiver must close. */
export class Source {
  constructor({ onframe = null, onend, video = document.createElement("video") }) {
    this.onframe = onframe;
    this.onend = onend;
    this.video = video;
    this.video.muted = true;
    this.video.playsInline = true;
    this.wanted = SMALL;
    this.turn = 0; // of the start under way: a later one or a stop makes earlier frames and answers void
  }

  get running() {
    return Boolean(this.stream || this.url);
  }

  async startCamera(deviceId = "") {
    this.stop();
    const turn = this.turn;
    if (!navigator.mediaDevices?.getUserMedia) {
      throw told("This page may not use a camera.", "Open it as http://127.0.0.1 or http://localhost, or choose a file.");
    }
    const wanted = { ...this.wanted, frameRate: { ideal: 30 } };
    if (deviceId) wanted.deviceId = { exact: deviceId };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      throw told(...reason(error));
    }
    if (turn !== this.turn) return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    stream.getVideoTracks()[0].onended = () => turn === this.turn && this.#lost();
    this.video.srcObject = stream;
    await this.video.play();
    if (this.onframe) this.#listen(turn);
    return stream.getVideoTracks()[0].getSettings().deviceId;
  }

  /** Asks a camera that runs for what is `wanted` now; one that cannot goes on as it is. */
  resize() {
    this.stream?.getVideoTracks()[0].applyConstraints({ ...this.wanted, frameRate: { ideal: 30 } }).catch(() => {});
  }

  /** A film runs in a loop; a picture gives a few equal frames now and whenever `again` is called. */
  async startFile(file) {
    this.stop();
    const turn = this.turn;
    this.url = URL.createObjectURL(file);
    this.file = file;
    if (file.type.startsWith("image/")) {
      this.still = await createImageBitmap(file).catch(() => null);
      if (!this.still) throw this.#unreadable(file);
      this.again();
      return;
    }
    this.video.srcObject = null;
    this.video.src = this.url;
    this.video.loop = true;
    try {
      await this.video.play();
    } catch {
      if (turn !== this.turn) return;
      throw this.#unreadable(file);
    }
    this.#listen(turn);
  }

  /** The picture again, after a setting changed. A later call ends the looks of an earlier one. */
  async again() {
    const looking = (this.looking = {});
    for (let look = 0; look < LOOKS; look += 1) {
      if (look) await Promise.all([wait(BETWEEN_LOOKS), Promise.race([looking.answer, wait(LONGEST_LOOK)])]);
      if (!this.still || this.looking !== looking) return;
      looking.answer = new Promise((resolve) => (looking.answered = resolve));
      const frame = await createImageBitmap(this.still);
      if (this.looking !== looking) return frame.close();
      this.onframe(frame, performance.now());
    }
  }

  /** A look was answered. Of frames that come meanwhile only the newest is looked at, so the next look waits for this. */
  heard() {
    this.looking?.answered?.();
  }

  stop() {
    this.turn += 1;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.still?.close();
    this.still = this.looking = null;
    this.video.pause();
    this.video.srcObject = null;
    if (this.url) {
      this.video.removeAttribute("src");
      this.video.load();
      URL.revokeObjectURL(this.url);
      this.url = null;
    }
  }

  #listen(turn) {
    const { video } = this;
    const take = async (now) => {
      if (turn !== this.turn) return;
      const at = performance.now();
      const frame = await grab(video);
      if (frame && turn === this.turn) this.onframe(frame, at);
      else frame?.close();
      next();
    };
    const next = () => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(take) : requestAnimationFrame(take));
    next();
  }

  #lost() {
    this.stop();
    this.onend(told("The camera is gone.", "Plug it in again, then press Start."));
  }

  #unreadable(file) {
    this.stop();
    return told(`${file.name} cannot be shown by this browser.`, "Try an MP4, WebM, JPEG or PNG file.");
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The video's frame without copying it where the browser can, else as a bitmap. */
async function grab(video) {
  if (!video.videoWidth) return null;
  if (typeof VideoFrame === "function") {
    try {
      return new VideoFrame(video, { timestamp: Math.round(performance.now() * 1000) });
    } catch {
      // a frame that is not there yet, or a film of another origin
    }
  }
  return createImageBitmap(video).catch(() => null);
}

function reason(error) {
  if (error.name === "NotAllowedError") {
    return ["The browser was not allowed to use the camera.", "Allow it beside the address, then press Start again."];
  }
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") {
    return ["There is no camera here.", "Plug one in, or choose a film or photo instead."];
  }
  if (error.name === "NotReadableError") {
    return ["The camera is in use by another program.", "Close that program, then press Start again."];
  }
  return [`The camera does not start (${error.message || error.name}).`, "Choose another one, or a file."];
}

function told(message, fix) {
  return Object.assign(new Error(message), { fix });
}
