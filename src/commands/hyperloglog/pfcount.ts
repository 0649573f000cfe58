/**
 * PFCOUNT: about how many different elements were added to one HyperLogLog, or to any of several.
 */
import {
  cacheCount,
  cachedCount,
  count,
  countRegisters,
  mergeInto,
  REGISTERS,
} from '../../datatypes/hyperloglog.ts';
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyRange } from '../spec.ts';
import { damaged, expectHyperLogLog, makeRaw, makeWritable } from './hyperloglog-value.ts';

/** The union's registers, used by one call at a time. */
const union = new Uint8Array(REGISTERS);

function replyCount(reply: Reply, value: number | bigint): void {
  if (Number.isSafeInteger(value)) reply.int(Number(value));
  else reply.bigint(BigInt(value));
}

/** The estimate of one key, from the value's cache or into it. */
function countOne(ctx: Context, args: Args, reply: Reply): void {
  const { db } = ctx;
  const entry = db.readString(args, 1);
  if (entry === 0) {
    reply.int(0);
    return;
  }
  expectHyperLogLog(db);
  const cached = cachedCount(db.valueBuf, db.valueOff);
  if (cached !== undefined) {
    makeRaw(db, entry);
    replyCount(reply, cached);
    return;
  }
  const estimate = count(db.valueBuf, db.valueOff, db.valueLen);
  if (estimate === undefined) throw damaged;
  makeWritable(db, entry);
  cacheCount(db.valueBuf, db.valueOff, estimate);
  // The cached count is part of the value: replicas and the AOF must get it, watchers notice it.
  ctx.changed(NO_EVENT, args, 1);
  replyCount(reply, estimate);
}

/** The estimate of the union of all keys. */
function countUnion(ctx: Context, args: Args, reply: Reply): void {
  const { db } = ctx;
  union.fill(0);
  for (let i = 1; i < args.argc; i++) {
    if (db.readString(args, i) === 0) continue;
    expectHyperLogLog(db);
    if (!mergeInto(union, db.valueBuf, db.valueOff, db.valueLen)) throw damaged;
  }
  replyCount(reply, countRegisters(union));
}

/** PFCOUNT key [key ...] */
export const pfcount = command({
  name: 'pfcount',
  arity: -2,
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Estimates how many different elements HyperLogLogs were shown together.',
  complexity:
    'O(1) for one key whose count is cached; otherwise O(N) with N keys of 16384 registers each.',
  flags: ['readonly', 'may_replicate'],
  keys: [
    {
      ...keyRange(1, -1, 1, 'RW', 'access'),
      notes: 'RW because the count is cached inside the value.',
    },
  ],
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    if (args.argc === 2) countOne(ctx, args, reply);
    else countUnion(ctx, args, reply);
  },
});
