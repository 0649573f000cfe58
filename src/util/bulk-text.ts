/** Pieces of RESP, written where the writer's position is a local variable. */
import { LOOP_MAX } from './bytes.ts';
import { writeInt } from './numbers.ts';

/** Shorter texts are copied by a loop. */
export const SHORT_TEXT = LOOP_MAX;
/** What a short bulk string takes beside its text, at most. */
export const SHORT_BULK_EXTRA = 8;

/** What a bulk string begins with. */
export const DOLLAR = 36;
const CR = 13;
const LF = 10;

/**
 * Writes a bulk string of fewer than SHORT_TEXT bytes at `out[at]`, where there is room for it and
 * SHORT_BULK_EXTRA; returns where it ends.
 */
export function putShortBulk(
  out: Uint8Array,
  at: number,
  text: Uint8Array,
  off: number,
  len: number,
): number {
  const p = putHeader(out, at, DOLLAR, len);
  for (let i = 0; i < len; i++) out[p + i] = text[off + i]!;
  return putLineEnd(out, p + len);
}

/** As `putShortBulk`, of a text that begins at a word of `words`; `view` is that of `out`. */
export function putAlignedBulk(
  out: Uint8Array,
  view: DataView,
  at: number,
  words: Int32Array,
  off: number,
  len: number,
): number {
  const p = putHeader(out, at, DOLLAR, len);
  // What the last word has beyond the text is overwritten or lies behind the end.
  for (let i = 0, w = off; i < len; i += 4, w++) view.setInt32(p + i, words[w]!, true);
  return putLineEnd(out, p + len);
}

/** Writes what comes before a text, an array or a number: its type, a whole number, a line end. */
export function putHeader(out: Uint8Array, at: number, type: number, n: number): number {
  let p = at;
  out[p++] = type;
  if (n >= 0 && n < 10) out[p++] = 48 + n;
  else if (n >= 10 && n < 100) {
    const tens = (n / 10) | 0;
    out[p++] = 48 + tens;
    out[p++] = 48 + n - tens * 10;
  } else p = writeInt(out, p, n);
  return putLineEnd(out, p);
}

export function putLineEnd(out: Uint8Array, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}
