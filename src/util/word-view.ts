/**
 * Words of the buffer that requests are read from. A key is hashed and compared four bytes at a
 * time where they can be had in one load, which takes a `DataView`; making one costs as much as
 * several keys. Nearly all keys lie in the one buffer that all connections read into, so the view
 * of that is kept, and bytes of any other buffer are read one by one.
 */
import { EMPTY_BYTES } from './bytes.ts';

/** Sizes of buffers that serve many requests: smaller ones come and go, larger are let go. */
const SIZE_MIN = 16 << 10;
const SIZE_MAX = 1 << 20;

let viewed: Uint8Array = EMPTY_BYTES;
let view: DataView = new DataView(EMPTY_BYTES.buffer);

/** The requests in `buf` are about to be read. */
export function readWordsOf(buf: Uint8Array): void {
  if (buf === viewed || buf.length < SIZE_MIN || buf.length > SIZE_MAX) return;
  viewed = buf;
  view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
}

/** Little-endian words of a buffer at any offset, if it is the one read now. */
export function wordsOf(buf: Uint8Array): DataView | undefined {
  return buf === viewed ? view : undefined;
}
