/**
 * LZF, the compression of long strings in RDB files: runs of literal bytes and references to what
 * was written at most 8192 bytes ago.
 *
 *     000nnnnn                    n + 1 literal bytes follow (1 to 32)
 *     nnnooooo oooooooo           n + 2 bytes (3 to 8) from offset o + 1 back; n is 1 to 6
 *     111ooooo nnnnnnnn oooooooo  n + 9 bytes (9 to 264) from offset o + 1 back
 *
 * A reference may overlap what it writes. Neither direction trusts its input: lengths are known to
 * be right before anything is written.
 * Source: the format as redis-server 7.0.15 reads and writes it.
 */

const LITERALS_MAX = 32;
const OFFSET_MAX = 8192;
const MATCH_MAX = 264;
const MATCH_MIN = 3;
const TABLE = 1 << 16;
/**
 * Room that must be left for a match, and for the last bytes when no match can begin any more. Less
 * would do, but so Redis has it, and whether a string is compressed shows in its payload.
 */
const MATCH_ROOM = 5;
const TAIL_ROOM = 3;

/**
 * Where three bytes with a hash were seen last, as `base` + position + 1. Every call starts from
 * a larger base, so what earlier calls left counts as not seen and the table needs no clearing.
 */
const seen = new Int32Array(TABLE);
const BASE_MAX = 0x3fffffff;
let base = 0;

/**
 * Of the three bytes at p. The letters of one case differ in their low five bits, so texts hardly
 * collide: 0.5% smaller output than with a multiplicative hash.
 */
function hashAt(buf: Uint8Array, p: number): number {
  return ((buf[p]! << 10) ^ (buf[p + 1]! << 5) ^ buf[p + 2]!) & (TABLE - 1);
}

/**
 * Compresses `buf[off .. off + len)` into `out`, from `at` on, where `room` bytes may be written.
 * Returns how many were, or 0 when they do not suffice. Greedy: the latest place with the same
 * three bytes is taken, and of the bytes inside a match only the last two are noted. Nothing refers
 * to the very first byte, as in Redis. O(len).
 */
export function lzfCompress(
  buf: Uint8Array,
  off: number,
  len: number,
  out: Uint8Array,
  at: number,
  room: number,
): number {
  if (len < MATCH_MIN + 1) return 0;
  if (base + len > BASE_MAX) {
    seen.fill(0);
    base = 0;
  }
  // What position p is noted as is p + shift; what is below `base` + 1 is of an earlier call.
  const shift = base + 1 - off;
  base += len + 1;
  const end = off + len;
  const lastStart = end - MATCH_MIN;
  const outEnd = at + room;
  let from = off;
  let p = off;
  let q = at;
  while (p <= lastStart) {
    const hash = hashAt(buf, p);
    const before = seen[hash]! - shift;
    seen[hash] = p + shift;
    const distance = p - before;
    if (before <= off || distance > OFFSET_MAX || !sameThree(buf, before, p)) {
      p++;
      continue;
    }
    const most = longestMatch(end - p);
    let length = MATCH_MIN;
    while (length < most && buf[before + length] === buf[p + length]) length++;
    q = putLiterals(buf, from, p, out, q, outEnd - MATCH_ROOM);
    if (q < 0) return 0;
    q = putMatch(out, q, length, distance - 1);
    p += length;
    from = p;
    for (let i = p - 2; i < p && i <= lastStart; i++) seen[hashAt(buf, i)] = i + shift;
  }
  const literals = p - from;
  if (q + 1 + literals + (literals >> 5) + TAIL_ROOM > outEnd) return 0;
  return putLiterals(buf, from, end, out, q, outEnd) - at;
}

/**
 * How long a match may be when so many bytes are left. It keeps off the last two, except where it
 * could be 17 or 18 bytes: then it may reach 19. Nothing but Redis's very bytes depends on that.
 */
function longestMatch(left: number): number {
  const most = Math.min(MATCH_MAX, left - 2);
  return most === 17 || most === 18 ? 19 : most;
}

function sameThree(buf: Uint8Array, a: number, b: number): boolean {
  return buf[a] === buf[b] && buf[a + 1] === buf[b + 1] && buf[a + 2] === buf[b + 2];
}

/** Writes [from, to) as literal runs; the position behind, or -1 when it would pass `outEnd`. */
function putLiterals(
  buf: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
  outEnd: number,
): number {
  const count = to - from;
  if (at + count + Math.ceil(count / LITERALS_MAX) > outEnd) return -1;
  let q = at;
  for (let p = from; p < to; p += LITERALS_MAX) {
    const run = Math.min(LITERALS_MAX, to - p);
    out[q++] = run - 1;
    for (let i = 0; i < run; i++) out[q++] = buf[p + i]!;
  }
  return q;
}

function putMatch(out: Uint8Array, at: number, length: number, offset: number): number {
  let q = at;
  if (length < 9) out[q++] = ((length - 2) << 5) | (offset >> 8);
  else {
    out[q++] = (7 << 5) | (offset >> 8);
    out[q++] = length - 9;
  }
  out[q++] = offset;
  return q;
}

/**
 * How long compressed bytes are when decompressed; -1 when they are unsound: cut off, or referring
 * to what is before the start. Writes nothing. O(len).
 */
export function lzfLength(buf: Uint8Array, off: number, len: number): number {
  const end = off + len;
  let p = off;
  let total = 0;
  while (p < end) {
    const control = buf[p++]!;
    if (control < LITERALS_MAX) {
      p += control + 1;
      total += control + 1;
      if (p > end) return -1;
      continue;
    }
    let length = (control >> 5) + 2;
    if (length === 9) {
      if (p >= end) return -1;
      length += buf[p++]!;
    }
    if (p >= end) return -1;
    const offset = ((control & 0x1f) << 8) | buf[p++]!;
    if (offset >= total) return -1;
    total += length;
  }
  return total;
}

/**
 * Decompresses bytes, of which anybody may be the author, into `out[at .. at + room)`. Returns
 * whether they are sound and fill it exactly; else what is there is undefined. O(room).
 */
export function lzfDecompress(
  buf: Uint8Array,
  off: number,
  len: number,
  out: Uint8Array,
  at: number,
  room: number,
): boolean {
  const end = off + len;
  const outEnd = at + room;
  let p = off;
  let q = at;
  while (p < end) {
    const control = buf[p++]!;
    if (control < LITERALS_MAX) {
      if (p + control >= end || q + control >= outEnd) return false;
      for (let i = 0; i <= control; i++) out[q++] = buf[p++]!;
      continue;
    }
    let length = (control >> 5) + 2;
    if (length === 9) {
      if (p >= end) return false;
      length += buf[p++]!;
    }
    if (p >= end) return false;
    let from = q - 1 - (((control & 0x1f) << 8) | buf[p++]!);
    if (from < at || q + length > outEnd) return false;
    for (let i = 0; i < length; i++) out[q++] = out[from++]!;
  }
  return q === outEnd;
}
