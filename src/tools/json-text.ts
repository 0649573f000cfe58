/**
 * Bytes as JSON: a string when they are UTF-8, else `{"base64": "..."}`. Numbers past 2^53 are
 * strings of digits, as are scores that JSON has no number for.
 */
import { isUtf8 } from 'node:buffer';

export type JsonText = string | { readonly base64: string };

/** O(bytes). */
export function toJsonText(buf: Uint8Array, off: number, len: number): JsonText {
  const bytes = Buffer.from(buf.subarray(off, off + len));
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') };
}

/** The bytes; throws an Error that says what is wrong. */
export function fromJsonText(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (isObject(value) && typeof value['base64'] === 'string') {
    return Buffer.from(value['base64'], 'base64');
  }
  throw new Error(`a string or {"base64": ...} is expected, not ${shown(value)}`);
}

export function toJsonInt(n: number | bigint): number | string {
  return typeof n === 'number' ? n : n.toString();
}

/** An integer: a safe one as a number. */
export function fromJsonInt(value: unknown): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) {
    const n = BigInt(value);
    return Number.isSafeInteger(Number(n)) ? Number(n) : n;
  }
  throw new Error(`an integer is expected, not ${shown(value)}`);
}

export function toJsonScore(score: number): number | string {
  if (Object.is(score, -0)) return '-0';
  if (Number.isFinite(score)) return score;
  return score > 0 ? 'inf' : '-inf';
}

export function fromJsonScore(value: unknown): number {
  if (typeof value === 'number') return value;
  if (value === 'inf') return Number.POSITIVE_INFINITY;
  if (value === '-inf') return Number.NEGATIVE_INFINITY;
  if (value === '-0') return -0;
  throw new Error(`a score is expected, not ${shown(value)}`);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fromJsonList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`an array is expected, not ${shown(value)}`);
}

const SHOWN_MAX = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}
