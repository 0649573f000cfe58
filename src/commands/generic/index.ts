/** The commands of the generic group. */
import type { CommandSpec } from '../spec.ts';
import { del, unlink } from './del.ts';
import { dump, restore } from './dump.ts';
import { exists, touch, type } from './exists.ts';
import { expire, expireat, persist, pexpire, pexpireat } from './expire.ts';
import { migrate } from './migrate.ts';
import { object } from './object.ts';
import { copy, move, rename, renamenx } from './rename.ts';
import { keys, randomkey, scan } from './scan.ts';
import { sort, sortRo } from './sort.ts';
import { expiretime, pexpiretime, pttl, ttl } from './ttl.ts';
import { wait, waitaof } from './wait.ts';

export const genericCommands: readonly CommandSpec[] = [
  copy,
  del,
  dump,
  exists,
  expire,
  expireat,
  expiretime,
  keys,
  migrate,
  move,
  object,
  persist,
  pexpire,
  pexpireat,
  pexpiretime,
  pttl,
  randomkey,
  rename,
  renamenx,
  restore,
  scan,
  sort,
  sortRo,
  touch,
  ttl,
  type,
  unlink,
  wait,
  waitaof,
];
