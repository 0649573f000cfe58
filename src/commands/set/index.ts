/** The commands of the set group. */
import type { CommandSpec } from '../spec.ts';
import {
  sdiff,
  sdiffstore,
  sinter,
  sintercard,
  sinterstore,
  sunion,
  sunionstore,
} from './algebra.ts';
import { scard, sismember, smembers, smismember, sscan } from './members.ts';
import { spop, srandmember } from './random.ts';
import { sadd, smove, srem } from './sadd.ts';

export const setCommands: readonly CommandSpec[] = [
  sadd,
  scard,
  sdiff,
  sdiffstore,
  sinter,
  sintercard,
  sinterstore,
  sismember,
  smembers,
  smismember,
  smove,
  spop,
  srandmember,
  srem,
  sscan,
  sunion,
  sunionstore,
];
