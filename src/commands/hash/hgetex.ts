/**
 * Reading fields and deciding their fate (Redis 8.0): HGETEX, HGETDEL.
 */
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { timeFormOf } from '../expire-time.ts';
import { command, keyAt } from '../spec.ts';
import { fieldExpireAt, firstField } from './field-arguments.ts';

/** What becomes of the fields that are read. */
type Fate = 'kept' | 'persisted' | 'timed' | 'deleted';

const eventOf = {
  kept: NO_EVENT,
  persisted: 'hpersist',
  timed: 'hexpire',
  deleted: 'hdel',
} as const;

interface Options {
  readonly fate: Fate;
  readonly expireAt: number;
  /** The first field. */
  readonly first: number;
}

function readOptions(ctx: Context, args: Args): Options {
  if (args.is(2, 'PERSIST')) return { fate: 'persisted', expireAt: 0, first: firstField(args, 3) };
  const form = timeFormOf(args, 2);
  if (form === undefined) return { fate: 'kept', expireAt: 0, first: firstField(args, 2) };
  const expireAt = fieldExpireAt(ctx, args, 3, form);
  const fate = expireAt <= ctx.nowMs ? 'deleted' : 'timed';
  return { fate, expireAt, first: firstField(args, 4) };
}

/** Does to the field just found what is to become of it; whether that changed anything. */
function dispose(ctx: Context, { fate, expireAt }: Options): boolean {
  const { hashes } = ctx.keyspace;
  if (fate === 'kept' || (fate === 'persisted' && hashes.fieldExpiry === 0)) return false;
  if (fate === 'deleted') hashes.deleteFound();
  else hashes.setExpiry(expireAt);
  return true;
}

/** HGETEX key [EX … | PX … | EXAT … | PXAT … | PERSIST] FIELDS numfields field [field ...] */
export const hgetex = command({
  name: 'hgetex',
  arity: -5,
  group: 'hash',
  since: '8.0.0',
  summary: 'Answers the values of fields and sets, or takes away, their time to live.',
  complexity: 'O(N) where N is the number of fields named.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax:
    'key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields:integer field [field ...]',

  run(ctx, args, reply) {
    const options = readOptions(ctx, args);
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, hashes);
    let changed = 0;
    reply.array(args.argc - options.first);
    for (let i = options.first; i < args.argc; i++) {
      if (entry === 0 || !hashes.find(args.buf, args.off[i]!, args.len[i]!)) {
        reply.null();
        continue;
      }
      reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
      if (dispose(ctx, options)) changed++;
    }
    if (changed > 0) {
      ctx.changedValue(eventOf[options.fate], entry, hashes, args, 1, changed);
    }
  },
});

/** HGETDEL key FIELDS numfields field [field ...] */
export const hgetdel = command({
  name: 'hgetdel',
  arity: -5,
  group: 'hash',
  since: '8.0.0',
  summary: 'Answers the values of fields and removes them; the key goes with the last one.',
  complexity: 'O(N) where N is the number of fields named.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  syntax: 'key FIELDS numfields:integer field [field ...]',

  run(ctx, args, reply) {
    const first = firstField(args, 2);
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, hashes);
    let removed = 0;
    reply.array(args.argc - first);
    for (let i = first; i < args.argc; i++) {
      if (entry === 0 || !hashes.find(args.buf, args.off[i]!, args.len[i]!)) {
        reply.null();
        continue;
      }
      reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
      hashes.deleteFound();
      removed++;
    }
    if (removed > 0) ctx.changedValue('hdel', entry, hashes, args, 1, removed);
  },
});
