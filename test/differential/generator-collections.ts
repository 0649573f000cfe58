/**
 * Random commands of the collections, family by family: what our server does not have yet is left
 * out at run time.
 *
 * Members, fields and scores come from a small universe, so that commands meet. Left out is what
 * answers by chance (SPOP, HRANDFIELD...), unless the whole value is asked for, and what depends on
 * the clock. Ranges by bytes are asked of one key only, all of whose scores are equal: elsewhere
 * Redis does not say what they are.
 */
import fc from 'fast-check';
import type { Comparison } from '../harness/script.ts';
import {
  bulk,
  count,
  everything,
  field,
  fields,
  flagWith,
  hashKey,
  hashValue,
  listKey,
  listKeys,
  maybeCount,
  member,
  members,
  numberedMembers,
  range,
  setKey,
  setKeys,
  setResult,
  wholeScan,
  zsetKey,
} from './generator-parts.ts';
import { sortedSetRows } from './generator-sorted-sets.ts';
import { streamRows } from './generator-streams.ts';
import {
  call,
  float,
  HOMES,
  integer,
  key,
  LEX_KEY,
  many,
  options,
  type Row,
  small,
  words,
} from './generator-words.ts';

export type Family = 'hash' | 'set' | 'list' | 'zset' | 'sort' | 'stream';

const unordered: Comparison = { kind: 'unordered' };
const pairs: Comparison = { kind: 'unordered-pairs' };
const deep: Comparison = { kind: 'unordered-deep' };

/** How replies that are not exact are compared, by the name of the command. */
export const COLLECTION_COMPARISONS: Readonly<Record<string, Comparison>> = {
  ...Object.fromEntries(
    ['SMEMBERS', 'SINTER', 'SUNION', 'SDIFF', 'SPOP', 'SRANDMEMBER'].map((name) => [
      name,
      unordered,
    ]),
  ),
  ...{ HKEYS: unordered, HVALS: unordered, HGETALL: pairs },
  ...{ HSCAN: deep, SSCAN: deep, ZSCAN: deep },
  // Idle times; ids are no numbers and stay exact.
  XPENDING: { kind: 'approx', tolerance: 100_000 },
};

/** Commands that damage would make depend on chance, on the clock, or on an undefined order. */
export const UNDAMAGED =
  /^([HSZ]SCAN|SPOP|SRANDMEMBER|SORT|SORT_RO|LPOS|XCLAIM|XAUTOCLAIM|XADD|XPENDING)$/;

const hash: readonly Row[] = [
  [8, call('HSET', hashKey, fields)],
  [
    0.5,
    call(
      'HSET',
      hashKey,
      bulk((i) => [`m${i}`, String(i)]),
    ),
  ],
  [1, call('HMSET', hashKey, fields)],
  [2, call('HSETNX', hashKey, field, hashValue)],
  [2, call('HGET', hashKey, field)],
  [1, call('HMGET', hashKey, members)],
  [2, call('HDEL', hashKey, members)],
  [0.3, call('HDEL', hashKey, numberedMembers)],
  [1, call('HEXISTS', hashKey, field)],
  [1, call('HLEN', hashKey)],
  [1, call('HSTRLEN', hashKey, field)],
  [1, call('HKEYS', hashKey)],
  [1, call('HVALS', hashKey)],
  [2, call('HGETALL', hashKey)],
  [3, call('HINCRBY', hashKey, field, integer)],
  [3, call('HINCRBYFLOAT', hashKey, field, float)],
  [1, wholeScan('HSCAN', hashKey)],
];

const set: readonly Row[] = [
  [9, call('SADD', setKey, members)],
  [3, call('SADD', setKey, fc.array(integer, { minLength: 1, maxLength: 4 }))],
  [0.5, call('SADD', setKey, numberedMembers)],
  [
    0.5,
    call(
      'SADD',
      setKey,
      bulk((i) => [String(i * 2)]),
    ),
  ],
  [2, call('SREM', setKey, members)],
  [0.3, call('SREM', setKey, numberedMembers)],
  [2, call('SMEMBERS', setKey)],
  [1, call('SISMEMBER', setKey, member)],
  [1, call('SMISMEMBER', setKey, members)],
  [1, call('SCARD', setKey)],
  [3, call('SMOVE', setKey, setKey, member)],
  [0.5, call('SPOP', setKey, everything)],
  [0.5, call('SRANDMEMBER', setKey, everything)],
  [1, wholeScan('SSCAN', setKey)],
  ...['SINTER', 'SUNION', 'SDIFF'].map((name): Row => [1, call(name, setKey, many(setKey))]),
  ...['SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'].map(
    (name): Row => [2, call(name, setResult, setKey, many(setKey))],
  ),
  [1, call('SINTERCARD', setKeys, flagWith('LIMIT', count))],
];

