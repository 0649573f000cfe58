/**
 * The elements of a list, set or sorted set in order, or what keys derived from them hold: SORT,
 * SORT_RO.
 * Source: redis-server 7.0.15 (behaviour), down to the order of elements that compare equal.
 */
import type { ListValue } from '../../datatypes/list.ts';
import type { SetValue } from '../../datatypes/set.ts';
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseDouble } from '../../util/numbers.ts';
import { partialSort } from '../../util/partial-sort.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command, type KeySpec, keyAt } from '../spec.ts';
import { SortPattern } from './sort-pattern.ts';

const notNumber = new CommandError("ERR One or more scores can't be converted into double");

/** Doubles below this, zero apart, are subnormal: strtod reports them out of range. */
const NORMAL_MIN = 2 ** -1022;
const LETTER_X = 120;

interface SortOptions {
  descending: boolean;
  alpha: boolean;
  by: SortPattern | undefined;
  /** Whether any BY has no `*`, a later one with it or not. */
  keepsOrder: boolean;
  readonly get: SortPattern[];
  start: number;
  /** Negative for all. */
  count: number;
  /** Argument that names the destination, 0 for none. */
  store: number;
}

function readOptions(args: Args, mayStore: boolean): SortOptions {
  const options: SortOptions = {
    descending: false,
    alpha: false,
    by: undefined,
    keepsOrder: false,
    get: [],
    start: 0,
    count: -1,
    store: 0,
  };
  for (let i = 2; i < args.argc; i++) {
    const more = args.argc - i - 1;
    if (args.is(i, 'ASC')) options.descending = false;
    else if (args.is(i, 'DESC')) options.descending = true;
    else if (args.is(i, 'ALPHA')) options.alpha = true;
    else if (args.is(i, 'LIMIT') && more >= 2) {
      options.start = intArgument(args, ++i);
      options.count = intArgument(args, ++i);
    } else if (mayStore && args.is(i, 'STORE') && more >= 1) options.store = ++i;
    else if (args.is(i, 'BY') && more >= 1) {
      options.by = new SortPattern(args.bytes(++i));
      if (options.by.star < 0) options.keepsOrder = true;
    } else if (args.is(i, 'GET') && more >= 1) options.get.push(new SortPattern(args.bytes(++i)));
    else throw errors.syntax;
  }
  return options;
}

/** A range of positions, the last one included. */
interface Range {
  readonly first: number;
  readonly last: number;
}

function rangeOf({ start, count }: SortOptions, size: number): Range {
  const first = Math.min(Math.max(start, 0), size);
  if (first >= size) return { first: size - 1, last: size - 2 };
  const last = count < 0 ? size - 1 : Math.min(first + count - 1, size - 1);
  return { first, last };
}

type Sortable = ListValue | SetValue | SortedSetValue;

/**
 * The elements of a range, copied: later lookups may remove keys. `backwards` counts from the end
 * of a list or sorted set. O(range), but O(size) for a set.
 */
function elementsOf(value: Sortable, { first, last }: Range, backwards: boolean): Buffer[] {
  const { size } = value;
  const count = last - first + 1;
  const found: Buffer[] = [];
  const add = (text: { buf: Uint8Array; off: number; len: number }) => {
    found.push(Buffer.from(text.buf.subarray(text.off, text.off + text.len)));
  };
  if (value.type === ValueType.list) {
    value.forRange(backwards ? size - 1 - last : first, count, () => add(value.element));
    return backwards ? found.reverse() : found;
  }
  if (value.type === ValueType.zset) {
    const from = backwards ? size - 1 - first : first;
    value.forRange(from, count, backwards, () => add(value.member));
    return found;
  }
  value.forEach(() => {
    add(value.member);
  });
  return found.slice(Math.max(0, first), last + 1);
}

/** What C's strtod makes of a text: it passes blanks over and stops at a NUL. Throws. */
function scoreOf(text: Buffer): number {
  let end = text.indexOf(0);
  if (end < 0) end = text.length;
  if (end === 0) return 0;
  let from = 0;
  while (from < end && (text[from] === 32 || (text[from]! >= 9 && text[from]! <= 13))) from++;
  const score = parseDouble(text, from, end - from);
  if (Number.isNaN(score)) throw notNumber;
  if (score !== 0 && Math.abs(score) < NORMAL_MIN) {
    const sign = text[from] === 43 || text[from] === 45 ? 1 : 0;
    // A decimal text for one is rounded, a hexadecimal one as a rule exact.
    if ((text[from + sign + 1]! | 32) !== LETTER_X) throw notNumber;
  }
  return score;
}

/** As strcoll in the C locale: bytes up to a NUL. */
function collate(a: Buffer, b: Buffer): number {
  const endA = a.indexOf(0);
  const endB = b.indexOf(0);
  if (endA < 0 && endB < 0) return Buffer.compare(a, b);
  return Buffer.compare(endA < 0 ? a : a.subarray(0, endA), endB < 0 ? b : b.subarray(0, endB));
}

type Compare = (a: number, b: number) => number;

function byScore(ctx: Context, elements: readonly Buffer[], by: SortPattern | undefined): Compare {
  const scores = new Float64Array(elements.length);
  elements.forEach((element, i) => {
    const text = by === undefined ? element : by.lookUp(ctx, element);
    if (text !== undefined) scores[i] = scoreOf(text);
  });
  return (a, b) => {
    const order = scores[a]! - scores[b]!;
    if (order > 0) return 1;
    // Infinities of the same sign differ by NaN.
    return order < 0 ? -1 : Buffer.compare(elements[a]!, elements[b]!);
  };
}

