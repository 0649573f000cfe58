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
  boundary,
  call,
  float,
  integer,
  key,
  many,
  options,
  small,
  type Words,
  words,
} from './generator-words.ts';

export type Family = 'hash' | 'set' | 'list' | 'zset' | 'sort' | 'stream';
export type Row = readonly [weight: number, words: Words];

/** A sorted set of equal scores. It is none of the keys that other commands choose from. */
export const LEX_KEY = 'lex';

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
  /^([HSZ]SCAN|SPOP|SRANDMEMBER|SORT|SORT_RO|XCLAIM|XAUTOCLAIM|XADD|XPENDING)$/;

/** 64 and 65 bytes: where Redis changes its encoding. */
const member = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'aa', 'B', '', '\0\xff') },
  { weight: 4, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom('3.0', '007', '-0', 'x'.repeat(64), 'x'.repeat(65)) },
  { weight: 1, arbitrary: fc.constantFrom('70000', '-5000000000', 'z'.repeat(300), '__proto__') },
  { weight: 1, arbitrary: boundary },
);
const members = fc.array(member, { minLength: 1, maxLength: 4 });
/** So many that every threshold is crossed by one command or two. */
const bulk = (shape: (i: number) => readonly string[]): Words =>
  fc.constantFrom(100, 127, 300).map((n) => Array.from({ length: n }, (_, i) => shape(i)).flat());
const range = fc.oneof({ weight: 9, arbitrary: small }, { weight: 1, arbitrary: boundary });
const count = fc.oneof(
  { weight: 6, arbitrary: fc.nat(5).map(String) },
  { weight: 1, arbitrary: range },
);
const flag = (...names: string[]): Words =>
  fc.oneof(fc.constant([]), fc.constantFrom(...names.map((name) => [name])));
const limit = (offset: fc.Arbitrary<string> = range): Words =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly string[]>([]) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('LIMIT'), offset, range) },
  );
/** `numkeys key...`; the number is wrong now and then. */
const keys = fc
  .tuple(fc.array(key, { minLength: 1, maxLength: 3 }), fc.nat(19))
  .map(([list, n]) => [n === 0 ? '2' : String(list.length), ...list]);
const scan: Words = options(
  fc.constantFrom(['MATCH', '*'], ['MATCH', 'a*'], ['MATCH', '?'], ['MATCH', ''], ['no']),
  2,
);
const wholeScan = (name: string) => call(name, key, words('0', 'COUNT', '100000'), scan);
const everything = fc.constantFrom('1000', '100000');

const field = member;
const hashValue = fc.oneof({ weight: 3, arbitrary: member }, { weight: 1, arbitrary: float });
const fields = fc
  .array(fc.tuple(field, hashValue), { minLength: 1, maxLength: 3 })
  .map((list) => list.flat());

const hash: readonly Row[] = [
  [5, call('HSET', key, fields)],
  [
    0.5,
    call(
      'HSET',
      key,
      bulk((i) => [`m${i}`, String(i)]),
    ),
  ],
  [1, call('HMSET', key, fields)],
  [2, call('HSETNX', key, field, hashValue)],
  [2, call('HGET', key, field)],
  [1, call('HMGET', key, members)],
  [4, call('HDEL', key, members)],
  [
    0.3,
    call(
      'HDEL',
      key,
      bulk((i) => [`m${i}`]),
    ),
  ],
  [1, call('HEXISTS', key, field)],
  [1, call('HLEN', key)],
  [1, call('HSTRLEN', key, field)],
  [1, call('HKEYS', key)],
  [1, call('HVALS', key)],
  [2, call('HGETALL', key)],
  [3, call('HINCRBY', key, field, integer)],
  [3, call('HINCRBYFLOAT', key, field, float)],
  [1, wholeScan('HSCAN')],
];

