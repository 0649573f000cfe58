/**
 * IFEQ, IFNE, IFDEQ, IFDNE: tests of a string's value or digest, shared by SET and DELEX.
 * A digest is XXH3-64 of the value in 16 hex digits. Source: Redis 8.4 documentation.
 */
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { xxh3Hex } from '../../util/xxh3.ts';
import type { Context } from '../context.ts';
import type { Grammar } from '../grammar.ts';

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

/** The four tests as alternatives in the notation of syntax lines. */
export const VALUE_TESTS =
  'IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest';
/** Their words: none may stand twice. */
export const TEST_WORDS = Object.keys(tests);

/** The test that a grammar with `VALUE_TESTS` has read. */
export class ValueTestOption {
  private readonly grammar: Grammar;
  /** One of the grammar's tests; the others are alternatives to it. */
  private readonly ifeq: number;
  /** By word of the grammar. */
  private readonly tests: (ValueTest | undefined)[] = [];

  constructor(grammar: Grammar) {
    this.grammar = grammar;
    this.ifeq = grammar.word('IFEQ');
    for (const [name, test] of Object.entries(tests)) this.tests[grammar.word(name)] = test;
  }

  /** The test; undefined when none is asked for. */
  get test(): ValueTest | undefined {
    const word = this.grammar.chosenWith(this.ifeq);
    return word < 0 ? undefined : this.tests[word];
  }

  /** The argument with its operand. */
  get at(): number {
    return this.grammar.at(this.grammar.chosenWith(this.ifeq));
  }
}

/** Whether one of the arguments from `from` on is the word of a test. */
export function namesTest(args: Args, from: number): boolean {
  for (let i = from; i < args.argc; i++)
    for (const word of TEST_WORDS) if (args.is(i, word)) return true;
  return false;
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
