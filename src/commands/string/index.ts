/** The commands of the string group. */
import type { CommandSpec } from '../spec.ts';
import { get, strlen } from './get.ts';
import { decr, decrby, incr, incrby } from './incr.ts';
import { mget, mset, msetnx } from './mset.ts';
import { getset, psetex, set, setex, setnx } from './set.ts';

export const stringCommands: readonly CommandSpec[] = [
  decr,
  decrby,
  get,
  getset,
  incr,
  incrby,
  mget,
  mset,
  msetnx,
  psetex,
  set,
  setex,
  setnx,
  strlen,
];
