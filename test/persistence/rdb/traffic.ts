/**
 * Random commands on a value of some type at key `k`: reads of all kinds, writes at both ends, of
 * what is there and what is not, conversions, removal.
 */
import { RdbType } from '../../../src/persistence/rdb/types.ts';
import { between } from '../../util/float-texts.ts';
import { type Argv, randomText } from './random-values.ts';

type Random = () => number;
type Line = string;

const generic: readonly Line[] = [
  ...['TYPE k', 'OBJECT ENCODING k', 'MEMORY USAGE k', 'DEBUG OBJECT k', 'DEBUG DIGEST'],
  ...['COPY k copy REPLACE', 'RENAME k other', 'RENAME other k', 'EXPIRE k 1000', 'PERSIST k'],
  ...['SORT k ALPHA', 'SORT k', 'SORT k BY nosort GET # LIMIT 0 3', 'DUMP k'],
];
const string: readonly Line[] = [
  ...['GET k', 'STRLEN k', 'APPEND k <t>', 'GETRANGE k 0 -1', 'SETRANGE k 3 <t>', 'INCR k'],
  ...['BITCOUNT k', 'SETBIT k 7 1', 'INCRBYFLOAT k 1.5', 'GETSET k <t>', 'PFCOUNT k'],
];
const list: readonly Line[] = [
  ...['LRANGE k 0 -1', 'LRANGE k -3 -1', 'LLEN k', 'LINDEX k 0', 'LINDEX k -1', 'LINDEX k 7'],
  ...['LPUSH k <t>', 'RPUSH k <t> <t>', 'LPOP k', 'RPOP k 2', 'LSET k 0 <t>', 'LSET k -1 <t>'],
  ...['LINSERT k BEFORE a <t>', 'LREM k 0 a', 'LREM k -1 b', 'LTRIM k 1 -2', 'LPOS k a COUNT 0'],
  ...['LMOVE k k LEFT RIGHT', 'RPOPLPUSH k copy'],
];
const set: readonly Line[] = [
  ...['SMEMBERS k', 'SCARD k', 'SISMEMBER k 1', 'SISMEMBER k a', 'SADD k <t>', 'SADD k 70000 -1'],
  ...[
    'SADD k 5000000000',
    'SREM k 1 a',
    'SPOP k',
    'SRANDMEMBER k 5',
    'SRANDMEMBER k -5',
    'SPOP k 3',
  ],
  ...['SSCAN k 0', 'SINTER k k', 'SUNIONSTORE copy k k', 'SDIFF k copy', 'SMOVE k copy 1'],
];
const hash: readonly Line[] = [
  ...['HGETALL k', 'HLEN k', 'HGET k f', 'HSET k f <t>', 'HSET k <t> <t>', 'HDEL k f g f1'],
  ...['HINCRBY k n 1', 'HINCRBYFLOAT k n 1.5', 'HRANDFIELD k 3 WITHVALUES', 'HRANDFIELD k -4'],
  ...['HSCAN k 0', 'HSTRLEN k f', 'HSETNX k f x', 'HVALS k', 'HEXISTS k f', 'HMGET k f g h'],
];
const sortedSet: readonly Line[] = [
  ...['ZRANGE k 0 -1 WITHSCORES', 'ZREVRANGE k 0 3', 'ZCARD k', 'ZSCORE k a', 'ZRANK k a'],
  ...['ZADD k 1.5 <t>', 'ZADD k -inf a', 'ZADD k inf <t>', 'ZINCRBY k 2 a', 'ZREM k a b'],
  ...['ZPOPMIN k', 'ZPOPMAX k 2', 'ZRANGEBYSCORE k -inf +inf', 'ZCOUNT k (1 5', 'ZLEXCOUNT k - +'],
  ...['ZREMRANGEBYRANK k 1 2', 'ZREMRANGEBYSCORE k 100 (200', 'ZRANGEBYLEX k - +', 'ZSCAN k 0'],
  ...['ZRANDMEMBER k 4 WITHSCORES', 'ZUNIONSTORE copy 2 k k', 'ZREVRANK k b'],
];
const stream: readonly Line[] = [
  ...['XRANGE k - +', 'XREVRANGE k + - COUNT 3', 'XLEN k', 'XINFO STREAM k', 'XINFO STREAM k FULL'],
  ...['XINFO GROUPS k', 'XINFO CONSUMERS k g', 'XINFO CONSUMERS k g0', 'XADD k * f <t>'],
  ...['XADD k * <t> <t> <t> <t>', 'XADD k 18446744073709551615-5 f v', 'XDEL k 1-1 2-1 3-1'],
  ...['XTRIM k MAXLEN 2', 'XTRIM k MINID 3', 'XTRIM k MAXLEN ~ 1', 'XRANGE k 1 5', 'XPENDING k g'],
  ...[
    'XPENDING k g0 - + 10',
    'XREADGROUP GROUP g c STREAMS k >',
    'XREADGROUP GROUP g0 one STREAMS k 0',
  ],
  ...['XREADGROUP GROUP g0 two COUNT 2 STREAMS k >', 'XACK k g 1-1 2-1', 'XAUTOCLAIM k g c2 0 0'],
  ...['XAUTOCLAIM k g0 c2 0 0 COUNT 3', 'XCLAIM k g c3 0 1-1 2-1 FORCE', 'XGROUP DESTROY k g'],
  ...[
    'XGROUP DELCONSUMER k g c',
    'XGROUP DELCONSUMER k g0 one',
    'XGROUP CREATE k new $',
    'XSETID k 9-9',
  ],
  ...['XREAD COUNT 3 STREAMS k 0', 'XGROUP SETID k g 0', 'XINFO STREAM k FULL COUNT 1'],
];

function familyOf(type: number): readonly Line[] {
  const lists: number[] = [RdbType.list, RdbType.listQuicklist, RdbType.listQuicklist2];
  if (type === RdbType.string) return string;
  if (lists.includes(type) || type === RdbType.listZiplist) return list;
  if (type === RdbType.set || type === RdbType.setIntset || type === RdbType.setListpack)
    return set;
  const zsets: number[] = [RdbType.zset, RdbType.zsetText, RdbType.zsetZiplist];
  if (zsets.includes(type) || type === RdbType.zsetListpack) return sortedSet;
  const streams: number[] = [RdbType.stream, RdbType.stream2, RdbType.stream3];
  return streams.includes(type) ? stream : hash;
}

/** Batches of commands that suit a value of an RDB type. */
export function trafficFor(type: number, random: Random): Argv[][] {
  const family = familyOf(type);
  return Array.from({ length: 2 }, () =>
    Array.from({ length: 8 }, () => {
      const lines = random() < 0.2 ? generic : family;
      const line = lines[between(random, 0, lines.length - 1)]!;
      return line.split(' ').map((word) => (word === '<t>' ? randomText(random, 70) : word));
    }),
  );
}
