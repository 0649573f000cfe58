/**
 * IFEQ, IFNE, IFDEQ, IFDNE: tests of a string's value or digest, shared by SET and DELEX.
 * A digest is XXH3-64 of the value in 16 hex digits. Source: Redis 8.4 documentation.
 */
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { xxh3Hex } from '../../util/xxh3.ts';
import type { Context } from '../context.ts';

export interface ValueTest {
  /** The value's digest is compared rather than the value. */
  readonly digest: boolean;
  /** The test passes when they differ. */
  readonly negated: boolean;
}

const tests = {
  IFEQ: { digest: false, negated: false },
  IFNE: { digest: false, negated: true },
  IFDEQ: { digest: true, negated: false },
  IFDNE: { digest: true, negated: true },
} as const satisfies Record<string, ValueTest>;

/** The test that argument i names, or undefined. */
export function valueTestOf(args: Args, i: number): ValueTest | undefined {
  if (args.is(i, 'IFEQ')) return tests.IFEQ;
  if (args.is(i, 'IFNE')) return tests.IFNE;
  if (args.is(i, 'IFDEQ')) return tests.IFDEQ;
  return args.is(i, 'IFDNE') ? tests.IFDNE : undefined;
}

const invalidDigest = new CommandError('ERR digest must be exactly 16 hexadecimal characters');

/**
 * Whether a key passes a test against argument i. A missing key passes the negated ones only.
 * Throws WRONGTYPE, and refuses what cannot be a digest. O(value length).
 */
export function passes(
  ctx: Context,
  entry: Entry,
  test: ValueTest,
  args: Args,
  i: number,
): boolean {
  if (test.digest && args.len[i] !== 16) throw invalidDigest;
  if (entry === 0) return test.negated;
  const { db } = ctx;
  db.locateString(entry);
  const same = test.digest
    ? xxh3Hex(db.valueBuf, db.valueOff, db.valueLen) === args.latin1(i).toLowerCase()
    : sameBytes(db.valueBuf, db.valueOff, db.valueLen, args, i);
  return same !== test.negated;
}

function sameBytes(buf: Uint8Array, off: number, len: number, args: Args, i: number): boolean {
  if (len !== args.len[i]) return false;
  const at = args.off[i]!;
  for (let k = 0; k < len; k++) if (buf[off + k] !== args.buf[at + k]) return false;
  return true;
}