const side = fc.oneof(
  { weight: 19, arbitrary: fc.constantFrom('LEFT', 'RIGHT', 'left') },
  { weight: 1, arbitrary: fc.constantFrom('MIDDLE', '') },
);
/** Redis 7.0 negates the least integer, with whatever comes of it. */
const rank = range.filter((text) => text !== '-9223372036854775808');
const list: readonly Row[] = [
  [6, call('LPUSH', listKey, members)],
  [6, call('RPUSH', listKey, members)],
  [
    0.5,
    call(
      'RPUSH',
      listKey,
      bulk((i) => [`m${i % 50}`]),
    ),
  ],
  [
    0.1,
    call(
      'LPUSH',
      listKey,
      bulk((i) => [String(i).repeat(30)]),
    ),
  ],
  [1, call('LPUSHX', listKey, members)],
  [1, call('RPUSHX', listKey, members)],
  [2, call('LPOP', listKey, maybeCount)],
  [2, call('RPOP', listKey, maybeCount)],
  [1, call('LLEN', listKey)],
  [3, call('LRANGE', listKey, range, range)],
  [2, call('LINDEX', listKey, range)],
  [3, call('LSET', listKey, range, member)],
  [3, call('LINSERT', listKey, fc.constantFrom('BEFORE', 'AFTER', 'after', 'x'), member, member)],
  [3, call('LREM', listKey, range, member)],
  [0.7, call('LTRIM', listKey, range, range)],
  [
    2,
    call(
      'LPOS',
      listKey,
      member,
      options(fc.tuple(fc.constantFrom('RANK', 'COUNT', 'MAXLEN', 'count', 'no'), rank), 3),
    ),
  ],
  [3, call('LMOVE', listKey, listKey, side, side)],
  [2, call('RPOPLPUSH', listKey, listKey)],
  [1, call('LMPOP', listKeys, side, flagWith('COUNT', count))],
];

/**
 * Equal weights are settled by the elements only when they are numbers, and ALPHA compares all
 * bytes only with STORE: everything else would be left to the sorting algorithm.
 */
const sortOptions = (more: readonly (readonly string[])[]) =>
  options(
    fc.oneof(
      fc.constantFrom(['DESC'], ['ASC'], ['GET', '#'], ['GET', '*'], ['GET', '*->b'], ['no']),
      fc.constantFrom(...more),
      fc.tuple(fc.constant('LIMIT'), small, small),
    ),
    3,
  );
const sortKey = fc.oneof(listKey, setKey, zsetKey);
const sort: readonly Row[] = [
  [
    2,
    call(
      'SORT',
      key,
      sortOptions([
        ['BY', '*'],
        ['BY', '*->a'],
      ]),
    ),
  ],
  [
    1,
    call(
      'SORT_RO',
      key,
      sortOptions([
        ['BY', '*'],
        ['BY', '*->a'],
      ]),
    ),
  ],
  [2, call('SORT', sortKey, words('ALPHA'), sortOptions([['alpha']]), fc.constant('STORE'), key)],
];

export const COLLECTIONS: Readonly<Record<Family, readonly Row[]>> = {
  hash,
  set,
  list,
  zset: sortedSetRows,
  sort,
  stream: streamRows,
};

/** The commands that a server must have for a family. */
export function commandsOf(family: Family): readonly string[] {
  const names = COLLECTIONS[family].map(
    ([, row]) => fc.sample(row, { numRuns: 1, seed: 0 })[0]![0]!,
  );
  return [...new Set(names)];
}

const READERS: Readonly<Record<Family, readonly string[]>> = {
  hash: ['HGETALL'],
  set: ['SMEMBERS'],
  list: ['LRANGE', '0', '-1'],
  zset: ['ZRANGE', '0', '-1', 'WITHSCORES'],
  sort: [],
  stream: ['XRANGE', '-', '+'],
};

/** Reads the whole values of the keys that each family calls its own. */
export function readersOf(families: Iterable<Family>): string[][] {
  return [...families].flatMap((family) => {
    const [command, ...rest] = READERS[family];
    if (command === undefined || family === 'sort') return [];
    const more = family === 'zset' ? [LEX_KEY] : [];
    return ['a', 'b', 'c', ...HOMES[family], ...more].map((name) => [command, name, ...rest]);
  });
}
