/**
 * Node's cryptography, loaded when it is first needed: its modules and OpenSSL's own start take
 * 3 ms and 0.7 MB, and most servers never hash or encrypt anything.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** The module `node:crypto`. */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

/** Where systems have their own generator, the one that seeds OpenSSL's. */
const SOURCE = '/dev/urandom';

/** Unpredictable bytes, a few of them: from the system, or from OpenSSL where it has no file. */
export function randomBytes(count: number, source = SOURCE): Buffer {
  return fromFile(source, count) ?? crypto().randomBytes(count);
}

function fromFile(source: string, count: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(count);
  let file: number | undefined;
  try {
    file = openSync(source, 'r');
    return readSync(file, bytes, 0, count, null) === count ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
