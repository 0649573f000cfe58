/**
 * The longest common subsequence of two byte strings, with the choices that Redis makes among
 * equals.
 *
 * Redis fills a table L of 32-bit lengths, L[i][j] for a[0 .. i) and b[0 .. j), and walks it back
 * from its end: equal bytes belong to the subsequence, else it drops a's byte if L[i-1][j] >
 * L[i][j-1], else b's. Here the table holds one bit per cell, whether L[i][j] = L[i][j-1]: where
 * the bytes differ, L[i][j] is the larger of the two neighbours, so the bit is 0 exactly when
 * Redis drops a's byte. A row of bits follows from the one above with a few word operations per 32
 * cells (Hyyro 2004, after Crochemore and others 2001), so this needs about a 32nd of Redis's
 * memory and much less of its time. The answer is the same (test/datatypes/lcs-oracle.test.ts).
 * Source: behaviour of redis-server 7.0.15.
 */

/** A stretch of equal bytes: both ends included, positions from 0. */
export interface LcsMatch {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
}

export interface LcsResult {
  readonly length: number;
  /** The subsequence itself. */
  readonly bytes: Uint8Array;
  /** From the end of the strings to their beginning. */
  readonly matches: readonly LcsMatch[];
}

export interface LcsOptions {
  /** Shorter matches are left out of `matches`; they still count in `length`. Default 0: none. */
  readonly minMatchLen?: number;
}

/**
 * Bytes of working memory that redis-server 7.0.15 needs for strings of these lengths; it refuses
 * to work ("transient memory for LCS exceeds proto-max-bulk-len") where they exceed that directive.
 * lcs() takes less: about a 32nd of it, for the shortest of strings a kilobyte at least.
 */
export function lcsMemory(aLength: number, bLength: number): number {
  return (aLength + 1) * (bLength + 1) * 4;
}

/**
 * The subsequence of `a` and `b`, which are only read, and where it is found in both: for LCS with
 * IDX or without options. O(a.length * b.length / 32) time and as many words of memory.
 */
export function lcs(a: Uint8Array, b: Uint8Array, options: LcsOptions = {}): LcsResult {
  const masks = new Masks(a, b);
  const { words } = masks;
  // Row 0 stands for the empty a; all bits are 1, no cell exceeds its left neighbour.
  const rows = new Int32Array((a.length + 1) * words).fill(-1, 0, words);
  for (let i = 1; i <= a.length; i++) {
    nextRow(rows, (i - 1) * words, i * words, masks, a[i - 1]!);
  }
  const length = zeros(rows, a.length * words, b.length);
  return walkBack(a, b, rows, words, length, options.minMatchLen ?? 0);
}

/**
 * Only the length of the longest common subsequence: LCS with LEN. O(a.length * b.length / 32)
 * time; O(shorter) memory, but for a table of at most 32 bytes per byte of the shorter.
 */
export function lcsLength(a: Uint8Array, b: Uint8Array): number {
  const [long, short] = a.length < b.length ? [b, a] : [a, b];
  const masks = new Masks(long, short);
  const row = new Int32Array(masks.words).fill(-1);
  for (let i = 0; i < long.length; i++) nextRow(row, 0, 0, masks, long[i]!);
  return zeros(row, 0, short.length);
}

/** For every byte value that both strings have: a bit string of the places where b has it. */
class Masks {
  /** Words for a bit of every byte of b. */
  readonly words: number;
  readonly bits: Int32Array;
  /** Where a byte's bits begin; -1 for a byte that b lacks. */
  readonly start = new Int32Array(256).fill(-1);

  constructor(a: Uint8Array, b: Uint8Array) {
    this.words = (b.length + 31) >>> 5;
    const wanted = new Uint8Array(256);
    for (let i = 0; i < a.length; i++) wanted[a[i]!] = 1;
    let size = 0;
    for (let j = 0; j < b.length; j++) {
      const byte = b[j]!;
      if (wanted[byte] === 0 || this.start[byte]! >= 0) continue;
      this.start[byte] = size;
      size += this.words;
    }
    this.bits = new Int32Array(size);
    for (let j = 0; j < b.length; j++) {
      const start = this.start[b[j]!]!;
      if (start >= 0) this.bits[start + (j >>> 5)]! |= 1 << (j & 31);
    }
  }
}

/**
 * The row for one more byte of a, from the one at `fromAt` to the one at `toAt`, which may be the
 * same: v' = (v + (v & m)) | (v & ~m), one long addition.
 */
function nextRow(rows: Int32Array, fromAt: number, toAt: number, masks: Masks, byte: number): void {
  const { bits, words } = masks;
  const start = masks.start[byte]!;
  if (start < 0) {
    if (toAt !== fromAt) rows.copyWithin(toAt, fromAt, fromAt + words);
    return;
  }
  let carry = 0;
  for (let w = 0; w < words; w++) {
    const v = rows[fromAt + w]!;
    const m = bits[start + w]!;
    const sum = (v >>> 0) + ((v & m) >>> 0) + carry;
    carry = sum > 0xffffffff ? 1 : 0;
    rows[toAt + w] = sum | (v & ~m);
  }
}

/** Zero bits among the first `count` from word `at` on: the last length of a row of L. */
function zeros(row: Int32Array, at: number, count: number): number {
  let n = 0;
  for (let j = 0; j < count; j++) {
    if (((row[at + (j >>> 5)]! >>> (j & 31)) & 1) === 0) n++;
  }
  return n;
}

interface OpenMatch {
  aStart: number;
  aEnd: number;
  bStart: number;
  bEnd: number;
}

/** From the end of both strings to their beginning, as Redis goes. */
function walkBack(
  a: Uint8Array,
  b: Uint8Array,
  rows: Int32Array,
  words: number,
  length: number,
  minMatchLen: number,
): LcsResult {
  const bytes = new Uint8Array(length);
  const matches: LcsMatch[] = [];
  let open: OpenMatch | undefined;
  let left = length;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    const isEqual = a[i - 1] === b[j - 1];
    if (!isEqual) {
      const bit = (rows[i * words + ((j - 1) >>> 5)]! >>> ((j - 1) & 31)) & 1;
      if (bit === 0) i--;
      else j--;
    } else {
      i--;
      j--;
      bytes[--left] = a[i]!;
      if (open === undefined) open = { aStart: i, aEnd: i, bStart: j, bEnd: j };
      else {
        // Contiguous: any step between two matches has closed the first.
        open.aStart = i;
        open.bStart = j;
      }
    }
    // Redis closes a match when it leaves it or when it has reached the start of a string.
    if (open !== undefined && (!isEqual || i === 0 || j === 0)) {
      if (open.aEnd - open.aStart + 1 >= minMatchLen) matches.push(open);
      open = undefined;
    }
  }
  return { length, bytes, matches };
}
