/** Short bulk strings of RESP, written where the writer's position is a local variable. */

/** Shorter texts are copied by a loop. */
export const SHORT_TEXT = 64;
/** What a short bulk string takes beside its text, at most. */
export const SHORT_BULK_EXTRA = 8;

const DOLLAR = 36;
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
  const p = putShortHeader(out, at, len);
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
  const p = putShortHeader(out, at, len);
  // What the last word has beyond the text is overwritten or lies behind the end.
  for (let i = 0, w = off; i < len; i += 4, w++) view.setInt32(p + i, words[w]!, true);
  return putLineEnd(out, p + len);
}

function putShortHeader(out: Uint8Array, at: number, len: number): number {
  let p = at;
  out[p] = DOLLAR;
  if (len < 10) {
    out[p + 1] = 48 + len;
    p += 2;
  } else {
    const tens = (len / 10) | 0;
    out[p + 1] = 48 + tens;
    out[p + 2] = 48 + len - tens * 10;
    p += 3;
  }
  return putLineEnd(out, p);
}

function putLineEnd(out: Uint8Array, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}
