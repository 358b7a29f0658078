// A zip archive of files as they are: photos are compressed already.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
const UTF8 = 0x0800; // names are UTF-8
const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];
const VERSION = 20;

/** A zip of files `{path, bytes}` as a Blob; `at` is the time that they bear. */
export function zipped(files, at = new Date()) {
  const parts = [];
  const entries = [];
  let offset = 0;
  const time = (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1);
  const day = ((at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate();
  for (const { path, bytes } of files) {
    const name = new TextEncoder().encode(path);
    const about = [[VERSION, 2], [UTF8, 2], [0, 2], [time, 2], [day, 2], [crc(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]];
    const head = packed([[LOCAL, 4], ...about]);
    const more = [[0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]];
    entries.push(packed([[CENTRAL, 4], [VERSION, 2], ...about, ...more]), name);
    parts.push(head, name, bytes);
    offset += head.length + name.length + bytes.length;
  }
  const long = entries.reduce((sum, part) => sum + part.length, 0);
  const end = packed([[END, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [long, 4], [offset, 4], [0, 2]]);
  return new Blob([...parts, ...entries, end], { type: "application/zip" });
}

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** Numbers one after the other, each in so many bytes, the lowest first. */
function packed(numbers) {
  const bytes = new Uint8Array(numbers.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [number, size] of numbers) for (let i = 0; i < size; i++) bytes[at++] = Math.floor(number / 2 ** (8 * i)) & 255;
  return bytes;
}
