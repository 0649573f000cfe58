/**
 * Random command sequences over a few keys: all string, key and expiry commands with valid and
 * invalid options and the boundary values of every integer. The collections are in
 * generator-collections.ts.
 *
 * Nothing depends on the clock: expiry times are absolute and far away, or in the past, or refused.
 * Nothing counts keys that are over but not yet removed (DBSIZE, DEBUG DIGEST): when they go is nobody's promise.
 */
import fc from 'fast-check';
import type { Comparison } from '../harness/script.ts';
import {
  COLLECTION_COMPARISONS,
  COLLECTIONS,
  type Family,
  readersOf,
  UNDAMAGED,
} from './generator-collections.ts';
import {
  boundary,
  call,
  float,
  integer,
  KEYS,
  key,
  LEX_KEY,
  many,
  options,
  type Row,
  value,
  type Words,
  words,
} from './generator-words.ts';

/** Arguments are latin1: one character, one byte. */
export interface GeneratedCommand {
  readonly argv: readonly string[];
  readonly comparison: Comparison;
}

const exact: Comparison = { kind: 'exact' };

/** How replies of commands that are not exact are compared, by name. */
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  TTL: { kind: 'approx', tolerance: 1 },
  PTTL: { kind: 'approx', tolerance: 5000 },
  KEYS: { kind: 'unordered' },
  SCAN: { kind: 'unordered-deep' },
  RANDOMKEY: { kind: 'type' },
  ...COLLECTION_COMPARISONS,
};

/** Far in the future, far in the past, at the limits, or no time at all. */
const absoluteMs = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.integer({ min: 0, max: 20 }).map((n) => String(99_999_999_990_000 + n * 500)),
  },
  { weight: 1, arbitrary: fc.constantFrom('1', '1000', '1500000000000', '9223372036854775807') },
  { weight: 1, arbitrary: boundary.filter(isNotSoon) },
);
const absoluteSeconds = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 10 }).map((n) => String(99_999_999_990 + n)) },
  { weight: 1, arbitrary: fc.constantFrom('1', '1500000000', '9223372036854775') },
  { weight: 1, arbitrary: boundary.filter(isNotSoon) },
);
/** Relative times that come out the same on both servers: past, refused. */
const pastOrRefused = fc.constantFrom(
  ...['0', '-1', '-9223372036854775808', '9223372036854775807', '9223372036854775808', '1.5', 'x'],
);

/** A boundary value taken as a time in ms or s that is neither now nor soon. */
function isNotSoon(text: string): boolean {
  const number = Number(text);
  return (
    !(number > 1_500_000_000 && number < 10_000_000_000) && !(number > 1.5e12 && number < 1e13)
  );
}

const timeOption: Words = fc.oneof(
  fc.tuple(fc.constantFrom('PXAT', 'pxat'), absoluteMs),
  fc.tuple(fc.constantFrom('EXAT', 'exat'), absoluteSeconds),
  fc.tuple(fc.constantFrom('EX', 'PX'), pastOrRefused),
);
const setOption: Words = fc.oneof(
  { weight: 4, arbitrary: timeOption },
  { weight: 2, arbitrary: words('NX') },
  { weight: 2, arbitrary: words('XX') },
  { weight: 3, arbitrary: words('GET') },
  { weight: 2, arbitrary: words('KEEPTTL') },
  { weight: 1, arbitrary: fc.constantFrom(['nx'], ['Get'], ['PERSIST'], ['EX'], ['nosuch'], ['']) },
);
const expireOption: Words = fc.constantFrom(
  ...[['NX'], ['XX'], ['GT'], ['LT'], ['gt'], ['NX', 'XX'], ['XX', 'GT'], ['GT', 'LT'], ['no']],
);
const copyOption: Words = fc.constantFrom(
  ...[['REPLACE'], ['DB', '1'], ['DB', '0'], ['DB', '16'], ['replace', 'DB', '1'], ['DB'], ['no']],
);
const lcsOption: Words = fc.oneof(
  fc.constantFrom(
    ['LEN'],
    ['IDX'],
    ['WITHMATCHLEN'],
    ['MINMATCHLEN'],
    ['idx', 'withmatchlen'],
    ['no'],
  ),
  fc.tuple(fc.constant('MINMATCHLEN'), integer),
);
const database = fc.constantFrom('0', '0', '1', '1', '15', '16', '-1', 'x');
const pattern = fc.constantFrom('*', '?', 'a*', '[a-c]', '[^a]', '\\a', '', '__*__', '*\xff*', '[');

