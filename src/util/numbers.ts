/**
 * Integers and doubles as text, with Redis's strictness. 64-bit integers are numbers while safe
 * and BigInts past 2^53; this module is where that rule lives.
 */

/** The 64-bit integer that a text is in canonical decimal form, else undefined. No allocation while safe. */
export function parseInt64(buf: Uint8Array, off: number, len: number): number | bigint | undefined {
  if (len === 0 || len > 20) return undefined;
  const negative = buf[off] === 45;
  let i = negative ? off + 1 : off;
  const end = off + len;
  const first = buf[i]! - 48;
  if (i === end || first < 0 || first > 9) return undefined;
  if (first === 0) return len === 1 ? 0 : undefined;
  if (end - i > 15) return parseLong(buf, off, len);
  let n = 0;
  for (; i < end; i++) {
    const d = buf[i]! - 48;
    if (d < 0 || d > 9) return undefined;
    n = n * 10 + d;
  }
  return negative ? -n : n;
}

function parseLong(buf: Uint8Array, off: number, len: number): number | bigint | undefined {
  let text = '';
  for (let i = off; i < off + len; i++) {
    const c = buf[i]!;
    if ((c < 48 || c > 57) && !(c === 45 && i === off)) return undefined;
    text += String.fromCharCode(c);
  }
  const value = BigInt(text);
  if (value > 9223372036854775807n || value < -9223372036854775808n) return undefined;
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : value;
}

/** Whether a text is the canonical decimal form of a 64-bit integer. */
export function isInt64Text(buf: Uint8Array, off: number, len: number): boolean {
  return parseInt64(buf, off, len) !== undefined;
}

/** Writes a safe integer's decimal text at `pos`; returns the position behind it. */
export function writeInt(buf: Uint8Array, pos: number, value: number): number {
  let n = value;
  let p = pos;
  if (n < 0) {
    buf[p++] = 45;
    n = -n;
  }
  let digits = 1;
  for (let limit = 10; n >= limit; limit *= 10) digits++;
  const end = p + digits;
  p = end;
  while (n > 0x7fffffff) {
    const q = Math.floor(n / 10);
    buf[--p] = 48 + (n - q * 10);
    n = q;
  }
  let m = n | 0;
  do {
    const q = (m / 10) | 0;
    buf[--p] = 48 + (m - q * 10);
    m = q;
  } while (m > 0);
  return end;
}

/** The shortest text that reads back as the same double, in Redis's spelling. */
export function formatDouble(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  if (Number.isNaN(value)) return 'nan';
  return Object.is(value, -0) ? '-0' : String(value);
}