const set: readonly Row[] = [
  [6, call('SADD', key, members)],
  [3, call('SADD', key, fc.array(integer, { minLength: 1, maxLength: 4 }))],
  [
    0.5,
    call(
      'SADD',
      key,
      bulk((i) => [`m${i}`]),
    ),
  ],
  [
    0.5,
    call(
      'SADD',
      key,
      bulk((i) => [String(i * 2)]),
    ),
  ],
  [4, call('SREM', key, members)],
  [
    0.3,
    call(
      'SREM',
      key,
      bulk((i) => [`m${i}`]),
    ),
  ],
  [2, call('SMEMBERS', key)],
  [1, call('SISMEMBER', key, member)],
  [1, call('SMISMEMBER', key, members)],
  [1, call('SCARD', key)],
  [3, call('SMOVE', key, key, member)],
  [0.5, call('SPOP', key, everything)],
  [0.5, call('SRANDMEMBER', key, everything)],
  [1, wholeScan('SSCAN')],
  ...['SINTER', 'SUNION', 'SDIFF'].map((name): Row => [1, call(name, key, many(key))]),
  ...['SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'].map(
    (name): Row => [2, call(name, key, key, many(key))],
  ),
  [1, call('SINTERCARD', keys, flagWith('LIMIT', count))],
];

const side = fc.oneof(
  { weight: 19, arbitrary: fc.constantFrom('LEFT', 'RIGHT', 'left') },
  { weight: 1, arbitrary: fc.constantFrom('MIDDLE', '') },
);
const list: readonly Row[] = [
  [4, call('LPUSH', key, members)],
  [4, call('RPUSH', key, members)],
  [
    0.5,
    call(
      'RPUSH',
      key,
      bulk((i) => [`m${i % 50}`]),
    ),
  ],
  [
    0.1,
    call(
      'LPUSH',
      key,
      bulk((i) => [String(i).repeat(30)]),
    ),
  ],
  [1, call('LPUSHX', key, members)],
  [1, call('RPUSHX', key, members)],
  [
    2,
    call(
      'LPOP',
      key,
      options(
        count.map((n) => [n]),
        1,
      ),
    ),
  ],
  [
    2,
    call(
      'RPOP',
      key,
      options(
        count.map((n) => [n]),
        1,
      ),
    ),
  ],
  [1, call('LLEN', key)],
  [3, call('LRANGE', key, range, range)],
  [2, call('LINDEX', key, range)],
  [3, call('LSET', key, range, member)],
  [3, call('LINSERT', key, fc.constantFrom('BEFORE', 'AFTER', 'after', 'x'), member, member)],
  [3, call('LREM', key, range, member)],
  [2, call('LTRIM', key, range, range)],
  [
    2,
    call(
      'LPOS',
      key,
      member,
      options(fc.tuple(fc.constantFrom('RANK', 'COUNT', 'MAXLEN', 'count', 'no'), range), 3),
    ),
  ],
  [3, call('LMOVE', key, key, side, side)],
  [2, call('RPOPLPUSH', key, key)],
  [1, call('LMPOP', keys, side, flagWith('COUNT', count))],
];

