// The server's answers as values; a refusal becomes an Error with the server's own line and its way out.

import { address } from "./address.js";

export { address };

/** Asks the server. `body` is sent as JSON unless it is a Blob. */
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  const options = { method, headers: { ...headers }, signal };
  if (body instanceof Blob) {
    options.body = body;
    options.headers["Content-Type"] = body.type;
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(address(path), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw refusal("The server does not answer.", "Is `facetracker web` still running? Start it again, then reload.");
  }
  const told = await response.json().catch(() => null);
  if (!response.ok) throw refusal(told?.error ?? `The server refused (${response.status}).`, told?.fix, response.status, told);
  return told;
}

export const state = () => ask("api/state");

export const photos = (order = "") => ask(`api/photos${order ? `?order=${order}` : ""}`);

export const imageOf = (name) => address(`api/photos/${encodeURIComponent(name)}/image`);

export const labelOf = (name) => ask(`api/photos/${encodeURIComponent(name)}/label`);

/** Writes the boxes of a photo; `etag` is what was read, null where no file was. */
export function putLabel(name, etag, body) {
  const headers = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
  return ask(`api/photos/${encodeURIComponent(name)}/label`, { method: "PUT", body, headers });
}

/** Takes a person's first save of a photo back; the photo as nobody had seen it. */
export const dropLabel = (name, etag) =>
  ask(`api/photos/${encodeURIComponent(name)}/label`, { method: "DELETE", headers: { "If-Match": etag } });

/** Moves a photo into the bin; the answer's `ticket` brings it back. */
export const binPhoto = (name) => ask(`api/photos/${encodeURIComponent(name)}`, { method: "DELETE" });

/** The boxes of several photos, and where the learner stands. */
export const suggestions = (names) => post("api/suggestions", { names });

export const post = (path, body) => ask(path, { method: "POST", body });

function refusal(message, fix = "", status = 0, told = null) {
  return Object.assign(new Error(message), { fix, status, told });
}
