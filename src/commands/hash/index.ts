/** The commands of the hash group. */
import type { CommandSpec } from '../spec.ts';
import { hdel } from './hdel.ts';
import { hexpire, hexpireat, hpersist, hpexpire, hpexpireat } from './hexpire.ts';
import { hexists, hget, hgetall, hkeys, hlen, hmget, hstrlen, hvals } from './hget.ts';
import { hgetdel, hgetex } from './hgetex.ts';
import { hincrby, hincrbyfloat } from './hincrby.ts';
import { hrandfield, hscan } from './hrandfield.ts';
import { hmset, hset, hsetnx } from './hset.ts';
import { hsetex } from './hsetex.ts';
import { hexpiretime, hpexpiretime, hpttl, httl } from './httl.ts';

export const hashCommands: readonly CommandSpec[] = [
  hdel,
  hexists,
  hexpire,
  hexpireat,
  hexpiretime,
  hget,
  hgetall,
  hgetdel,
  hgetex,
  hincrby,
  hincrbyfloat,
  hkeys,
  hlen,
  hmget,
  hmset,
  hpersist,
  hpexpire,
  hpexpireat,
  hpexpiretime,
  hpttl,
  hrandfield,
  hscan,
  hset,
  hsetex,
  hsetnx,
  hstrlen,
  httl,
  hvals,
];
