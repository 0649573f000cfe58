/**
 * Bytes as text with one character each: lossless, and a key for maps.
 */

/** Buffer's own, which takes any bytes and makes no view of them; its typings leave it out. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** The text of `buf[off .. off + len)`. O(len). */
export function latin1(buf: Uint8Array, off: number, len: number): string {
  return latin1Slice.call(buf, off, off + len);
}

/** Bytes as text that cannot steer a terminal: `?` for all but printable ASCII. O(bytes). */
export function printable(bytes: Uint8Array): string {
  const shown = Uint8Array.from(bytes, (c) => (c < 0x20 || c > 0x7e ? 0x3f : c));
  return latin1(shown, 0, shown.length);
}