/** Each command with its weight. */
export const baseRows: readonly Row[] = [
  [12, call('SET', key, value, options(setOption, 3))],
  [6, call('GET', key)],
  [2, call('SETNX', key, value)],
  [1, call('SETEX', key, pastOrRefused, value)],
  [1, call('PSETEX', key, pastOrRefused, value)],
  [2, call('GETSET', key, value)],
  [2, call('GETDEL', key)],
  [3, call('GETEX', key, options(fc.oneof(timeOption, words('PERSIST'), words('no')), 2))],
  [3, call('GETRANGE', key, integer, integer)],
  [1, call('SUBSTR', key, integer, integer)],
  [3, call('SETRANGE', key, offset(), value)],
  [4, call('APPEND', key, value)],
  [2, call('STRLEN', key)],
  [2, call('MGET', key, many(key))],
  [2, call('MSET', key, value, pairs())],
  [2, call('MSETNX', key, value, pairs())],
  [3, call('INCR', key)],
  [3, call('DECR', key)],
  [4, call('INCRBY', key, integer)],
  [4, call('DECRBY', key, integer)],
  [4, call('INCRBYFLOAT', key, float)],
  [2, call('LCS', key, key, options(lcsOption, 2))],
  [3, call('DEL', key, many(key))],
  [1, call('UNLINK', key, many(key))],
  [2, call('EXISTS', key, many(key))],
  [1, call('TOUCH', key, many(key))],
  [2, call('TYPE', key)],
  [3, call('RENAME', key, key)],
  [2, call('RENAMENX', key, key)],
  [3, call('COPY', key, key, options(copyOption, 2))],
  [2, call('MOVE', key, database)],
  [2, call('EXPIREAT', key, absoluteSeconds, options(expireOption, 2))],
  [4, call('PEXPIREAT', key, absoluteMs, options(expireOption, 2))],
  [1, call('EXPIRE', key, pastOrRefused, options(expireOption, 1))],
  [1, call('PEXPIRE', key, pastOrRefused, options(expireOption, 1))],
  [1, call('TTL', key)],
  [1, call('PTTL', key)],
  [2, call('EXPIRETIME', key)],
  [3, call('PEXPIRETIME', key)],
  [2, call('PERSIST', key)],
  [3, call('OBJECT', fc.constantFrom('ENCODING', 'encoding'), key)],
  [1, call('OBJECT', fc.constantFrom('FREQ', 'REFCOUNT', 'nosuch'), fc.constant('missing'))],
  [1, call('KEYS', pattern)],
  [
    1,
    call(
      'SCAN',
      fc.constant('0'),
      fc.constant('COUNT'),
      fc.constant('100000'),
      options(scanOption(), 2),
    ),
  ],
  [1, call('RANDOMKEY')],
  [2, call('SELECT', database)],
  [0.3, call('SWAPDB', database, database)],
  [0.2, call('FLUSHDB', options(fc.constantFrom(['SYNC'], ['ASYNC'], ['no']), 1))],
  [0.3, call('ECHO', value)],
];

/** Random commands of strings and keys, and of the families that are switched on. */
export function generatedCommand(families: Iterable<Family> = []): fc.Arbitrary<GeneratedCommand> {
  const added = [...families].flatMap((family) => COLLECTIONS[family]);
  // Among collections, strings and keys are a third of the commands.
  const total = (rows: readonly Row[]) => rows.reduce((sum, [weight]) => sum + weight, 0);
  const scale = added.length === 0 ? 1 : total(added) / 2 / total(baseRows);
  const rows = [...baseRows.map(([weight, row]): Row => [weight * scale, row]), ...added];
  const wellFormed = fc.oneof(
    ...rows.map(([weight, arbitrary]) => ({ weight: Math.ceil(weight * 20), arbitrary })),
  );
  return fc
    .oneof({ weight: 19, arbitrary: wellFormed }, { weight: 1, arbitrary: damaged(wellFormed) })
    .map((argv) => ({ argv, comparison: COMPARISONS[argv[0]!] ?? exact }));
}

/** What is asked when a sequence is over: the contents of the keys of these families. */
export function closingChecks(families: Iterable<Family>): GeneratedCommand[] {
  return readersOf(families).map((argv) => ({ argv, comparison: COMPARISONS[argv[0]!] ?? exact }));
}

/** An argument too many or too few, or one that belongs elsewhere. */
function damaged(wellFormed: Words): Words {
  return (
    fc
      .tuple(
        wellFormed,
        fc.nat(5),
        fc.oneof(boundary, value, key),
        fc.constantFrom('drop', 'add', 'swap'),
      )
      .filter(([argv]) => !/^(SCAN|EXPIRE|PEXPIRE|SETEX|PSETEX)$/.test(argv[0]!))
      .filter(([argv]) => !UNDAMAGED.test(argv[0]!) && !argv.includes(LEX_KEY))
      .map(([argv, where, other, how]) => {
        const at = Math.min(1 + where, argv.length);
        if (how === 'add') return [...argv.slice(0, at), other, ...argv.slice(at)];
        return [...argv.slice(0, at), ...(how === 'swap' ? [other] : []), ...argv.slice(at + 1)];
      })
      // What damage makes of a time must not be one that passes while the test runs, and what is
      // over must be among the keys that are read at the end.
      .filter((argv) => !argv.some((arg, i) => i > 1 && isSoon(argv, i, arg)))
      .filter(
        (argv) => KEYS.includes(argv[1] ?? '') || !argv.some((arg) => /^(EX|PX)(AT)?$/i.test(arg)),
      )
  );
}

function isSoon(argv: readonly string[], i: number, arg: string): boolean {
  const before = argv[i - 1]!.toUpperCase();
  const absolute = /AT$/.test(before) || (i === 2 && /AT$/i.test(argv[0]!));
  const relative = /^(EX|PX)$/.test(before);
  const number = Number(arg);
  if (relative) return number > 0 && number < 1e18;
  return absolute && !isNotSoon(arg);
}

function pairs(): Words {
  return fc.array(fc.tuple(key, value), { maxLength: 2 }).map((list) => list.flat());
}

function scanOption(): Words {
  return fc.oneof(
    pattern.map((text) => ['MATCH', text]),
    fc.constantFrom(['TYPE', 'string'], ['TYPE', 'list'], ['TYPE', 'zset'], ['no']),
  );
}

/** Offsets that do not ask either server for hundreds of megabytes. */
function offset(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -2, max: 30 }).map(String) },
    {
      weight: 1,
      arbitrary: boundary.filter((text) => !(Number(text) > 1e6 && Number(text) < 536870912)),
    },
  );
}
