/**
 * Helpers for runs of bytes that everything else shares.
 *
 * The hottest copies (reply writer, arena, listpack entries) have the loop of `copyBytes` in place:
 * shared, it sees arrays of several kinds, and V8 compiles it for all of them.
 */

/** Bytes that lie in a larger buffer: a view, valid as long as its owner says. */
export interface Text {
  readonly buf: Uint8Array;
  readonly off: number;
  readonly len: number;
}

/** No bytes. */
export const EMPTY_BYTES = new Uint8Array(0);

/** Fewer bytes than this are copied faster by a loop than by a call (measured on Node 20). */
export const LOOP_MAX = 48;

/** Copies `len` bytes to a different buffer. O(len), allocates nothing for short ones. */
export function copyBytes(
  from: Uint8Array,
  fromOff: number,
  to: Uint8Array,
  toOff: number,
  len: number,
): void {
  if (len < LOOP_MAX) for (let i = 0; i < len; i++) to[toOff + i] = from[fromOff + i]!;
  else to.set(from.subarray(fromOff, fromOff + len), toOff);
}

/** Whether two runs of `len` bytes are equal. O(len). */
export function sameBytes(
  a: Uint8Array,
  aOff: number,
  b: Uint8Array,
  bOff: number,
  len: number,
): boolean {
  for (let i = 0; i < len; i++) if (a[aOff + i] !== b[bOff + i]) return false;
  return true;
}

/** The constructor with the option that this library version of TypeScript does not know. */
const Growable = SharedArrayBuffer as unknown as new (
  bytes: number,
  options: { maxByteLength: number },
) => SharedArrayBuffer;

/**
 * Zeroes whose pages come from the system itself and go back to it when V8 collects them: plain
 * buffers, those below 32 MiB above all, stay with the C library. Throws RangeError without memory.
 */
export function mappedBuffer(bytes: number): SharedArrayBuffer {
  return new Growable(bytes, { maxByteLength: bytes });
}