const score = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('0', '1', '2', '3', '1', '2') },
  {
    weight: 3,
    arbitrary: fc.constantFrom('0.5', '-1.5', '3.0', '1e3', '-0', 'inf', '-inf', '+inf'),
  },
  { weight: 2, arbitrary: float },
);
const scoreBound = fc.oneof(
  { weight: 4, arbitrary: score },
  { weight: 2, arbitrary: score.map((text) => `(${text}`) },
  { weight: 2, arbitrary: fc.constantFrom('-inf', '+inf') },
);
const lexBound = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(fc.constantFrom('[', '('), member).map(([a, b]) => a + b) },
  { weight: 10, arbitrary: fc.constantFrom('-', '+') },
  { weight: 1, arbitrary: member },
);
const zaddOptions = options(
  fc.constantFrom(...['NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'ch', 'xx'].map((name) => [name])),
  2,
);
const scored = fc
  .array(fc.tuple(score, member), { minLength: 1, maxLength: 3 })
  .map((found) => found.flat());
const withScores = flag('WITHSCORES');
/** Scores that add up to the same in any order. */
const weight = fc.constantFrom('0', '1', '-1', '2', '0.5', 'inf', '-inf', 'x');
const combine = fc
  .tuple(
    fc.array(key, { minLength: 1, maxLength: 3 }),
    fc.option(fc.array(weight, { minLength: 3, maxLength: 3 })),
    fc.option(fc.constantFrom('SUM', 'MIN', 'MAX', 'min', 'AVG')),
  )
  .map(([chosen, weights, how]) => [
    ...[String(chosen.length), ...chosen],
    ...(weights === null ? [] : ['WEIGHTS', ...weights.slice(0, chosen.length)]),
    ...(how === null ? [] : ['AGGREGATE', how]),
  ]);
const zrange: Words = fc.oneof(
  fc.tuple(range, range, flag('REV')).map(([a, b, rev]) => [a, b, ...rev]),
  fc
    .tuple(scoreBound, scoreBound, flag('REV'), limit())
    .map(([a, b, rev, cut]) => [a, b, 'BYSCORE', ...rev, ...cut]),
);
const zset: readonly Row[] = [
  [8, call('ZADD', key, zaddOptions, scored)],
  [
    0.5,
    call(
      'ZADD',
      key,
      bulk((i) => [String(i % 40), `m${i}`]),
    ),
  ],
  [
    2,
    call(
      'ZADD',
      fc.constant(LEX_KEY),
      members.map((found) => found.flatMap((one) => ['0', one])),
    ),
  ],
  [3, call('ZINCRBY', key, score, member)],
  [4, call('ZREM', key, members)],
  [
    0.3,
    call(
      'ZREM',
      key,
      bulk((i) => [`m${i}`]),
    ),
  ],
  [1, call('ZREM', fc.constant(LEX_KEY), members)],
  [1, call('ZSCORE', key, member)],
  [1, call('ZMSCORE', key, members)],
  [1, call('ZCARD', key)],
  [2, call('ZRANK', key, member)],
  [2, call('ZREVRANK', key, member)],
  [2, call('ZCOUNT', key, scoreBound, scoreBound)],
  [
    1,
    call(
      'ZPOPMIN',
      key,
      options(
        count.map((n) => [n]),
        1,
      ),
    ),
  ],
  [
    1,
    call(
      'ZPOPMAX',
      key,
      options(
        count.map((n) => [n]),
        1,
      ),
    ),
  ],
  [1, call('ZMPOP', keys, fc.constantFrom('MIN', 'MAX', 'no'), flagWith('COUNT', count))],
  [4, call('ZRANGE', key, zrange, withScores)],
  [1, call('ZREVRANGE', key, range, range, withScores)],
  [1, call('ZRANGEBYSCORE', key, scoreBound, scoreBound, withScores, limit())],
  [1, call('ZREVRANGEBYSCORE', key, scoreBound, scoreBound, withScores, limit())],
  [2, call('ZRANGESTORE', key, key, zrange)],
  [1, call('ZREMRANGEBYRANK', key, range, range)],
  [1, call('ZREMRANGEBYSCORE', key, scoreBound, scoreBound)],
  [1, wholeScan('ZSCAN')],
  ...['ZINTER', 'ZUNION'].map((name): Row => [1, call(name, combine, withScores)]),
  [1, call('ZDIFF', keys, withScores)],
  ...['ZINTERSTORE', 'ZUNIONSTORE'].map((name): Row => [2, call(name, key, combine)]),
  [1, call('ZDIFFSTORE', key, keys)],
  [1, call('ZINTERCARD', keys, flagWith('LIMIT', count))],
  [1, call('ZRANGEBYLEX', fc.constant(LEX_KEY), lexBound, lexBound, limit())],
  [1, call('ZREVRANGEBYLEX', fc.constant(LEX_KEY), lexBound, lexBound, limit())],
  [1, call('ZLEXCOUNT', fc.constant(LEX_KEY), lexBound, lexBound)],
  [1, call('ZREMRANGEBYLEX', fc.constant(LEX_KEY), lexBound, lexBound)],
  [
    1,
    call(
      'ZRANGESTORE',
      key,
      fc.constant(LEX_KEY),
      lexBound,
      lexBound,
      words('BYLEX'),
      flag('REV'),
      limit(),
    ),
  ],
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
  [2, call('SORT', key, words('ALPHA'), sortOptions([['alpha']]), fc.constant('STORE'), key)],
];

const streamId = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.nat(9), fc.nat(3)).map(([ms, seq]) => `${ms}-${seq}`) },
  { weight: 2, arbitrary: fc.nat(12).map(String) },
  { weight: 1, arbitrary: boundary },
);
const idBound = fc.oneof(
  { weight: 3, arbitrary: streamId },
  { weight: 1, arbitrary: streamId.map((id) => `(${id}`) },
  { weight: 2, arbitrary: fc.constantFrom('-', '+') },
);
const trim: Words = fc.oneof(
  fc.tuple(fc.constantFrom('MAXLEN', 'maxlen'), count),
  fc.tuple(fc.constantFrom('MINID'), streamId),
  fc.tuple(fc.constant('MAXLEN'), fc.constant('='), count),
);
const group = fc.constantFrom('g', 'g', 'h');
const consumer = fc.constantFrom('c', 'd', 'e');
const ids = fc.array(streamId, { minLength: 1, maxLength: 3 });
const stream: readonly Row[] = [
  [
    8,
    call(
      'XADD',
      key,
      fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: trim }),
      flag('NOMKSTREAM'),
      fc.oneof(
        { weight: 4, arbitrary: streamId },
        { weight: 1, arbitrary: fc.nat(9).map((n) => `${n}-*`) },
      ),
      fields,
    ),
  ],
  [1, call('XLEN', key)],
  [2, call('XRANGE', key, idBound, idBound, flagWith('COUNT', count))],
  [2, call('XREVRANGE', key, idBound, idBound, flagWith('COUNT', count))],
  [2, call('XDEL', key, ids)],
  [1, call('XTRIM', key, trim)],
  [2, call('XREAD', flagWith('COUNT', count), words('STREAMS'), key, streamId)],
  [1, call('XREAD', words('STREAMS'), key, key, streamId, fc.constant('$'))],
  [0.5, call('XSETID', key, streamId)],
  [
    3,
    call(
      'XGROUP',
      words('CREATE'),
      key,
      group,
      fc.oneof(streamId, fc.constant('$')),
      flag('MKSTREAM'),
    ),
  ],
  [1, call('XGROUP', words('SETID'), key, group, fc.oneof(streamId, fc.constant('$')))],
  [0.5, call('XGROUP', words('DESTROY'), key, group)],
  [0.5, call('XGROUP', fc.constantFrom('CREATECONSUMER', 'DELCONSUMER'), key, group, consumer)],
  [
    4,
    call(
      'XREADGROUP',
      words('GROUP'),
      group,
      consumer,
      flagWith('COUNT', count),
      flag('NOACK'),
      words('STREAMS'),
      key,
      fc.constantFrom('>', '>', '>', '0', '3-1'),
    ),
  ],
  [2, call('XACK', key, group, ids)],
  [2, call('XPENDING', key, group)],
  [
    1,
    call(
      'XPENDING',
      key,
      group,
      idBound,
      idBound,
      count,
      options(
        consumer.map((c) => [c]),
        1,
      ),
    ),
  ],
  [
    2,
    call(
      'XCLAIM',
      key,
      group,
      consumer,
      words('0'),
      ids,
      options(
        fc.constantFrom(['FORCE'], ['JUSTID'], ['RETRYCOUNT', '3'], ['TIME', '1500000000000']),
        2,
      ),
    ),
  ],
  [
    1,
    call(
      'XAUTOCLAIM',
      key,
      group,
      consumer,
      words('0'),
      streamId,
      flagWith('COUNT', count),
      flag('JUSTID'),
    ),
  ],
  [1, call('XINFO', words('GROUPS'), key)],
];

