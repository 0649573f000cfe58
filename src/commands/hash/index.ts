/** The commands of the hash group. */
import type { CommandSpec } from '../spec.ts';
import { hdel } from './hdel.ts';
import { hexists, hget, hgetall, hkeys, hlen, hmget, hstrlen, hvals } from './hget.ts';
import { hincrby, hincrbyfloat } from './hincrby.ts';
import { hrandfield, hscan } from './hrandfield.ts';
import { hmset, hset, hsetnx } from './hset.ts';

export const hashCommands: readonly CommandSpec[] = [
  hdel,
  hexists,
  hget,
  hgetall,
  hincrby,
  hincrbyfloat,
  hkeys,
  hlen,
  hmget,
  hmset,
  hrandfield,
  hscan,
  hset,
  hsetnx,
  hstrlen,
  hvals,
];
