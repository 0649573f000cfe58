/**
 * The longest common subsequence of two byte strings, with the choices that Redis makes among
 * equals. The table takes 4 * (m + 1) * (n + 1) bytes; the caller limits it.
 * Source: behaviour of redis-server 7.0.15 (LCS); the textbook dynamic programme.
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

/** Bytes of working memory for strings of these lengths. */
export function lcsMemory(aLength: number, bLength: number): number {
  return (aLength + 1) * (bLength + 1) * 4;
}

/** lengths[i * (n + 1) + j]: the longest common subsequence of a[0 .. i) and b[0 .. j). */
function lengthTable(a: Uint8Array, b: Uint8Array): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    const row = i * width;
    const above = row - width;
    const byte = a[i - 1];
    for (let j = 1; j <= b.length; j++) {
      if (byte === b[j - 1]) table[row + j] = table[above + j - 1]! + 1;
      else {
        const up = table[above + j]!;
        const left = table[row + j - 1]!;
        table[row + j] = Math.max(up, left);
      }
    }
  }
  return table;
}

/** O(a.length * b.length) time and memory. */
export function lcs(a: Uint8Array, b: Uint8Array): LcsResult {
  const width = b.length + 1;
  const table = lengthTable(a, b);
  const length = table[table.length - 1]!;
  const bytes = new Uint8Array(length);
  const matches: LcsMatch[] = [];
  let open: { aStart: number; aEnd: number; bStart: number; bEnd: number } | undefined;
  let i = a.length;
  let j = b.length;
  let left = length;
  while (i > 0 && j > 0) {
    let done = false;
    if (a[i - 1] === b[j - 1]) {
      bytes[--left] = a[i - 1]!;
      if (open === undefined) open = { aStart: i - 1, aEnd: i - 1, bStart: j - 1, bEnd: j - 1 };
      else if (open.aStart === i && open.bStart === j) {
        open.aStart--;
        open.bStart--;
      } else done = true;
      if (open.aStart === 0 || open.bStart === 0) done = true;
      i--;
      j--;
    } else {
      // Of two equally good ways Redis takes the one that shortens b.
      if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) i--;
      else j--;
      done = open !== undefined;
    }
    if (done && open !== undefined) {
      matches.push(open);
      open = undefined;
    }
  }
  return { length, bytes, matches };
}
