/**
 * Sorted sets combined: ZUNION, ZINTER, ZDIFF, their STORE forms and ZINTERCARD. Sets take part
 * with a score of 1 for each member. The options of the first three are read by hand: how many
 * values follow WEIGHTS depends on the number of keys.
 */
import { SetValue } from '../../datatypes/set.ts';
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseDouble } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { intArgument } from '../integers.ts';
import { command, keyAt, keyCount } from '../spec.ts';
import { replyElement, replyElements, storeResult } from './results.ts';

const badWeight = new CommandError('ERR weight value is not a float');
const negativeLimit = new CommandError("ERR LIMIT can't be negative");

type Operation = 'union' | 'inter' | 'diff';
type Aggregate = 'SUM' | 'MIN' | 'MAX' | 'COUNT';

/** One of the sorted sets or sets that are combined. */
interface Source {
  /** Undefined for a missing key. */
  readonly value: SortedSetValue | SetValue | undefined;
  weight: number;
}

interface Combination {
  readonly sources: readonly Source[];
  readonly aggregate: Aggregate;
  readonly withScores: boolean;
}

function openSource(ctx: Context, args: Args, i: number): Source {
  const { db, keyspace } = ctx;
  const entry = db.read(args, i);
  if (entry === 0) return { value: undefined, weight: 1 };
  const value =
    db.typeOf(entry) === ValueType.set
      ? new SetValue(keyspace.tools)
      : new SortedSetValue(keyspace.tools);
  db.findValue(args.buf, args.off[i]!, args.len[i]!, value);
  return { value, weight: 1 };
}

function sizeOf(source: Source): number {
  return source.value?.size ?? 0;
}

/** The score of a member in a source, or undefined when it has no such member. */
function scoreIn(source: Source, buf: Uint8Array, off: number, len: number): number | undefined {
  const { value } = source;
  if (value === undefined) return undefined;
  if (value instanceof SetValue) return value.has(buf, off, len) ? 1 : undefined;
  return value.find(buf, off, len) ? value.score : undefined;
}

/** Calls `emit` with the text and score of each element until it answers false. */
function someOf(
  source: Source,
  emit: (buf: Uint8Array, off: number, len: number, score: number) => boolean,
): void {
  const { value } = source;
  if (value === undefined) return;
  const { member } = value;
  if (value instanceof SetValue) {
    value.some(() => emit(member.buf, member.off, member.len, 1));
    return;
  }
  let go = true;
  value.forEach(() => {
    if (go) go = emit(member.buf, member.off, member.len, value.score);
  });
}

/** What a source contributes; NaN when that is infinity times 0. */
function weighted(score: number, weight: number, aggregate: Aggregate): number {
  return aggregate === 'COUNT' ? weight : score * weight;
}

