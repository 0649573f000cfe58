/**
 * What SCAN, HSCAN, SSCAN and ZSCAN share: cursor, options, and the reply of one step.
 */
import type { Text, Value } from '../datatypes/value.ts';
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import { globMatch } from '../util/glob.ts';
import type { Context } from './context.ts';
import { type Grammar, grammar } from './grammar.ts';
import { intArgument } from './integers.ts';

const invalidCursor = new CommandError('ERR invalid cursor');
const CURSOR_MAX = 2n ** 64n;

/** Reads a cursor as C's strtoul does: a sign is allowed, the value is taken modulo 2^64. */
export function cursorArgument(args: Args, i: number): number {
  const text = args.cString(i);
  let digits = text.startsWith('-') || text.startsWith('+') ? text.slice(1) : text;
  for (let k = 0; k < digits.length; k++) {
    const c = digits.charCodeAt(k);
    if (c < 48 || c > 57) throw invalidCursor;
  }
  if (digits === '') {
    if (text !== '') throw invalidCursor;
    digits = '0';
  }
  const value = BigInt(digits);
  if (value >= CURSOR_MAX) throw invalidCursor;
  return Number(BigInt.asUintN(32, text.startsWith('-') ? -value : value));
}

const plain = grammar('[MATCH pattern] [COUNT count]');
const typed = grammar(`${plain.line} [TYPE type]`);
const valueless = grammar(`${plain.line} [NOVALUES]`);
/** All three begin alike: these words have the same numbers in each. */
const MATCH = plain.word('MATCH');
const COUNT = plain.word('COUNT');
const TYPE = typed.word('TYPE');
const NOVALUES = valueless.word('NOVALUES');

/** The options of the scanning commands: of all, of SCAN, of HSCAN. */
export const scanGrammars = { plain, typed, valueless } as const;

/** What SCAN and its kin were asked for. */
export interface ScanOptions {
  readonly count: number;
  /** Position of the pattern, 0 for none. */
  readonly patternAt: number;
  readonly type: string | undefined;
  /** HSCAN: fields only. */
  readonly noValues: boolean;
}

/** Reads the options from argument `from` on; a count is checked where it stands, as in Redis. */
export function scanOptions(args: Args, from: number, options: Grammar = plain): ScanOptions {
  let count = 10;
  options.begin();
  for (let i = from; i < args.argc; ) {
    i = options.next(args, i);
    if (options.last !== COUNT) continue;
    count = intArgument(args, options.at(COUNT));
    if (count < 1) throw errors.syntax;
  }
  const type = options === typed && options.has(TYPE) ? options.at(TYPE) : 0;
  return {
    count,
    patternAt: options.at(MATCH),
    type: type === 0 ? undefined : args.latin1(type).toLowerCase(),
    noValues: options === valueless && options.has(NOVALUES),
  };
}

/** A collection that is scanned; `step` returns the next cursor. */
export interface Scanned {
  /** What the pattern is compared with, set before each emit. */
  readonly text: Text;
  step(cursor: number, emit: () => void): number;
  /** Writes one element; returns how many replies that were. */
  write(options: ScanOptions): number;
}

/**
 * One step of HSCAN, SSCAN or ZSCAN (`key cursor options`) on the collection at argument 1, which
 * is opened as `value`: cursor and elements. Of a missing key the options are not even read.
 */
export function replyScan(
  ctx: Context,
  args: Args,
  reply: Reply,
  value: Value,
  scanned: Scanned,
  grammarOfOptions: Grammar = plain,
): void {
  let cursor = cursorArgument(args, 2);
  if (ctx.db.readValue(args, 1, value) === 0) {
    reply.array(2);
    reply.bulkLatin1('0');
    reply.array(0);
    return;
  }
  const options = scanOptions(args, 3, grammarOfOptions);
  const { patternAt } = options;
  const all = patternAt === 0 || args.is(patternAt, '*');
  let seen = 0;
  let replied = 0;
  // The cursor is known last: the elements are written first and the head is put before them.
  const start = reply.beginDeferred();
  const emit = () => {
    seen++;
    const { buf, off, len } = scanned.text;
    const pattern = args.off[patternAt]!;
    if (all || globMatch(args.buf, pattern, args.len[patternAt]!, buf, off, len, false)) {
      replied += scanned.write(options);
    }
  };
  let left = options.count * 10;
  do cursor = scanned.step(cursor, emit);
  while (cursor !== 0 && left-- > 0 && seen < options.count);
  reply.endArray(start, replied);
  reply.insertBulk(start, String(cursor));
  reply.endArray(start, 2);
}
