/**
 * Sets combined: SINTER, SUNION, SDIFF, their STORE forms and SINTERCARD.
 */
import { SetValue } from '../../datatypes/set.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { intArgument, numKeysArgument } from '../integers.ts';
import { command, keyAt, keyCount, keyRange } from '../spec.ts';

/** The sets at arguments [from, to); undefined for a missing key. Throws WRONGTYPE. */
function openSets(ctx: Context, args: Args, from: number, to: number): (SetValue | undefined)[] {
  const found: (SetValue | undefined)[] = [];
  for (let i = from; i < to; i++) {
    const set = new SetValue(ctx.keyspace.tools);
    found.push(ctx.db.readValue(args, i, set) === 0 ? undefined : set);
  }
  return found;
}

/**
 * Calls `emit` for each member that all sets have, with the smallest set's `member` pointing at it,
 * until it answers false. O(smallest set times the number of sets).
 */
function intersect(
  sets: readonly (SetValue | undefined)[],
  emit: (smallest: SetValue) => boolean,
): void {
  const present = sets.filter((set) => set !== undefined);
  if (present.length < sets.length) return;
  const [smallest, ...others] = present.sort((a, b) => a.size - b.size);
  if (smallest === undefined) return;
  const { member } = smallest;
  smallest.some(() => {
    const { buf, off, len } = member;
    if (!others.every((set) => set.has(buf, off, len))) return true;
    return emit(smallest);
  });
}

/** A set that belongs to no key: what all or the first of the sets and none of the others have. */
function combine(
  ctx: Context,
  sets: readonly (SetValue | undefined)[],
  operation: 'inter' | 'union' | 'diff',
): SetValue {
  return ctx.keyspace.build(new SetValue(ctx.keyspace.tools), (result) =>
    addCombined(result, sets, operation),
  );
}

function addCombined(
  result: SetValue,
  sets: readonly (SetValue | undefined)[],
  operation: 'inter' | 'union' | 'diff',
): void {
  let made = false;
  const add = (set: SetValue) => {
    const { buf, off, len } = set.member;
    if (!made) result.createFor(buf, off, len);
    made = true;
    result.add(buf, off, len);
    return true;
  };
  if (operation === 'inter') intersect(sets, add);
  else if (operation === 'union')
    for (const set of sets) {
      set?.forEach(() => {
        add(set);
      });
    }
  else {
    const [first, ...others] = sets;
    first?.forEach(() => {
      const { buf, off, len } = first.member;
      if (!others.some((set) => set?.has(buf, off, len))) add(first);
    });
  }
}

function replyCombined(ctx: Context, args: Args, reply: Reply, operation: 'union' | 'diff'): void {
  const result = combine(ctx, openSets(ctx, args, 1, args.argc), operation);
  if (result.ref === 0) {
    reply.set(0);
    return;
  }
  reply.set(result.size);
  const { member } = result;
  result.forEach(() => {
    reply.bulk(member.buf, member.off, member.len);
  });
  ctx.keyspace.freeValue(result.type, result.ref, result.encoding);
}

function storeCombined(
  ctx: Context,
  args: Args,
  reply: Reply,
  operation: 'inter' | 'union' | 'diff',
): void {
  const { db } = ctx;
  const result = combine(ctx, openSets(ctx, args, 2, args.argc), operation);
  if (result.ref === 0) {
    if (db.removeKey(args, 1)) ctx.changed('del', args, 1);
    reply.int(0);
    return;
  }
  const { size } = result;
  db.putValue(args, 1, result);
  ctx.changed(`s${operation}store`, args, 1);
  reply.int(size);
}

