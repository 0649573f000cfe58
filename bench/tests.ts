/**
 * The tests of the load benchmark: redis-benchmark's default list in its order, then commands that it
 * has no test for.
 *
 * Where redis-benchmark's own test would find nothing (LPOP on an empty list) or load data as part
 * of what is measured (LRANGE), the same command is given as a command line on data of ours.
 */
import { type Command, digits, each, many } from './data.ts';
import { keyOf } from './loader.ts';
import type { Load } from './redis-benchmark.ts';

export const KEY_SPACE = 1_000_000;
/** Most requests of a test that uses its data up, and the length of the stream that is read. */
export const CONSUMED_MAX = 1_000_000;

const LIST_LENGTH = 1_000;
const SMALL_HASHES = 100_000;
const BITMAPS = 1_000;

export interface LoadTest extends Load {
  /** Data that stays for the server's life; tests that name the same one share it. */
  readonly setup?: () => Iterable<Command>;
  /** For a test that uses its data up: fills it again before every measurement. */
  readonly refill?: (requests: number) => Iterable<Command>;
}

const strings = () => each(KEY_SPACE, (i) => ['SET', keyOf(i), 'xxx']);
const list = () => many(['RPUSH', 'list:lrange'], LIST_LENGTH, () => ['xxx']);
const smallHashes = () =>
  each(SMALL_HASHES, (i) => ['HSET', `hash:${digits(i)}`, 'field', 'value', 'other', 'value']);
const hashOfTen = () => many(['HSET', 'hash:ten'], 10, (i) => [`field${i}`, `value${i}`]);
const smallZset = () => many(['ZADD', 'zset:small'], 1_000, (i) => [String(i), `member:${i}`]);
const largeZset = () =>
  many(['ZADD', 'zset:large'], KEY_SPACE, (i) => [
    String((i * 7919) % KEY_SPACE),
    `element:${digits(i)}`,
  ]);
const stream = () => each(CONSUMED_MAX, () => ['XADD', 'stream:read', '*', 'field', 'value']);

const pop = (command: string): LoadTest => ({
  name: command.toLowerCase(),
  command: [command, `list:${command}`],
  refill: (requests) => many(['RPUSH', `list:${command}`], requests, () => ['xxx']),
});
const lrange = (length: number): LoadTest => ({
  name: `lrange_${length}`,
  command: ['LRANGE', 'list:lrange', '0', String(length - 1)],
  setup: list,
});

export const TESTS: readonly LoadTest[] = [
  { name: 'ping_inline' },
  { name: 'ping_mbulk' },
  { name: 'set', range: KEY_SPACE, setup: strings },
  { name: 'get', range: KEY_SPACE, setup: strings },
  { name: 'incr', range: KEY_SPACE },
  { name: 'lpush' },
  { name: 'rpush' },
  pop('LPOP'),
  pop('RPOP'),
  { name: 'sadd', range: KEY_SPACE },
  { name: 'hset', range: KEY_SPACE },
  {
    name: 'spop',
    command: ['SPOP', 'set:spop'],
    refill: (requests) => many(['SADD', 'set:spop'], requests, (i) => [`element:${digits(i)}`]),
  },
  { name: 'zadd', range: KEY_SPACE },
  {
    name: 'zpopmin',
    command: ['ZPOPMIN', 'zset:zpopmin'],
    refill: (requests) =>
      many(['ZADD', 'zset:zpopmin'], requests, (i) => [
        String((i * 7919) % requests),
        `element:${digits(i)}`,
      ]),
  },
  lrange(100),
  lrange(300),
  lrange(500),
  lrange(600),
  { name: 'mset', range: KEY_SPACE, setup: strings },

  {
    name: 'hget',
    command: ['HGET', 'hash:__rand_int__', 'field'],
    range: SMALL_HASHES,
    setup: smallHashes,
  },
  { name: 'hgetall', command: ['HGETALL', 'hash:ten'], setup: hashOfTen },
  { name: 'zrange', command: ['ZRANGE', 'zset:small', '0', '99'], setup: smallZset },
  {
    name: 'zrank',
    command: ['ZRANK', 'zset:large', 'element:__rand_int__'],
    range: KEY_SPACE,
    setup: largeZset,
  },
  { name: 'xadd', command: ['XADD', 'stream:xadd', '*', 'field', 'value'] },
  {
    name: 'xreadgroup',
    command: ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '1', 'STREAMS', 'stream:read', '>'],
    setup: stream,
    refill: () => [
      ['XGROUP', 'DESTROY', 'stream:read', 'g'],
      ['XGROUP', 'CREATE', 'stream:read', 'g', '0'],
    ],
  },
  {
    name: 'pfadd',
    command: ['PFADD', 'hll', 'element:__rand_int__'],
    range: KEY_SPACE,
  },
  {
    // An offset must not begin with 0, so that it cannot be a random one of redis-benchmark's.
    name: 'setbit',
    command: ['SETBIT', 'bits:__rand_int__', '100000', '1'],
    range: BITMAPS,
  },
];
