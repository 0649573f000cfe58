/**
 * Reading fields and changing their times to live, or removing them (Redis 8.0): HGETEX, HGETDEL.
 */
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { TIME_FORMS, TimeOption } from '../expire-time.ts';
import { grammar } from '../grammar.ts';
import { command, keyAt } from '../spec.ts';
import { FIELDS, fieldExpireAt, firstField } from './field-arguments.ts';
import { FieldList } from './field-list.ts';

/** What becomes of the fields that are read. */
type Outcome = 'kept' | 'persisted' | 'timed' | 'deleted';

const eventOf = {
  kept: NO_EVENT,
  persisted: 'hpersist',
  timed: 'hexpire',
  deleted: 'hdel',
} as const;

const options = grammar(`[${TIME_FORMS} | PERSIST]`);
const PERSIST = options.word('PERSIST');
const time = new TimeOption(options);

/** What HGETEX was asked for. */
interface Request {
  readonly outcome: Outcome;
  readonly expireAt: number;
  /** The first field. */
  readonly first: number;
}

/** Unlike other options this one stands right after the key, once, with FIELDS after it. */
function readRequest(ctx: Context, args: Args): Request {
  options.begin();
  let next = 2;
  if (options.wordAt(args, next) >= 0) next = options.next(args, next);
  const { form } = time;
  let outcome: Outcome = options.has(PERSIST) ? 'persisted' : 'kept';
  let expireAt = 0;
  if (form !== undefined) {
    expireAt = fieldExpireAt(ctx, args, time.at, form);
    outcome = ctx.isOver(expireAt) ? 'deleted' : 'timed';
  }
  return { outcome, expireAt, first: firstField(args, next) };
}

/** Gives the field just found its outcome; returns whether that changed anything. */
function apply(ctx: Context, { outcome, expireAt }: Request): boolean {
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
  summary: 'Returns the values of fields and sets, or takes away, their time to live.',
  complexity: 'O(N) where N is the number of fields named.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: `key ${options.line} ${FIELDS}`,

  run(ctx, args, reply) {
    const request = readRequest(ctx, args);
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, hashes);
    const changed = new FieldList(ctx, args);
    reply.array(args.argc - request.first);
    for (let i = request.first; i < args.argc; i++) {
      if (entry === 0 || !hashes.findArgument(args, i)) {
        reply.null();
        continue;
      }
      reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
      if (apply(ctx, request)) changed.add(i);
    }
    if (changed.count === 0) return;
    ctx.changedValue(eventOf[request.outcome], entry, hashes, args, 1, changed.count);
    if (request.outcome === 'persisted') changed.notePersist();
    else if (request.outcome === 'timed') changed.noteExpiry(request.expireAt);
    else changed.noteRemovals();
  },
});

/** HGETDEL key FIELDS numfields field [field ...] */
export const hgetdel = command({
  name: 'hgetdel',
  arity: -5,
  group: 'hash',
  since: '8.0.0',
  summary: 'Returns the values of fields and removes them; the key goes with the last one.',
  complexity: 'O(N) where N is the number of fields named.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  syntax: `key ${FIELDS}`,

  run(ctx, args, reply) {
    const first = firstField(args, 2);
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, hashes);
    const removed = new FieldList(ctx, args);
    reply.array(args.argc - first);
    for (let i = first; i < args.argc; i++) {
      if (entry === 0 || !hashes.findArgument(args, i)) {
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