function numberOr0(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

/** Comparisons as Redis makes them: of 0 and -0, and of a number and NaN, the first one stays. */
function aggregated(a: number, b: number, aggregate: Aggregate): number {
  if (aggregate === 'MIN' && b < a) return b;
  if (aggregate === 'MAX' && b > a) return b;
  if (aggregate === 'MIN' || aggregate === 'MAX') return a;
  return numberOr0(a + b);
}

/** The sources that argument `at` counts and that follow it. */
function openSources(ctx: Context, args: Args, at: number): Source[] {
  const numKeys = intArgument(args, at);
  if (numKeys < 1) {
    throw new CommandError(`ERR at least 1 input key is needed for '${ctx.command.name}' command`);
  }
  if (numKeys > args.argc - at - 1) throw errors.syntax;
  const sources: Source[] = [];
  for (let i = at + 1; i <= at + numKeys; i++) sources.push(openSource(ctx, args, i));
  return sources;
}

/** Reads keys and options; numkeys is argument `at`. */
function parseCombination(
  ctx: Context,
  args: Args,
  at: number,
  operation: Operation,
  store: boolean,
): Combination {
  const sources = openSources(ctx, args, at);
  const numKeys = sources.length;
  const end = at + 1 + numKeys;
  let aggregate: Aggregate = 'SUM';
  let withScores = false;
  for (let i = end; i < args.argc; i++) {
    const left = args.argc - i;
    if (operation !== 'diff' && left >= numKeys + 1 && args.is(i, 'WEIGHTS')) {
      for (const source of sources) {
        i++;
        source.weight = parseDouble(args.buf, args.off[i]!, args.len[i]!);
        if (Number.isNaN(source.weight)) throw badWeight;
      }
    } else if (operation !== 'diff' && left >= 2 && args.is(i, 'AGGREGATE')) {
      i++;
      if (args.is(i, 'SUM')) aggregate = 'SUM';
      else if (args.is(i, 'MIN')) aggregate = 'MIN';
      else if (args.is(i, 'MAX')) aggregate = 'MAX';
      else if (args.is(i, 'COUNT')) aggregate = 'COUNT';
      else throw errors.syntax;
    } else if (!store && args.is(i, 'WITHSCORES')) withScores = true;
    else throw errors.syntax;
  }
  return { sources, aggregate, withScores };
}

/** The sorted set that an operation makes, belonging to no key. */
function combine(ctx: Context, operation: Operation, combination: Combination): SortedSetValue {
  return ctx.keyspace.build(new SortedSetValue(ctx.keyspace.tools), (result) => {
    result.createLarge();
    addCombined(result, operation, combination);
  });
}

function addCombined(result: SortedSetValue, operation: Operation, combination: Combination): void {
  const { aggregate } = combination;
  if (operation === 'diff') {
    const [first, ...others] = combination.sources;
    someOf(first!, (buf, off, len, score) => {
      const elsewhere = others.some((other) => scoreIn(other, buf, off, len) !== undefined);
      if (!elsewhere) result.insert(buf, off, len, score);
      return true;
    });
    return;
  }
  const sources = [...combination.sources].sort((a, b) => sizeOf(a) - sizeOf(b));
  if (operation === 'union') {
    for (const source of sources) {
      someOf(source, (buf, off, len, score) => {
        const value = numberOr0(weighted(score, source.weight, aggregate));
        if (result.find(buf, off, len)) {
          const sum = aggregated(result.score, value, aggregate);
          if (!Object.is(sum, result.score)) result.update(buf, off, len, sum);
        } else result.insert(buf, off, len, value);
        return true;
      });
    }
    return;
  }
  const [smallest, ...others] = sources;
  someOf(smallest!, (buf, off, len, score) => {
    let sum = numberOr0(weighted(score, smallest!.weight, aggregate));
    for (const other of others) {
      const found = scoreIn(other, buf, off, len);
      if (found === undefined) return true;
      sum = aggregated(sum, weighted(found, other.weight, aggregate), aggregate);
    }
    result.insert(buf, off, len, sum);
    return true;
  });
}

function replyCombined(ctx: Context, args: Args, reply: Reply, operation: Operation): void {
  const combination = parseCombination(ctx, args, 1, operation, false);
  const result = combine(ctx, operation, combination);
  replyElements(reply, result.size, combination.withScores);
  result.forEach(() => {
    replyElement(result, reply, combination.withScores);
  });
  ctx.keyspace.freeValue(result.type, result.ref, result.encoding);
}

function storeCombined(ctx: Context, args: Args, reply: Reply, operation: Operation): void {
  const combination = parseCombination(ctx, args, 2, operation, true);
  const result = combine(ctx, operation, combination);
  result.compact();
  storeResult(ctx, args, 1, result, `z${operation}store`, reply);
}

const cardOptions = grammar('[LIMIT limit:integer]');

const combinationSyntax =
  '[WEIGHTS weight:double [weight:double ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]';

const reading = {
  arity: -3,
  group: 'sorted-set',
  since: '6.2.0',
  flags: ['readonly', 'movablekeys'],
  keys: [keyCount(1, 'RO', 'access')],
} as const;

const storing = {
  arity: -4,
  group: 'sorted-set',
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [keyAt(1, 'OW', 'update'), keyCount(2, 'RO', 'access')],
} as const;

const unionCost = 'O(N*log(N)) where N is the total size of the sorted sets.';
const interCost = 'O(N*K*log(N)) where N is the smallest size and K the number of sorted sets.';
const diffCost = 'O(N*K*log(N)) where N is the size of the first and K the number of sorted sets.';

/** ZUNION numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES] */
export const zunion = command({
  ...reading,
  name: 'zunion',
  summary: 'Returns the members that any of the sorted sets has.',
  complexity: unionCost,
  syntax: `numkeys:integer key [key ...] ${combinationSyntax} [WITHSCORES]`,
  run: (ctx, args, reply) => replyCombined(ctx, args, reply, 'union'),
});

/** ZINTER numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES] */
export const zinter = command({
  ...reading,
  name: 'zinter',
  summary: 'Returns the members that all of the sorted sets have.',
  complexity: interCost,
  syntax: `numkeys:integer key [key ...] ${combinationSyntax} [WITHSCORES]`,
  run: (ctx, args, reply) => replyCombined(ctx, args, reply, 'inter'),
});

/** ZDIFF numkeys key [key ...] [WITHSCORES] */
export const zdiff = command({
  ...reading,
  name: 'zdiff',
  summary: 'Returns the members that the first sorted set has and none of the others.',
  complexity: diffCost,
  syntax: 'numkeys:integer key [key ...] [WITHSCORES]',
  run: (ctx, args, reply) => replyCombined(ctx, args, reply, 'diff'),
});

/** ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] */
export const zunionstore = command({
  ...storing,
  name: 'zunionstore',
  since: '2.0.0',
  summary: 'Stores the members that any of the sorted sets has and returns how many they are.',
  complexity: unionCost,
  syntax: `destination:key numkeys:integer key [key ...] ${combinationSyntax}`,
  run: (ctx, args, reply) => storeCombined(ctx, args, reply, 'union'),
});

/** ZINTERSTORE destination numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] */
export const zinterstore = command({
  ...storing,
  name: 'zinterstore',
  since: '2.0.0',
  summary: 'Stores the members that all of the sorted sets have and returns how many they are.',
  complexity: interCost,
  syntax: `destination:key numkeys:integer key [key ...] ${combinationSyntax}`,
  run: (ctx, args, reply) => storeCombined(ctx, args, reply, 'inter'),
});

/** ZDIFFSTORE destination numkeys key [key ...] */
export const zdiffstore = command({
  ...storing,
  name: 'zdiffstore',
  since: '6.2.0',
  summary: 'Stores what the first sorted set has and no other, and returns how many that is.',
  complexity: diffCost,
  syntax: 'destination:key numkeys:integer key [key ...]',
  run: (ctx, args, reply) => storeCombined(ctx, args, reply, 'diff'),
});

/** ZINTERCARD numkeys key [key ...] [LIMIT limit] */
export const zintercard = command({
  ...reading,
  name: 'zintercard',
  since: '7.0.0',
  summary: 'Counts the members that all of the sorted sets have, up to a limit.',
  complexity: 'O(N*K) where N is the smallest size and K the number of sorted sets.',
  syntax: `numkeys:integer key [key ...] ${cardOptions.line}`,

  run(ctx, args, reply) {
    const sources = openSources(ctx, args, 1);
    const end = 2 + sources.length;
    let limit = 0;
    cardOptions.begin();
    for (let i = end; i < args.argc; ) {
      i = cardOptions.next(args, i);
      limit = intArgument(args, i - 1, negativeLimit);
      if (limit < 0) throw negativeLimit;
    }
    sources.sort((a, b) => sizeOf(a) - sizeOf(b));
    const [smallest, ...others] = sources;
    let count = 0;
    someOf(smallest!, (buf, off, len) => {
      if (others.some((other) => scoreIn(other, buf, off, len) === undefined)) return true;
      return ++count !== limit;
    });
    reply.int(count);
  },
});
