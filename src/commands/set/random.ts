/**
 * Random members, each equally likely: SPOP, SRANDMEMBER.
 */
import { sampleDistinct, sampleIndexes } from '../../datatypes/sampling.ts';
import type { SetValue } from '../../datatypes/set.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { countArgument, intArgument } from '../integers.ts';
import { checkRepetitions } from '../repetitions.ts';
import { command, keyAt } from '../spec.ts';

function popMany(ctx: Context, args: Args, reply: Reply): void {
  const count = intArgument(args, 2, errors.outOfRangePositive);
  if (count < 0) throw errors.outOfRangePositive;
  const { sets } = ctx.keyspace;
  const { member } = sets;
  const entry = ctx.db.writeValue(args, 1, sets);
  if (entry === 0 || count === 0) {
    reply.set(0);
    return;
  }
  const { size } = sets;
  if (count >= size) {
    reply.set(size);
    sets.forEach(() => {
      reply.bulk(member.buf, member.off, member.len);
    });
    ctx.changed('spop', args, 1, size);
    ctx.db.removeEntry(entry);
    ctx.changed('del', args, 1, 0);
    ctx.instead('DEL')?.argument(args, 1);
    // To redis-server this is SUNION, a read.
    ctx.keyspace.hits++;
    return;
  }
  reply.set(count);
  for (let i = 0; i < count; i++) {
    const at = sets.seekRandom();
    reply.bulk(member.buf, member.off, member.len);
    ctx.instead('SREM')?.argument(args, 1).bytes(member.buf, member.off, member.len);
    sets.deleteAt(at);
  }
  ctx.changedValue('spop', entry, sets, args, 1, count);
}

/** SPOP key [count] */
export const spop = command({
  name: 'spop',
  arity: -2,
  group: 'set',
  since: '1.0.0',
  summary: 'Removes random members and returns them.',
  complexity: 'O(N) where N is the count, 1 by default.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  tips: ['nondeterministic_output'],
  member: 0,
  syntax: 'key [count:integer]',

  run(ctx, args, reply) {
    if (args.argc === 3) {
      popMany(ctx, args, reply);
      return;
    }
    if (args.argc > 3) throw errors.syntax;
    const { sets } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, sets);
    if (entry === 0) {
      reply.null();
      return;
    }
    const at = sets.seekRandom();
    const { member } = sets;
    reply.bulk(member.buf, member.off, member.len);
    ctx.instead('SREM')?.argument(args, 1).bytes(member.buf, member.off, member.len);
    sets.deleteAt(at);
    ctx.changedValue('spop', entry, sets, args, 1, 1);
  },
});

/** `count` different members, all of them when there are fewer. */
function replyDistinct(sets: SetValue, count: number, random: () => number, reply: Reply): void {
  const { member, size } = sets;
  const write = () => reply.bulk(member.buf, member.off, member.len);
  if (count >= size) {
    reply.array(size);
    sets.forEach(write);
    return;
  }
  reply.array(count);
  if (count * 3 <= size) {
    sampleDistinct(sets, count, write);
    return;
  }
  const wanted = new Set(sampleIndexes(size, count, random));
  let i = 0;
  sets.forEach(() => {
    if (wanted.has(i++)) write();
  });
}

/** SRANDMEMBER key [count] */
export const srandmember = command({
  name: 'srandmember',
  arity: -2,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns random members; a negative count allows repetitions.',
  complexity: 'O(N) where N is the absolute value of the count, 1 by default.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key [count:integer]',

  run(ctx, args, reply) {
    if (args.argc > 3) throw errors.syntax;
    const { sets, random } = ctx.keyspace;
    const count = args.argc === 3 ? countArgument(args, 2) : undefined;
    const entry = ctx.db.readValue(args, 1, sets);
    const { member } = sets;
    if (count === undefined) {
      if (entry === 0) reply.null();
      else {
        sets.seekRandom();
        reply.bulk(member.buf, member.off, member.len);
      }
      return;
    }
    if (entry === 0 || count === 0) {
      reply.array(0);
      return;
    }
    if (count > 0) {
      replyDistinct(sets, count, random, reply);
      return;
    }
    checkRepetitions(reply, -count, sets, () => member.len);
    reply.array(-count);
    for (let i = 0; i < -count; i++) {
      sets.seekRandom();
      reply.bulk(member.buf, member.off, member.len);
    }
  },
});
