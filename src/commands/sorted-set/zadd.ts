/**
 * Adding and changing elements: ZADD, ZINCRBY, ZREM.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseDouble } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';

const xxAndNx = new CommandError('ERR XX and NX options at the same time are not compatible');
const gtLtNx = new CommandError(
  'ERR GT, LT, and/or NX options at the same time are not compatible',
);
const onePair = new CommandError('ERR INCR option supports a single increment-element pair');
const notANumber = new CommandError('ERR resulting score is not a number (NaN)');

/** Which elements ZADD may add or change. */
export interface AddOptions {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
}

const anyElement: AddOptions = { nx: false, xx: false, gt: false, lt: false };

/** What became of one element. */
export type AddOutcome = 'added' | 'updated' | 'same' | 'refused';

/** Argument i as a score. */
export function scoreArgument(args: Args, i: number): number {
  const score = parseDouble(args.buf, args.off[i]!, args.len[i]!);
  if (Number.isNaN(score)) throw errors.notFloat;
  return score;
}

/**
 * Adds argument `at` as a member or changes its score, as the options allow; `set.score` is its
 * score then. With `increment` the score is added to the present one.
 */
export function addMember(
  set: SortedSetValue,
  args: Args,
  at: number,
  given: number,
  options: AddOptions,
  increment: boolean,
): AddOutcome {
  const { buf } = args;
  const off = args.off[at]!;
  const len = args.len[at]!;
  if (!set.find(buf, off, len)) {
    if (options.xx) return 'refused';
    set.insert(buf, off, len, given);
    set.score = given;
    return 'added';
  }
  const before = set.score;
  if (options.nx) return 'refused';
  const score = increment ? before + given : given;
  if (Number.isNaN(score)) throw notANumber;
  if ((options.lt && score >= before) || (options.gt && score <= before)) return 'refused';
  if (score === before) return 'same';
  set.update(buf, off, len, score);
  set.score = score;
  return 'updated';
}

/** The sorted set at argument i for writing, made when the key is missing. Throws WRONGTYPE. */
export function zsetForWriting(ctx: Context, args: Args, i: number): Entry {
  const { zsets } = ctx.keyspace;
  const entry = ctx.db.writeValue(args, i, zsets);
  if (entry !== 0) return entry;
  zsets.create();
  return ctx.db.addValue(args, i, zsets);
}

/** Adds (score, member) pairs from argument `from` on; replies as ZADD does. */
function addPairs(
  ctx: Context,
  args: Args,
  from: number,
  options: AddOptions,
  increment: boolean,
  countChanges: boolean,
  reply: Reply,
): void {
  for (let i = from; i < args.argc; i += 2) scoreArgument(args, i);
  const { zsets } = ctx.keyspace;
  let entry = ctx.db.writeValue(args, 1, zsets);
  if (entry === 0) {
    if (options.xx) {
      if (increment) reply.null();
      else reply.int(0);
      return;
    }
    entry = zsetForWriting(ctx, args, 1);
  }
  let added = 0;
  let updated = 0;
  let outcome: AddOutcome = 'refused';
  for (let i = from; i < args.argc; i += 2) {
    outcome = addMember(zsets, args, i + 1, scoreArgument(args, i), options, increment);
    if (outcome === 'added') added++;
    else if (outcome === 'updated') updated++;
  }
  if (!increment) reply.int(countChanges ? added + updated : added);
  else if (outcome === 'refused') reply.null();
  else reply.double(zsets.score);
  if (added + updated > 0) {
    const event = increment ? 'zincr' : 'zadd';
    ctx.changedValue(event, entry, zsets, args, 1, added + updated);
  }
}

/** ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...] */
export const zadd = command({
  name: 'zadd',
  arity: -4,
  group: 'sorted-set',
  since: '1.2.0',
  summary: 'Adds members with their scores or changes the scores of members.',
  complexity: 'O(log(N)) for each member, where N is the size of the sorted set.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  member: -1,
  syntax:
    'key [NX | XX] [GT | LT] [CH] [INCR] score:double member:string [score:double member:string ...]',

  run(ctx, args, reply) {
    let nx = false;
    let xx = false;
    let gt = false;
    let lt = false;
    let changes = false;
    let increment = false;
    let i = 2;
    for (; i < args.argc; i++) {
      if (args.is(i, 'NX')) nx = true;
      else if (args.is(i, 'XX')) xx = true;
      else if (args.is(i, 'CH')) changes = true;
      else if (args.is(i, 'INCR')) increment = true;
      else if (args.is(i, 'GT')) gt = true;
      else if (args.is(i, 'LT')) lt = true;
      else break;
    }
    const left = args.argc - i;
    if (left % 2 === 1 || left === 0) throw errors.syntax;
    if (nx && xx) throw xxAndNx;
    if ((gt && nx) || (lt && nx) || (gt && lt)) throw gtLtNx;
    if (increment && left > 2) throw onePair;
    const options = nx || xx || gt || lt ? { nx, xx, gt, lt } : anyElement;
    addPairs(ctx, args, i, options, increment, changes, reply);
  },
});

/** ZINCRBY key increment member */
export const zincrby = command({
  name: 'zincrby',
  arity: 4,
  group: 'sorted-set',
  since: '1.2.0',
  summary: "Adds to a member's score; a missing member counts as 0.",
  complexity: 'O(log(N)) where N is the size of the sorted set.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  member: 3,
  syntax: 'key increment:integer member:string',
  run: (ctx, args, reply) => addPairs(ctx, args, 2, anyElement, true, false, reply),
});

/** ZREM key member [member ...] */
export const zrem = command({
  name: 'zrem',
  arity: -3,
  group: 'sorted-set',
  since: '1.2.0',
  summary: 'Removes members and answers how many there were; the key goes with the last one.',
  complexity: 'O(M*log(N)) where N is the size of the sorted set and M the number of members.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  member: 2,
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const { zsets } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, zsets);
    let removed = 0;
    if (entry !== 0) {
      for (let i = 2; i < args.argc; i++) {
        if (zsets.delete(args.buf, args.off[i]!, args.len[i]!)) removed++;
      }
      if (removed > 0) ctx.changedValue('zrem', entry, zsets, args, 1, removed);
    }
    reply.int(removed);
  },
});
