/**
 * Splitting an inline command into arguments with redis-cli's quoting rules: "…" with \n \r \t \b
 * \a \xHH escapes, '…' with \', and a closing quote must be followed by a space or the end.
 * Source: behaviour of redis-server 7.0.15 (sdssplitargs).
 */
import type { Args } from '../util/args.ts';

/** Quotes were not balanced. */
export class SplitError extends Error {}

const QUOTE = 34;
const APOSTROPHE = 39;
const BACKSLASH = 92;

/**
 * Fills `args` with the arguments of `buf[from .. to)`. A line without quotes is not copied.
 * Throws SplitError. O(length).
 */
export function splitInto(args: Args, buf: Uint8Array, from: number, to: number): void {
  args.clear();
  args.buf = buf;
  for (let i = from; i < to; i++) {
    const c = buf[i]!;
    if (c === QUOTE || c === APOSTROPHE || c === 0) {
      splitQuoted(args, buf, from, to);
      return;
    }
  }
  let i = from;
  while (i < to) {
    while (i < to && isSpace(buf[i]!)) i++;
    const start = i;
    while (i < to && !isSpace(buf[i]!)) i++;
    if (i > start) args.push(start, i - start);
  }
}

function splitQuoted(args: Args, buf: Uint8Array, from: number, lineEnd: number): void {
  // A NUL ends the line, as it does in C.
  const nul = buf.subarray(from, lineEnd).indexOf(0);
  const to = nul < 0 ? lineEnd : from + nul;
  const out = new Uint8Array(to - from);
  args.buf = out;
  let n = 0;
  let i = from;
  for (;;) {
    while (i < to && isSpace(buf[i]!)) i++;
    if (i >= to) return;
    const start = n;
    while (i < to && !isSpace(buf[i]!)) {
      const c = buf[i]!;
      if (c !== QUOTE && c !== APOSTROPHE) {
        out[n++] = c;
        i++;
        continue;
      }
      i++;
      for (;;) {
        if (i >= to) throw new SplitError();
        const q = buf[i]!;
        if (q === c) {
          i++;
          if (i < to && !isSpace(buf[i]!)) throw new SplitError();
          break;
        }
        if (q === BACKSLASH && c === QUOTE && i + 1 < to) {
          const hex = buf[i + 1] === 120 && i + 3 < to ? hexByte(buf[i + 2]!, buf[i + 3]!) : -1;
          out[n++] = hex >= 0 ? hex : escaped(buf[i + 1]!);
          i += hex >= 0 ? 4 : 2;
        } else if (q === BACKSLASH && c === APOSTROPHE && buf[i + 1] === APOSTROPHE) {
          out[n++] = APOSTROPHE;
          i += 2;
        } else {
          out[n++] = q;
          i++;
        }
      }
    }
    args.push(start, n - start);
  }
}

function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

function hexByte(a: number, b: number): number {
  const high = hexDigit(a);
  const low = hexDigit(b);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  return c >= 65 && c <= 70 ? c - 55 : -1;
}

function escaped(c: number): number {
  if (c === 110) return 10;
  if (c === 114) return 13;
  if (c === 116) return 9;
  if (c === 98) return 8;
  return c === 97 ? 7 : c;
}
