/**
 * Setting times to live of fields (Redis 7.4): HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HPERSIST.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { EXPIRE_CONDITIONS, mayReplace, readCondition } from '../expire-conditions.ts';
import { type TimeForm, timeForms } from '../expire-time.ts';
import { command, keyAt } from '../spec.ts';
import { FIELDS, fieldExpireAt, firstField } from './field-arguments.ts';
import { FieldList } from './field-list.ts';

const badCount = new CommandError('ERR Parameter `numFields` should be greater than 0');

/** What is answered for a field. */
const NO_FIELD = -2;
const NO_TIME = -1;
const NOT_MET = 0;
const DONE = 1;
const DELETED = 2;

function expireFields(ctx: Context, args: Args, reply: Reply, form: TimeForm): void {
  const expireAt = fieldExpireAt(ctx, args, 2, form);
  const first = firstField(args, readCondition(args, 3), badCount);
  const { hashes } = ctx.keyspace;
  const entry = ctx.db.writeValue(args, 1, hashes);
  const past = ctx.isOver(expireAt);
  const changed = new FieldList(ctx, args);
  reply.array(args.argc - first);
  for (let i = first; i < args.argc; i++) {
    if (entry === 0 || !hashes.findArgument(args, i)) reply.int(NO_FIELD);
    else if (!mayReplace(hashes.fieldExpiry || NO_TIME, expireAt)) reply.int(NOT_MET);
    else {
      if (past) hashes.deleteFound();
      else hashes.setExpiry(expireAt);
      reply.int(past ? DELETED : DONE);
      changed.add(i);
    }
  }
  if (changed.count === 0) return;
  ctx.changedValue(past ? 'hdel' : 'hexpire', entry, hashes, args, 1, changed.count);
  if (past) changed.noteRemovals();
  else if (form !== timeForms.PXAT || changed.count < args.argc - first)
    changed.noteExpiry(expireAt);
}

const common = {
  arity: -6,
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of fields named.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
} as const;

/** HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export const hexpire = command({
  ...common,
  name: 'hexpire',
  summary: 'Sets the time to live of fields in seconds.',
  syntax: `key seconds ${EXPIRE_CONDITIONS} ${FIELDS}`,

  run(ctx, args, reply) {
    expireFields(ctx, args, reply, timeForms.EX);
  },
});

/** HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export const hpexpire = command({
  ...common,
  name: 'hpexpire',
  summary: 'Sets the time to live of fields in milliseconds.',
  syntax: `key milliseconds ${EXPIRE_CONDITIONS} ${FIELDS}`,

  run(ctx, args, reply) {
    expireFields(ctx, args, reply, timeForms.PX);
  },
});

/** HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export const hexpireat = command({
  ...common,
  name: 'hexpireat',
  summary: 'Sets when fields expire, as a Unix time in seconds.',
  syntax: `key unix-time-seconds ${EXPIRE_CONDITIONS} ${FIELDS}`,

  run(ctx, args, reply) {
    expireFields(ctx, args, reply, timeForms.EXAT);
  },
});

/** HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export const hpexpireat = command({
  ...common,
  name: 'hpexpireat',
  summary: 'Sets when fields expire, as a Unix time in milliseconds.',
  syntax: `key unix-time-milliseconds ${EXPIRE_CONDITIONS} ${FIELDS}`,

  run(ctx, args, reply) {
    expireFields(ctx, args, reply, timeForms.PXAT);
  },
});

/** HPERSIST key FIELDS numfields field [field ...] */
export const hpersist = command({
  ...common,
  name: 'hpersist',
  arity: -5,
  summary: 'Takes the time to live of fields away.',
  flags: ['write', 'fast'],
  syntax: `key ${FIELDS}`,

  run(ctx, args, reply) {
    const first = firstField(args, 2);
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, hashes);
    let changed = 0;
    reply.array(args.argc - first);
    for (let i = first; i < args.argc; i++) {
      if (entry === 0 || !hashes.findArgument(args, i)) reply.int(NO_FIELD);
      else if (hashes.fieldExpiry === 0) reply.int(NO_TIME);
      else {
        hashes.setExpiry(0);
        reply.int(DONE);
        changed++;
      }
    }
    if (changed > 0) ctx.changedValue('hpersist', entry, hashes, args, 1, changed);
  },
});