function byText(
  ctx: Context,
  elements: readonly Buffer[],
  by: SortPattern | undefined,
  compareTexts: (a: Buffer, b: Buffer) => number,
): Compare {
  if (by === undefined) return (a, b) => compareTexts(elements[a]!, elements[b]!);
  const texts = elements.map((element) => by.lookUp(ctx, element));
  return (a, b) => {
    const first = texts[a];
    const second = texts[b];
    if (first === undefined || second === undefined) {
      return first === second ? 0 : first === undefined ? -1 : 1;
    }
    return compareTexts(first, second);
  };
}

/** The elements in order; only those of the range are sure to be in their places. */
function sorted(
  ctx: Context,
  elements: readonly Buffer[],
  options: SortOptions,
  { first, last }: Range,
): Buffer[] {
  const { by, descending } = options;
  // What is stored must not depend on a locale.
  const compareTexts = options.store > 0 ? Buffer.compare : collate;
  const ascending = options.alpha
    ? byText(ctx, elements, by, compareTexts)
    : byScore(ctx, elements, by);
  const compare: Compare = descending ? (a, b) => -ascending(a, b) : ascending;
  const size = elements.length;
  if (by !== undefined && (first !== 0 || last !== size - 1)) {
    const order = Int32Array.from(elements, (_, i) => i);
    if (last >= first) partialSort(order, size, first, last, compare);
    return Array.from(order, (i) => elements[i]!);
  }
  const order = elements.map((_, i) => i).sort(compare);
  return order.map((i) => elements[i]!);
}

/** What SORT answers or stores; undefined for what a GET did not find. */
function results(ctx: Context, entry: Entry, options: SortOptions): (Buffer | undefined)[] {
  if (entry === 0) return [];
  const value = ctx.keyspace.cursor(ctx.db.typeOf(entry)) as Sortable;
  ctx.db.open(entry, value);
  const isSet = value.type === ValueType.set;
  let { keepsOrder } = options;
  if (keepsOrder && isSet && options.store > 0) {
    // The order of a set is not one to be stored: its members' bytes decide.
    keepsOrder = false;
    options.alpha = true;
    options.by = undefined;
  }
  const { size } = value;
  const range = rangeOf(options, size);
  let elements: Buffer[];
  if (keepsOrder) elements = elementsOf(value, range, options.descending && !isSet);
  else {
    const all = elementsOf(value, { first: 0, last: size - 1 }, false);
    elements = sorted(ctx, all, options, range).slice(Math.max(0, range.first), range.last + 1);
  }
  const { get } = options;
  if (get.length === 0) return elements;
  return elements.flatMap((element) => get.map((pattern) => pattern.lookUp(ctx, element)));
}

function run(ctx: Context, args: Args, reply: Reply, mayStore: boolean): void {
  const options = readOptions(args, mayStore);
  const { db } = ctx;
  const entry = db.read(args, 1);
  if (entry !== 0) {
    const type = db.typeOf(entry);
    if (type !== ValueType.list && type !== ValueType.set && type !== ValueType.zset) {
      throw errors.wrongType;
    }
  }
  const found = results(ctx, entry, options);
  if (options.store > 0) {
    store(ctx, args, options.store, found);
    reply.int(found.length);
    return;
  }
  reply.array(found.length);
  for (const text of found) {
    if (text === undefined) reply.null();
    else reply.bytes(text);
  }
}

const NOTHING = Buffer.alloc(0);

function store(ctx: Context, args: Args, i: number, found: readonly (Buffer | undefined)[]): void {
  const { db } = ctx;
  if (found.length === 0) {
    if (db.removeKey(args, i)) ctx.changed('del', args, i);
    return;
  }
  const { lists } = ctx.keyspace;
  lists.create();
  for (const text of found) lists.push(true, text ?? NOTHING, 0, text?.length ?? 0);
  db.putValue(args, i, lists);
  ctx.changed('sortstore', args, i, found.length);
}

/** Keys that derive from the content, or whose place depends on keywords. */
function unknownKeys(...flags: string[]): KeySpec {
  return { flags, begin: { type: 'unknown' }, find: { type: 'unknown' } };
}

const common = {
  arity: -2,
  group: 'generic',
  complexity: 'O(N+M*log(M)) where N is the number of elements and M that of those answered.',
  categories: ['set', 'sortedset', 'list', 'dangerous', '-keyspace'],
} as const;

const selection =
  'key [BY by-pattern:pattern] [LIMIT offset:integer count:integer] ' +
  '[GET get-pattern:pattern [GET get-pattern:pattern ...]] [ASC | DESC] [ALPHA]';

/** SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination] */
export const sort = command({
  ...common,
  name: 'sort',
  since: '1.0.0',
  summary: 'Answers the elements of a list, set or sorted set in order, or stores them.',
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [keyAt(1, 'RO', 'access'), unknownKeys('RO', 'access'), unknownKeys('OW', 'update')],
  syntax: `${selection} [STORE destination:key]`,
  run: (ctx, args, reply) => run(ctx, args, reply, true),
});

/** SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] */
export const sortRo = command({
  ...common,
  name: 'sort_ro',
  since: '7.0.0',
  summary: 'Answers the elements of a list, set or sorted set in order; writes nothing.',
  flags: ['readonly', 'movablekeys'],
  keys: [keyAt(1, 'RO', 'access'), unknownKeys('RO', 'access')],
  syntax: selection,
  run: (ctx, args, reply) => run(ctx, args, reply, false),
});
