/**
 * Reading one set: SCARD, SISMEMBER, SMISMEMBER, SMEMBERS, SSCAN.
 */
import { replyScan } from '../scan-options.ts';
import { command, keyAt } from '../spec.ts';

/** SCARD key */
export const scard = command({
  name: 'scard',
  arity: 2,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns how many members a set has.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { sets } = ctx.keyspace;
    reply.int(ctx.db.readValue(args, 1, sets) === 0 ? 0 : sets.size);
  },
});

/** SISMEMBER key member */
export const sismember = command({
  name: 'sismember',
  arity: 3,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns whether a set has a member.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  member: 2,
  syntax: 'key member',

  run(ctx, args, reply) {
    const { sets } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, sets);
    reply.int(entry !== 0 && sets.has(args.buf, args.off[2]!, args.len[2]!) ? 1 : 0);
  },
});

/** SMISMEMBER key member [member ...] */
export const smismember = command({
  name: 'smismember',
  arity: -3,
  group: 'set',
  since: '6.2.0',
  summary: 'Returns for each of several members whether a set has it.',
  complexity: 'O(N) where N is the number of members to look for.',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const { sets } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, sets);
    reply.array(args.argc - 2);
    for (let i = 2; i < args.argc; i++) {
      reply.int(entry !== 0 && sets.has(args.buf, args.off[i]!, args.len[i]!) ? 1 : 0);
    }
  },
});

/** SMEMBERS key */
export const smembers = command({
  name: 'smembers',
  arity: 2,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns all members of a set.',
  complexity: 'O(N) where N is the size of the set.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  syntax: 'key',

  run(ctx, args, reply) {
    const { sets } = ctx.keyspace;
    if (ctx.db.readValue(args, 1, sets) === 0) {
      reply.set(0);
      return;
    }
    reply.set(sets.size);
    const { member } = sets;
    sets.forEach(() => {
      reply.bulk(member.buf, member.off, member.len);
    });
  },
});

/** SSCAN key cursor [MATCH pattern] [COUNT count] */
export const sscan = command({
  name: 'sscan',
  arity: -3,
  group: 'set',
  since: '2.8.0',
  summary: 'Returns some members and a cursor for the next call; all calls together see every one.',
  complexity: 'O(1) for every call, O(N) for a complete iteration.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key cursor:integer [MATCH pattern] [COUNT count]',

  run(ctx, args, reply) {
    const { sets } = ctx.keyspace;
    const { member } = sets;
    replyScan(ctx, args, reply, sets, {
      text: member,
      step: (from, emit) => sets.scan(from, emit),
      write() {
        reply.bulk(member.buf, member.off, member.len);
        return 1;
      },
    });
  },
});
