/** Compares secrets in a time that does not tell how much of them matched. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether two secrets are equal; the time taken depends on their lengths only. */
export function sameSecret(expected: string, given: Uint8Array): boolean {
  const a = createHash('sha256').update(Buffer.from(expected, 'latin1')).digest();
  const b = createHash('sha256').update(given).digest();
  return timingSafeEqual(a, b);
}