/** SINTER key [key ...] */
export const sinter = command({
  name: 'sinter',
  arity: -2,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns the members that all of the sets have.',
  complexity: 'O(N*M) where N is the size of the smallest set and M the number of sets.',
  flags: ['readonly'],
  keys: [keyRange(1, -1, 1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    const sets = openSets(ctx, args, 1, args.argc);
    const mark = reply.beginDeferred();
    let count = 0;
    intersect(sets, ({ member }) => {
      reply.bulk(member.buf, member.off, member.len);
      count++;
      return true;
    });
    reply.endSet(mark, count);
  },
});

/** SUNION key [key ...] */
export const sunion = command({
  name: 'sunion',
  arity: -2,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns the members that any of the sets has.',
  complexity: 'O(N) where N is the total size of the sets.',
  flags: ['readonly'],
  keys: [keyRange(1, -1, 1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  syntax: 'key [key ...]',
  run: (ctx, args, reply) => replyCombined(ctx, args, reply, 'union'),
});

/** SDIFF key [key ...] */
export const sdiff = command({
  name: 'sdiff',
  arity: -2,
  group: 'set',
  since: '1.0.0',
  summary: 'Returns the members that the first set has and none of the others.',
  complexity: 'O(N*M) where N is the size of the first set and M the number of sets.',
  flags: ['readonly'],
  keys: [keyRange(1, -1, 1, 'RO', 'access')],
  tips: ['nondeterministic_output_order'],
  syntax: 'key [key ...]',
  run: (ctx, args, reply) => replyCombined(ctx, args, reply, 'diff'),
});

/** SINTERSTORE destination key [key ...] */
export const sinterstore = command({
  name: 'sinterstore',
  arity: -3,
  group: 'set',
  since: '1.0.0',
  summary: 'Stores the members that all of the sets have and returns how many they are.',
  complexity: 'O(N*M) where N is the size of the smallest set and M the number of sets.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'update'), keyRange(2, -1, 1, 'RO', 'access')],
  syntax: 'destination:key key [key ...]',
  run: (ctx, args, reply) => storeCombined(ctx, args, reply, 'inter'),
});

/** SUNIONSTORE destination key [key ...] */
export const sunionstore = command({
  name: 'sunionstore',
  arity: -3,
  group: 'set',
  since: '1.0.0',
  summary: 'Stores the members that any of the sets has and returns how many they are.',
  complexity: 'O(N) where N is the total size of the sets.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update'), keyRange(2, -1, 1, 'RO', 'access')],
  syntax: 'destination:key key [key ...]',
  run: (ctx, args, reply) => storeCombined(ctx, args, reply, 'union'),
});

/** SDIFFSTORE destination key [key ...] */
export const sdiffstore = command({
  name: 'sdiffstore',
  arity: -3,
  group: 'set',
  since: '1.0.0',
  summary: 'Stores what the first set has and no other, and returns how many members that is.',
  complexity: 'O(N*M) where N is the size of the first set and M the number of sets.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update'), keyRange(2, -1, 1, 'RO', 'access')],
  syntax: 'destination:key key [key ...]',
  run: (ctx, args, reply) => storeCombined(ctx, args, reply, 'diff'),
});

const cardOptions = grammar('[LIMIT limit:integer]');
const negativeLimit = new CommandError("ERR LIMIT can't be negative");

/** SINTERCARD numkeys key [key ...] [LIMIT limit] */
export const sintercard = command({
  name: 'sintercard',
  arity: -3,
  group: 'set',
  since: '7.0.0',
  summary: 'Counts the members that all of the sets have, up to a limit.',
  complexity: 'O(N*M) where N is the size of the smallest set and M the number of sets.',
  flags: ['readonly', 'movablekeys'],
  keys: [keyCount(1, 'RO', 'access')],
  syntax: `numkeys:integer key [key ...] ${cardOptions.line}`,

  run(ctx, args, reply) {
    const end = 2 + numKeysArgument(args, 1);
    let limit = 0;
    cardOptions.begin();
    for (let i = end; i < args.argc; ) {
      i = cardOptions.next(args, i);
      limit = intArgument(args, i - 1, negativeLimit);
      if (limit < 0) throw negativeLimit;
    }
    let count = 0;
    intersect(openSets(ctx, args, 2, end), () => ++count !== limit);
    reply.int(count);
  },
});
