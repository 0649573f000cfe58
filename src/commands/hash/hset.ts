/**
 * Setting fields of a hash: HSET, HMSET, HSETNX.
 */
import type { Args } from '../../util/args.ts';
import { wrongArity } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { hashForWriting } from './hash-value.ts';

/** Sets all pairs from argument 2 on; returns how many fields are new. */
function setPairs(ctx: Context, args: Args): number {
  if (args.argc % 2 === 1) throw wrongArity(ctx.command.name);
  const entry = hashForWriting(ctx, args, 1);
  const { hashes } = ctx.keyspace;
  let added = 0;
  for (let i = 2; i < args.argc; i += 2) if (hashes.setArgument(args, i, i + 1)) added++;
  ctx.changedValue('hset', entry, hashes, args, 1, (args.argc - 2) >> 1);
  return added;
}

/** HSET key field value [field value ...] */
export const hset = command({
  name: 'hset',
  arity: -4,
  group: 'hash',
  since: '2.0.0',
  summary: 'Sets fields of a hash and returns how many of them are new.',
  complexity: 'O(N) where N is the number of fields to set.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  member: 2,
  syntax: 'key field value [field value ...]',

  run(ctx, args, reply) {
    reply.int(setPairs(ctx, args));
  },
});

/** HMSET key field value [field value ...] */
export const hmset = command({
  name: 'hmset',
  arity: -4,
  group: 'hash',
  since: '2.0.0',
  summary: 'The older form of HSET; returns OK.',
  complexity: 'O(N) where N is the number of fields to set.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  deprecated: { since: '4.0.0', replacedBy: '`HSET` with multiple field-value pairs' },
  member: 2,
  syntax: 'key field value [field value ...]',

  run(ctx, args, reply) {
    setPairs(ctx, args);
    reply.ok();
  },
});

/** HSETNX key field value */
export const hsetnx = command({
  name: 'hsetnx',
  arity: 4,
  group: 'hash',
  since: '2.0.0',
  summary: 'Sets a field of a hash unless the hash has it.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  member: 2,
  syntax: 'key field value',

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    const entry = hashForWriting(ctx, args, 1);
    if (hashes.findArgument(args, 2)) {
      reply.int(0);
      return;
    }
    hashes.setArgument(args, 2, 3);
    ctx.changedValue('hset', entry, hashes, args, 1);
    reply.int(1);
  },
});
