/**
 * Reading a hash: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HEXISTS, HSTRLEN.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';

/** HGET key field */
export const hget = command({
  name: 'hget',
  arity: 3,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns the value of a field.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key field',

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, hashes);
    if (entry === 0 || !hashes.findArgument(args, 2)) reply.null();
    else reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
  },
});

/** HMGET key field [field ...] */
export const hmget = command({
  name: 'hmget',
  arity: -3,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns the values of several fields.',
  complexity: 'O(N) where N is the number of fields to read.',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key field [field ...]',

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, hashes);
    reply.array(args.argc - 2);
    for (let i = 2; i < args.argc; i++) {
      if (entry === 0 || !hashes.findArgument(args, i)) reply.null();
      else reply.bulk(hashes.value.buf, hashes.value.off, hashes.value.len);
    }
  },
});

/** HGETALL key */
export const hgetall = command({
  name: 'hgetall',
  arity: 2,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns all fields and their values.',
  complexity: 'O(N) where N is the size of the hash.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  member: 0,
  syntax: 'key',

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    if (ctx.db.readValue(args, 1, hashes) === 0) {
      reply.map(0);
      return;
    }
    reply.map(hashes.size);
    hashes.sendAll(true, true, reply);
  },
});

function replyOneSide(ctx: Context, args: Args, reply: Reply, side: 'field' | 'value'): void {
  const { hashes } = ctx.keyspace;
  if (ctx.db.readValue(args, 1, hashes) === 0) {
    reply.array(0);
    return;
  }
  reply.array(hashes.size);
  hashes.sendAll(side === 'field', side === 'value', reply);
}

/** HKEYS key */
export const hkeys = command({
  name: 'hkeys',
  arity: 2,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns all fields.',
  complexity: 'O(N) where N is the size of the hash.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  syntax: 'key',

  run(ctx, args, reply) {
    replyOneSide(ctx, args, reply, 'field');
  },
});

/** HVALS key */
export const hvals = command({
  name: 'hvals',
  arity: 2,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns the values of all fields.',
  complexity: 'O(N) where N is the size of the hash.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  syntax: 'key',

  run(ctx, args, reply) {
    replyOneSide(ctx, args, reply, 'value');
  },
});

/** HLEN key */
export const hlen = command({
  name: 'hlen',
  arity: 2,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns how many fields a hash has.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    reply.int(ctx.db.readValue(args, 1, hashes) === 0 ? 0 : hashes.size);
  },
});

/** Looks for the field that is argument 2; false when hash or field is missing. */
function findField(ctx: Context, args: Args): boolean {
  const { hashes } = ctx.keyspace;
  const entry = ctx.db.readValue(args, 1, hashes);
  return entry !== 0 && hashes.findArgument(args, 2);
}

/** HEXISTS key field */
export const hexists = command({
  name: 'hexists',
  arity: 3,
  group: 'hash',
  since: '2.0.0',
  summary: 'Returns whether a hash has a field.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  member: 2,
  syntax: 'key field',

  run(ctx, args, reply) {
    reply.int(findField(ctx, args) ? 1 : 0);
  },
});

/** HSTRLEN key field */
export const hstrlen = command({
  name: 'hstrlen',
  arity: 3,
  group: 'hash',
  since: '3.2.0',
  summary: "Returns the length of a field's value.",
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  member: 2,
  syntax: 'key field',

  run(ctx, args, reply) {
    reply.int(findField(ctx, args) ? ctx.keyspace.hashes.value.len : 0);
  },
});
