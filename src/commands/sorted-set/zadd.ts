/**
 * Adding and changing elements: ZADD, ZINCRBY, ZREM.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseDouble } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { command, keyAt } from '../spec.ts';

const xxAndNx = new CommandError('ERR XX and NX options at the same time are not compatible');
const gtLtNx = new CommandError(
  'ERR GT, LT, and/or NX options at the same time are not compatible',
);
const onePair = new CommandError('ERR INCR option supports a single increment-element pair');
const notANumber = new CommandError('ERR resulting score is not a number (NaN)');

// The handler says which words clash: Redis has two texts for it.
const options = grammar('[NX | XX] [GT | LT] [CH] [INCR]', { together: true });
const NX = options.word('NX');
const XX = options.word('XX');
const GT = options.word('GT');
const LT = options.word('LT');
const CH = options.word('CH');
const INCR = options.word('INCR');

/** Which elements may be added or changed, and how. */
interface AddMode {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
  /** Scores are added to those that are there. */
  readonly increment: boolean;
  /** The reply counts changed scores, too. */
  readonly countChanges: boolean;
}

const plain: AddMode = {
  nx: false,
  xx: false,
  gt: false,
  lt: false,
  increment: false,
  countChanges: false,
};
const increment: AddMode = { ...plain, increment: true };

/** What became of one element. */
type AddOutcome = 'added' | 'updated' | 'same' | 'refused';

/** Scores of one command, parsed before anything changes; grows, and is given up when large. */
let scores = new Float64Array(64);
const KEEP_SCORES = 4096;

/** Parses the scores of (score, member) pairs from argument `from` on into `scores`. */
function readScores(args: Args, from: number): void {
  const count = (args.argc - from) >> 1;
  if (count > scores.length || scores.length > KEEP_SCORES) {
    scores = new Float64Array(Math.max(64, count));
  }
  for (let k = 0, i = from; k < count; k++, i += 2) {
    const score = parseDouble(args.buf, args.off[i]!, args.len[i]!);
    if (Number.isNaN(score)) throw errors.notFloat;
    scores[k] = score;
  }
}

/**
 * Adds argument `at` as a member or changes its score, as the mode allows; `set.score` is its score
 * then.
 */
function addMember(
  set: SortedSetValue,
  args: Args,
  at: number,
  given: number,
  mode: AddMode,
): AddOutcome {
  const { buf } = args;
  const off = args.off[at]!;
  const len = args.len[at]!;
  if (!set.find(buf, off, len)) {
    if (mode.xx) return 'refused';
    set.insert(buf, off, len, given);
    set.score = given;
    return 'added';
  }
  const before = set.score;
  if (mode.nx) return 'refused';
  const score = mode.increment ? before + given : given;
  if (Number.isNaN(score)) throw notANumber;
  if ((mode.lt && score >= before) || (mode.gt && score <= before)) return 'refused';
  if (score === before) return 'same';
  set.update(buf, off, len, score);
  set.score = score;
  return 'updated';
}

/** Adds (score, member) pairs from argument `from` on; replies as ZADD does. */
function addPairs(ctx: Context, args: Args, from: number, mode: AddMode, reply: Reply): void {
  readScores(args, from);
  const { zsets } = ctx.keyspace;
  let entry = ctx.db.writeValue(args, 1, zsets);
  if (entry === 0) {
    if (mode.xx) {
      if (mode.increment) reply.null();
      else reply.int(0);
      return;
    }
    zsets.create();
    entry = ctx.db.addValue(args, 1, zsets);
  }
  let added = 0;
  let updated = 0;
  let outcome: AddOutcome = 'refused';
  for (let k = 0, i = from; i < args.argc; k++, i += 2) {
    outcome = addMember(zsets, args, i + 1, scores[k]!, mode);
    if (outcome === 'added') added++;
    else if (outcome === 'updated') updated++;
  }
  if (!mode.increment) reply.int(mode.countChanges ? added + updated : added);
  else if (outcome === 'refused') reply.null();
  else reply.double(zsets.score);
  if (added + updated > 0) {
    const event = mode.increment ? 'zincr' : 'zadd';
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
  syntax: `key ${options.line} score:double member:string [score:double member:string ...]`,

  run(ctx, args, reply) {
    const from = options.readWhile(args, 2);
    const left = args.argc - from;
    if (left % 2 === 1 || left === 0) throw errors.syntax;
    addPairs(ctx, args, from, from === 2 ? plain : readMode(left), reply);
  },
});

/** What the options that were read say; `left` arguments follow them. */
function readMode(left: number): AddMode {
  const nx = options.has(NX);
  const xx = options.has(XX);
  const gt = options.has(GT);
  const lt = options.has(LT);
  if (nx && xx) throw xxAndNx;
  if ((gt && nx) || (lt && nx) || (gt && lt)) throw gtLtNx;
  if (options.has(INCR) && left > 2) throw onePair;
  return { nx, xx, gt, lt, increment: options.has(INCR), countChanges: options.has(CH) };
}

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
  run: (ctx, args, reply) => addPairs(ctx, args, 2, increment, reply),
});

/** ZREM key member [member ...] */
export const zrem = command({
  name: 'zrem',
  arity: -3,
  group: 'sorted-set',
  since: '1.2.0',
  summary: 'Removes members and returns how many there were; the key goes with the last one.',
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