export const COLLECTIONS: Readonly<Record<Family, readonly Row[]>> = {
  hash,
  set,
  list,
  zset,
  sort,
  stream,
};

/** The commands that a server must have for a family. */
export function commandsOf(family: Family): readonly string[] {
  const names = COLLECTIONS[family].map(
    ([, row]) => fc.sample(row, { numRuns: 1, seed: 0 })[0]![0]!,
  );
  return [...new Set(names)];
}

/** Nothing, or the name with a value. */
function flagWith(name: string, argument: fc.Arbitrary<string>): Words {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly string[]>([]) },
    { weight: 1, arbitrary: argument.map((text) => [name, text]) },
  );
}

const READERS: Readonly<Record<Family, readonly string[]>> = {
  hash: ['HGETALL'],
  set: ['SMEMBERS'],
  list: ['LRANGE', '0', '-1'],
  zset: ['ZRANGE', '0', '-1', 'WITHSCORES'],
  sort: [],
  stream: ['XRANGE', '-', '+'],
};

/** Reads the whole value of a key, as each of the families sees it. */
export function readersOf(families: Iterable<Family>, name: string): string[][] {
  return [...families].flatMap((family) => {
    const [command, ...rest] = READERS[family];
    return command === undefined ? [] : [[command, name, ...rest]];
  });
}
