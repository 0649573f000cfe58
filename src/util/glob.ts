/**
 * Glob matching on bytes, as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET need it: `*`, `?`,
 * `[abc]`, `[^a-z]` and backslash escapes, byte for byte what redis-server 7.0.15 answers.
 *
 * Every element but `*` takes exactly one byte, so only the last star ever needs to be widened:
 * two cursors and one remembered position do the work, without recursion. Redis recurses per star
 * and gives up beyond 1000 nested ones; such a pattern is matched to its end here.
 *
 * Peculiarities kept on purpose:
 * - an empty text matches the empty pattern only, not even `*`;
 * - a class without `]` ends with the pattern; `[^` at the end stands for any byte;
 * - a range may be reversed, and its bounds compare as signed bytes (as `char` on x86);
 * - an escaped byte inside a class matches in its exact case even when `nocase` is set.
 */

const STAR = 0x2a;
const ANY = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

/**
 * Whether `text[tOff, tOff + tLen)` matches `pattern[pOff, pOff + pLen)`. `nocase` ignores the
 * case of ASCII letters. No allocation; O(pLen + tLen) unless literals behind a star nearly match
 * again and again, O(pLen * tLen) then.
 */
export function globMatch(
  pattern: Uint8Array,
  pOff: number,
  pLen: number,
  text: Uint8Array,
  tOff: number,
  tLen: number,
  nocase: boolean,
): boolean {
  const pEnd = pOff + pLen;
  const tEnd = tOff + tLen;
  if (tLen === 0) return pLen === 0;
  let p = pOff;
  let t = tOff;
  let retryPattern = -1; // behind the last star, or -1 before the first
  let retryText = 0; // where what follows that star was last tried
  while (t < tEnd) {
    if (p < pEnd && pattern[p] === STAR) {
      do p++;
      while (p < pEnd && pattern[p] === STAR);
      if (p === pEnd) return true;
      retryPattern = p;
      retryText = t;
      continue;
    }
    const next = p < pEnd ? matchOne(pattern, p, pEnd, text[t]!, nocase) : -1;
    if (next >= 0) {
      p = next;
      t++;
    } else {
      if (retryPattern < 0) return false;
      p = retryPattern;
      t = ++retryText;
    }
  }
  while (p < pEnd && pattern[p] === STAR) p++;
  return p === pEnd;
}

/** Matches the element at `p` (not a star) with one byte: offset behind the element, or -1. */
function matchOne(
  pattern: Uint8Array,
  p: number,
  pEnd: number,
  byte: number,
  nocase: boolean,
): number {
  let c = pattern[p]!;
  if (c === ANY) return p + 1;
  if (c === OPEN) return matchClass(pattern, p + 1, pEnd, byte, nocase);
  if (c === BACKSLASH && p + 1 < pEnd) c = pattern[++p]!;
  return c === byte || (nocase && lower(c) === lower(byte)) ? p + 1 : -1;
}

/** Matches the class whose first byte behind `[` is at `p`: offset behind the class, or -1. */
function matchClass(
  pattern: Uint8Array,
  p: number,
  pEnd: number,
  byte: number,
  nocase: boolean,
): number {
  const negated = p < pEnd && pattern[p] === CARET;
  if (negated) p++;
  let found = false;
  while (p < pEnd) {
    const c = pattern[p]!;
    if (c === BACKSLASH && p + 1 < pEnd) {
      if (pattern[p + 1] === byte) found = true;
      p += 2;
    } else if (c === CLOSE) {
      break;
    } else if (p + 2 < pEnd && pattern[p + 1] === DASH) {
      if (inRange(c, pattern[p + 2]!, byte, nocase)) found = true;
      p += 3;
    } else {
      if (c === byte || (nocase && lower(c) === lower(byte))) found = true;
      p++;
    }
  }
  if (found === negated) return -1;
  return p < pEnd ? p + 1 : pEnd;
}

/** The order of swapping and lowering is Redis's: `[a-Z]` without case is the range `z` to `a`. */
function inRange(from: number, to: number, byte: number, nocase: boolean): boolean {
  let start = signed(from);
  let end = signed(to);
  let c = signed(byte);
  if (start > end) {
    const swap = start;
    start = end;
    end = swap;
  }
  if (nocase) {
    start = lower(start);
    end = lower(end);
    c = lower(c);
  }
  return c >= start && c <= end;
}

/** `globMatch` for latin1 strings (one character per byte). Copies both: not for hot paths. */
export function globMatchString(pattern: string, text: string, nocase: boolean): boolean {
  const p = Buffer.from(pattern, 'latin1');
  const t = Buffer.from(text, 'latin1');
  return globMatch(p, 0, p.length, t, 0, t.length, nocase);
}
