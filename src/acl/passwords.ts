/**
 * Passwords are kept as SHA-256 digests, and compared in a time that tells nothing of them.
 */
import { crypto } from '../util/crypto.ts';

const HASH = /^[0-9a-f]{64}$/;

/** Whether a text is a digest as rules name it. */
export function isHash(text: string): boolean {
  return HASH.test(text);
}

/** The digest of a password, in lower case hexadecimal digits. */
export function hashOf(password: Uint8Array | string): string {
  const bytes = typeof password === 'string' ? Buffer.from(password, 'latin1') : password;
  return crypto().createHash('sha256').update(bytes).digest('hex');
}

/** Compared with when there is nothing to compare with: no password has it. */
const NO_DIGEST = new Uint8Array(32);

/**
 * Whether the password is one of those with these digests (32 bytes each). The time depends on the
 * length of the password and the number of digests only.
 */
export function isOneOf(password: Uint8Array, digests: readonly Uint8Array[]): boolean {
  const { createHash, timingSafeEqual } = crypto();
  const given = createHash('sha256').update(password).digest();
  if (digests.length === 0) timingSafeEqual(given, NO_DIGEST);
  let found = false;
  for (const digest of digests) if (timingSafeEqual(given, digest)) found = true;
  return found;
}
