/** Random commands of sorted sets. */
import fc from 'fast-check';
import {
  bulk,
  count,
  flag,
  flagWith,
  limit,
  maybeCount,
  member,
  members,
  numberedMembers,
  range,
  setKey,
  wholeScan,
  zsetKey,
  zsetKeys,
  zsetResult,
} from './generator-parts.ts';
import { call, float, LEX_KEY, options, type Row, type Words, words } from './generator-words.ts';

/** Without -0: a listpack drops its sign, so what is seen depends on how a value came to be. */
const score = fc
  .oneof(
    { weight: 6, arbitrary: fc.constantFrom('0', '1', '2', '3', '1', '2') },
    { weight: 3, arbitrary: fc.constantFrom('0.5', '-1.5', '3.0', '1e3', 'inf', '-inf', '+inf') },
    { weight: 2, arbitrary: float },
  )
  .filter((text) => !Object.is(Number(text), -0));
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
/** None that makes -0 of a score. */
const weight = fc.constantFrom('1', '2', '0.5', 'inf', '-inf', 'x');
const combine = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: zsetKey }, { weight: 1, arbitrary: setKey }), {
      minLength: 1,
      maxLength: 3,
    }),
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
export const sortedSetRows: readonly Row[] = [
  [14, call('ZADD', zsetKey, zaddOptions, scored)],
  [
    0.5,
    call(
      'ZADD',
      zsetKey,
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
  [3, call('ZINCRBY', zsetKey, score, member)],
  [2, call('ZREM', zsetKey, members)],
  [0.3, call('ZREM', zsetKey, numberedMembers)],
  [1, call('ZREM', fc.constant(LEX_KEY), members)],
  [1, call('ZSCORE', zsetKey, member)],
  [1, call('ZMSCORE', zsetKey, members)],
  [1, call('ZCARD', zsetKey)],
  [2, call('ZRANK', zsetKey, member)],
  [2, call('ZREVRANK', zsetKey, member)],
  [2, call('ZCOUNT', zsetKey, scoreBound, scoreBound)],
  [1, call('ZPOPMIN', zsetKey, maybeCount)],
  [1, call('ZPOPMAX', zsetKey, maybeCount)],
  [1, call('ZMPOP', zsetKeys, fc.constantFrom('MIN', 'MAX', 'no'), flagWith('COUNT', count))],
  [4, call('ZRANGE', zsetKey, zrange, withScores)],
  [1, call('ZREVRANGE', zsetKey, range, range, withScores)],
  [1, call('ZRANGEBYSCORE', zsetKey, scoreBound, scoreBound, withScores, limit())],
  [1, call('ZREVRANGEBYSCORE', zsetKey, scoreBound, scoreBound, withScores, limit())],
  [2, call('ZRANGESTORE', zsetResult, zsetKey, zrange)],
  [0.4, call('ZREMRANGEBYRANK', zsetKey, range, range)],
  [0.4, call('ZREMRANGEBYSCORE', zsetKey, scoreBound, scoreBound)],
  [1, wholeScan('ZSCAN', zsetKey)],
  ...['ZINTER', 'ZUNION'].map((name): Row => [1, call(name, combine, withScores)]),
  [1, call('ZDIFF', zsetKeys, withScores)],
  ...['ZINTERSTORE', 'ZUNIONSTORE'].map((name): Row => [2, call(name, zsetResult, combine)]),
  [1, call('ZDIFFSTORE', zsetResult, zsetKeys)],
  [1, call('ZINTERCARD', zsetKeys, flagWith('LIMIT', count))],
  [1, call('ZRANGEBYLEX', fc.constant(LEX_KEY), lexBound, lexBound, limit())],
  [1, call('ZREVRANGEBYLEX', fc.constant(LEX_KEY), lexBound, lexBound, limit())],
  [1, call('ZLEXCOUNT', fc.constant(LEX_KEY), lexBound, lexBound)],
  [0.4, call('ZREMRANGEBYLEX', fc.constant(LEX_KEY), lexBound, lexBound)],
  [
    1,
    call(
      'ZRANGESTORE',
      zsetResult,
      fc.constant(LEX_KEY),
      lexBound,
      lexBound,
      words('BYLEX'),
      flag('REV'),
      limit(),
    ),
  ],
];
