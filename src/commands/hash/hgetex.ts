/**
 * Reading fields and deciding their fate (Redis 8.0): HGETEX, HGETDEL.
 */
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { timeFormOf } from '../expire-time.ts';
import { command, keyAt } from '../spec.ts';
import { fieldExpireAt, firstField } from './field-arguments.ts';
import { FieldList } from './field-list.ts';

/** What becomes of the fields that are read. */
type Outcome = 'kept' | 'persisted' | 'timed' | 'deleted';

const eventOf = {
  kept: NO_EVENT,
  persisted: 'hpersist',
  timed: 'hexpire',
  deleted: 'hdel',
} as const;

interface Options {
  readonly outcome: Outcome;
  readonly expireAt: number;
  /** The first field. */
  readonly first: number;
}

function readOptions(ctx: Context, args: Args): Options {
  if (args.is(2, 'PERSIST'))
    return { outcome: 'persisted', expireAt: 0, first: firstField(args, 3) };
  const form = timeFormOf(args, 2);
  if (form === undefined) return { outcome: 'kept', expireAt: 0, first: firstField(args, 2) };
  const expireAt = fieldExpireAt(ctx, args, 3, form);
  const outcome = expireAt <= ctx.nowMs ? 'deleted' : 'timed';
  return { outcome, expireAt, first: firstField(args, 4) };
}

/** Gives the field just found its outcome; returns whether that changed anything. */
function apply(ctx: Context, { outcome, expireAt }: Options): boolean {
  const { hashes } = ctx.keyspace;
  if (outcome === 'kept' || (outcome === 'persisted' && hashes.fieldExpiry === 0)) return false;
  if (outcome === 'deleted') hashes.deleteFound();
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
    const changed = new FieldList(ctx, args);
    reply.array(args.argc - options.first);
    for (let i = options.first; i < args.argc; i++) {
      if (entry === 0 || !hashes.find(args.buf, args.off[i]!, args.len[i]!)) {
        reply.null();
        continue;
      }
      reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
      if (apply(ctx, options)) changed.add(i);
    }
    if (changed.count === 0) return;
    ctx.changedValue(eventOf[options.outcome], entry, hashes, args, 1, changed.count);
    if (options.outcome === 'persisted') changed.notePersist();
    else if (options.outcome === 'timed') changed.noteExpiry(options.expireAt);
    else changed.noteRemovals();
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
    const removed = new FieldList(ctx, args);
    reply.array(args.argc - first);
    for (let i = first; i < args.argc; i++) {
      if (entry === 0 || !hashes.find(args.buf, args.off[i]!, args.len[i]!)) {
        reply.null();
        continue;
      }
      reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
      hashes.deleteFound();
      removed.add(i);
    }
    if (removed.count === 0) return;
    ctx.changedValue('hdel', entry, hashes, args, 1, removed.count);
    removed.noteRemoval();
  },
});
