/** The commands of the string group. */
import type { CommandSpec } from '../spec.ts';
import { delex, digest } from './digest.ts';
import { get, strlen } from './get.ts';
import { getdel, getex } from './getex.ts';
import { decr, decrby, incr, incrby } from './incr.ts';
import { incrbyfloat } from './incrbyfloat.ts';
import { increx } from './increx.ts';
import { lcsCommand } from './lcs.ts';
import { mget, mset, msetnx } from './mset.ts';
import { msetex } from './msetex.ts';
import { append, getrange, setrange, substr } from './range.ts';
import { getset, psetex, set, setex, setnx } from './set.ts';

export const stringCommands: readonly CommandSpec[] = [
  append,
  decr,
  decrby,
  delex,
  digest,
  get,
  getdel,
  getex,
  getrange,
  getset,
  incr,
  incrby,
  incrbyfloat,
  increx,
  lcsCommand,
  mget,
  mset,
  msetex,
  msetnx,
  psetex,
  set,
  setex,
  setnx,
  setrange,
  strlen,
  substr,
];
