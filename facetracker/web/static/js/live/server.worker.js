// Sends frames to the server as JPEG over a WebSocket and hands the answers on. Runs in a worker: packing costs time.

const LONGEST = 640; // pixels; larger frames are scaled down before they are sent
const QUALITY = 0.85;
const SOONEST = 500; // ms before the first new attempt after a lost connection, doubled each time
const LATEST = 8000;

let socket, address;
let attempts = 0;
let closed = false;
let settings = { follow: true };
const sizes = new Map(); // of frames under way: number -> {width, height, sent}
let canvas, context;

self.onmessage = async ({ data }) => {
  if (data.type === "open") {
    address = new URL("ws/detect", data.base);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    connect();
  } else if (data.type === "settings") {
    const { type, forget, ...rest } = data;
    settings = { ...settings, ...rest };
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(settings));
  } else if (data.type === "frame") {
    try {
      await send(data);
    } catch (error) {
      sizes.delete(data.number);
      self.postMessage({ type: "skipped", number: data.number, error: String(error.message ?? error) });
    }
  } else if (data.type === "close") {
    closed = true;
    socket?.close();
    self.close();
  }
};

function connect() {
  socket = new WebSocket(address);
  socket.onopen = () => {
    attempts = 0;
    socket.send(JSON.stringify(settings));
    self.postMessage({ type: "ready" });
  };
  socket.onmessage = ({ data }) => answer(JSON.parse(data));
  socket.onclose = () => {
    for (const number of sizes.keys()) self.postMessage({ type: "skipped", number });
    sizes.clear();
    if (closed) return;
    self.postMessage({ type: "error", error: "The connection to the server is lost.", fix: "Trying again…", lost: true });
    setTimeout(connect, Math.min(LATEST, SOONEST * 2 ** attempts++));
  };
}

async function send({ number, frame }) {
  const began = performance.now();
  if (socket.readyState !== WebSocket.OPEN) {
    frame.close();
    self.postMessage({ type: "skipped", number });
    return;
  }
  const width = frame.displayWidth ?? frame.width;
  const height = frame.displayHeight ?? frame.height;
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const [wide, high] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas?.width !== wide || canvas?.height !== high) {
    canvas = new OffscreenCanvas(wide, high);
    context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  }
  context.drawImage(frame, 0, 0, wide, high);
  frame.close();
  self.postMessage({ type: "read", number });
  const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  sizes.set(number, { width, height, pack: performance.now() - began });
  const message = new Uint8Array(4 + jpeg.size);
  new DataView(message.buffer).setUint32(0, number, true);
  message.set(new Uint8Array(await jpeg.arrayBuffer()), 4);
  socket.send(message);
}

function answer(told) {
  const frame = sizes.get(told.frame);
  sizes.delete(told.frame);
  if (told.error) {
    self.postMessage({ type: "error", number: told.frame, error: told.error, fix: told.fix });
  } else if (told.skipped) {
    self.postMessage({ type: "skipped", number: told.frame });
  } else if (frame) {
    const [x, y] = [frame.width / told.width, frame.height / told.height];
    const inFrame = (face) => ({
      ...face,
      box: [face.box[0] * x, face.box[1] * y, face.box[2] * x, face.box[3] * y],
      ...(face.points && { points: face.points.map((point) => [point[0] * x, point[1] * y]) }),
    });
    const [faces, found] = [told.faces.map(inFrame), told.found.map(inFrame)];
    const ms = { ...told.ms, pack: frame.pack };
    self.postMessage({ type: "faces", number: told.frame, width: frame.width, height: frame.height, faces, found, ms });
  }
}
