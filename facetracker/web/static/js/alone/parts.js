// What lies in the page's own file, in `<script type="text/plain" id="part-NAME">`: text, or bytes packed as text.

/** A part as it stands. */
export function textOf(name) {
  const part = document.getElementById(`part-${name}`);
  if (!part) throw new Error(`this file is damaged: it holds no ${name}`);
  return part.textContent;
}

/** The bytes of a part that was compressed and written as base64. */
export async function unpacked(name) {
  const packed = Uint8Array.from(atob(textOf(name)), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
