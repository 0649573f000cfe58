/**
 * Packed runs of a list's elements: what all texts of a full node begin with is kept once, before
 * the run, and each element is what follows, kept as text with the same lengths around it. So a
 * packed run is walked like any other, elements leave it at both ends and in the middle, and
 * nothing is ever added to it.
 *
 * Only texts of less than 4096 bytes are packed: a run with integers in it shares no prefix.
 */
import { putTrailer, trailerBytes } from '../memory/listpack-entry.ts';
import { copyBytes, sameBytes } from '../util/bytes.ts';

/** The longest prefix that is shared. */
export const PREFIX_MAX = 1023;
/** The longest text of an element of a packed run, its prefix included. */
export const PACKED_TEXT_MAX = 4095;
/** A run is packed when it becomes smaller by this part of it. */
const GAIN = 8;
/** Texts below this length have one byte of length before them. */
const SHORT = 64;
const SHORT_TEXT = 0x80;
const LONG_TEXT = 0xe0;

/**
 * How many bytes the texts of the run [from, end) begin with in common; 0 when there are integers
 * or very long texts among them, or when it would save too little. O(bytes in common).
 */
export function commonPrefix(u8: Uint8Array, from: number, end: number, count: number): number {
  const head = textHead(u8[from]!);
  if (head === 0) return 0;
  const first = from + head;
  const least = Math.ceil((end - from) / (GAIN * count));
  let prefix = Math.min(textLength(u8, from, head), PREFIX_MAX);
  for (let p = from; p < end; ) {
    const begin = u8[p]!;
    let len: number;
    let next: number;
    if ((begin & 0xc0) === SHORT_TEXT) {
      len = begin & 0x3f;
      p++;
      next = p + len + 1;
    } else {
      const bytes = textHead(begin);
      if (bytes === 0) return 0;
      len = textLength(u8, p, bytes);
      p += bytes;
      next = p + len + trailerBytes(bytes + len);
    }
    if (len < prefix) prefix = len;
    let same = 0;
    while (same < prefix && u8[p + same] === u8[first + same]) same++;
    if (same < least) return 0;
    prefix = same;
    p = next;
  }
  return prefix;
}

/**
 * Writes the run [from, end) to `to` without the first `prefix` bytes of each text; returns the
 * position behind it. It takes at least `prefix` bytes less for each element. O(bytes).
 */
export function packRun(
  u8: Uint8Array,
  from: number,
  end: number,
  prefix: number,
  target: Uint8Array,
  to: number,
): number {
  let q = to;
  for (let p = from; p < end; ) {
    const begin = u8[p]!;
    if ((begin & 0xc0) === SHORT_TEXT) {
      // As below, for what most elements are.
      const rest = (begin & 0x3f) - prefix;
      p += 1 + prefix;
      target[q++] = SHORT_TEXT | rest;
      for (const stop = p + rest; p < stop; ) target[q++] = u8[p++]!;
      target[q++] = rest + 1;
      p++;
      continue;
    }
    const head = textHead(begin);
    const len = textLength(u8, p, head);
    q = putHead(target, q, len - prefix);
    copyBytes(u8, p + head + prefix, target, q, len - prefix);
    q = putEnd(target, q + len - prefix, len - prefix);
    p += head + len + trailerBytes(head + len);
  }
  return q;
}

/** Bytes of the run [from, end) when each text has `prefix` bytes more. O(elements). */
export function unpackedBytes(u8: Uint8Array, from: number, end: number, prefix: number): number {
  let total = 0;
  for (let p = from; p < end; ) {
    const head = textHead(u8[p]!);
    const len = textLength(u8, p, head);
    const body = len + prefix + (len + prefix < SHORT ? 1 : 2);
    total += body + trailerBytes(body);
    p += head + len + trailerBytes(head + len);
  }
  return total;
}

/**
 * Writes the packed run [from, end), whose prefix is the `prefix` bytes at `prefixAt`, to `to` as
 * it was before; returns the position behind it. O(bytes).
 */
export function unpackRun(
  u8: Uint8Array,
  prefixAt: number,
  prefix: number,
  from: number,
  end: number,
  target: Uint8Array,
  to: number,
): number {
  let q = to;
  for (let p = from; p < end; ) {
    const head = textHead(u8[p]!);
    const len = textLength(u8, p, head);
    q = putHead(target, q, len + prefix);
    copyBytes(u8, prefixAt, target, q, prefix);
    copyBytes(u8, p + head, target, q + prefix, len);
    q = putEnd(target, q + prefix + len, len + prefix);
    p += head + len + trailerBytes(head + len);
  }
  return q;
}

/**
 * Whether the element at p of a packed run, whose prefix is the `prefix` bytes at `prefixAt`, has
 * this text. O(len).
 */
export function matchesPacked(
  u8: Uint8Array,
  p: number,
  prefixAt: number,
  prefix: number,
  buf: Uint8Array,
  off: number,
  len: number,
): boolean {
  const head = textHead(u8[p]!);
  const rest = textLength(u8, p, head);
  if (rest + prefix !== len) return false;
  // What is left of the text tells more than what all of them begin with.
  return (
    sameBytes(u8, p + head, buf, off + prefix, rest) && sameBytes(u8, prefixAt, buf, off, prefix)
  );
}

/** Bytes before a text that begins like this; 0 when it is an integer or too long. */
export function textHead(first: number): number {
  if (first < SHORT_TEXT) return 0;
  if (first < 0xc0) return 1;
  return first >= LONG_TEXT && first < 0xf0 ? 2 : 0;
}

function textLength(u8: Uint8Array, p: number, head: number): number {
  return head === 1 ? u8[p]! & 0x3f : ((u8[p]! & 0xf) << 8) | u8[p + 1]!;
}

function putHead(u8: Uint8Array, p: number, len: number): number {
  if (len < SHORT) {
    u8[p] = SHORT_TEXT | len;
    return p + 1;
  }
  u8[p] = LONG_TEXT | (len >> 8);
  u8[p + 1] = len;
  return p + 2;
}

/** A text's end: the length of it and of what is before it. Returns the position behind. */
function putEnd(u8: Uint8Array, p: number, len: number): number {
  const body = len + (len < SHORT ? 1 : 2);
  putTrailer(u8, p, body);
  return p + trailerBytes(body);
}
