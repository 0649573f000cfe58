/** The commands of the sorted-set group. */
import type { CommandSpec } from '../spec.ts';
import {
  zdiff,
  zdiffstore,
  zinter,
  zintercard,
  zinterstore,
  zunion,
  zunionstore,
} from './algebra.ts';
import { zadd, zincrby, zrem } from './zadd.ts';
import { bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin } from './zpop.ts';
import { zrandmember, zscan } from './zrandmember.ts';
import {
  zrange,
  zrangebylex,
  zrangebyscore,
  zrevrange,
  zrevrangebylex,
  zrevrangebyscore,
} from './zrange.ts';
import { zrangestore } from './zrangestore.ts';
import { zremrangebylex, zremrangebyrank, zremrangebyscore } from './zremrange.ts';
import { zcard, zcount, zlexcount, zmscore, zrank, zrevrank, zscore } from './zscore.ts';

export const sortedSetCommands: readonly CommandSpec[] = [
  bzmpop,
  bzpopmax,
  bzpopmin,
  zadd,
  zcard,
  zcount,
  zdiff,
  zdiffstore,
  zincrby,
  zinter,
  zintercard,
  zinterstore,
  zlexcount,
  zmpop,
  zmscore,
  zpopmax,
  zpopmin,
  zrandmember,
  zrange,
  zrangebylex,
  zrangebyscore,
  zrangestore,
  zrank,
  zrem,
  zremrangebylex,
  zremrangebyrank,
  zremrangebyscore,
  zrevrange,
  zrevrangebylex,
  zrevrangebyscore,
  zrevrank,
  zscan,
  zscore,
  zunion,
  zunionstore,
];
