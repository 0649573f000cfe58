/**
 * The elements of a list, set or sorted set in order, or what keys derived from them hold: SORT,
 * SORT_RO.
 * Source: redis-server 7.0.15 (behaviour), down to the order of elements that compare equal.
 */
import { Access } from '../../acl/pattern.ts';
import type { ListValue } from '../../datatypes/list.ts';
import type { SetValue } from '../../datatypes/set.ts';
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { PackedTexts } from '../../util/packed-texts.ts';
import { bytewise, endsAtNul, endsOf, textKeys } from '../../util/text-order.ts';
import { mayAccessAll } from '../access.ts';
import type { Context } from '../context.ts';
import type { KeySpec } from '../facts.ts';
import { intArgument } from '../integers.ts';
import { keyUse } from '../key-list.ts';
import { command, keyAt } from '../spec.ts';
import { type Range, scoreOf, sortedOrder } from './sort-order.ts';
import { SortPattern } from './sort-pattern.ts';

/** Room made for each element at first; it grows where they are longer. */
const ELEMENT_BYTES = 16;

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

const noBy = new CommandError('ERR BY option of SORT denied due to insufficient ACL permissions.');
const noGet = new CommandError(
  'ERR GET option of SORT denied due to insufficient ACL permissions.',
);

/** Throws unless the user may read all keys: what patterns name is in no argument. */
function checkReadsAll(ctx: Context, args: Args, refusal: CommandError): void {
  const { user } = ctx.session;
  if (user.unrestricted) return;
  const command = ctx.server.commands.resolve(args)!;
  if (!mayAccessAll(user, command, args, Access.read)) throw refusal;
}

function readOptions(ctx: Context, args: Args, mayStore: boolean): SortOptions {
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
      else checkReadsAll(ctx, args, noBy);
    } else if (args.is(i, 'GET') && more >= 1) {
      checkReadsAll(ctx, args, noGet);
      options.get.push(new SortPattern(args.bytes(++i)));
    } else throw errors.syntax;
  }
  return options;
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
 * of a list or sorted set, but it is only the latter's that come in that order. O(range), but
 * O(size) for a set.
 */
function elementsOf(value: Sortable, { first, last }: Range, backwards: boolean): PackedTexts {
  const { size } = value;
  const count = Math.max(0, last - first + 1);
  const found = new PackedTexts(count, count * ELEMENT_BYTES);
  if (value.type === ValueType.list) {
    const { element } = value;
    const add = () => found.add(element.buf, element.off, element.len);
    value.forRange(backwards ? size - 1 - last : first, count, add);
    return found;
  }
  const { member } = value;
  const add = () => found.add(member.buf, member.off, member.len);
  if (value.type === ValueType.zset) {
    value.forRange(backwards ? size - 1 - first : first, count, backwards, add);
    return found;
  }
  let i = 0;
  value.forEach(() => {
    if (i >= first && i <= last) add();
    i++;
  });
  return found;
}

/** Which elements there are, and in which order; only those from `from` to `end` are wanted. */
class Selection {
  readonly elements: PackedTexts;
  /** Positions of the elements; undefined when they are in order. */
  readonly order: Int32Array | undefined;
  readonly from: number;
  readonly end: number;

  constructor(elements: PackedTexts, order?: Int32Array, from = 0, end = elements.size) {
    this.elements = elements;
    this.order = order;
    this.from = Math.max(0, from);
    this.end = Math.max(this.from, end);
  }

  get size(): number {
    return this.end - this.from;
  }

  /** The i-th element from `from` on: where it is in `elements`. */
  at(i: number): number {
    return this.order === undefined ? this.from + i : this.order[this.from + i]!;
  }
}

function select(ctx: Context, entry: Entry, options: SortOptions): Selection {
  if (entry === 0) return new Selection(new PackedTexts());
  const value = ctx.keyspace.cursor(ctx.db.typeOf(entry)) as Sortable;
  ctx.db.open(entry, value);
  const isSet = value.type === ValueType.set;
  if (options.keepsOrder && isSet && (options.store > 0 || ctx.isInScript)) {
    // The order of a set is not one to be stored, or for a script: its members' bytes decide.
    options.keepsOrder = false;
    options.alpha = true;
    options.by = undefined;
  }
  const { size } = value;
  const range = rangeOf(options, size);
  if (options.keepsOrder) {
    const backwards = options.descending && !isSet;
    const elements = elementsOf(value, range, backwards);
    const reversed = backwards && value.type === ValueType.list;
    return new Selection(elements, reversed ? descendingTo0(elements.size) : undefined);
  }
  const elements = elementsOf(value, { first: 0, last: size - 1 }, false);
  const order = options.alpha ? byText(ctx, elements, options) : byScore(ctx, elements, options);
  return new Selection(elements, order, range.first, range.last + 1);
}

function descendingTo0(size: number): Int32Array {
  const order = new Int32Array(size);
  for (let i = 0; i < size; i++) order[i] = size - 1 - i;
  return order;
}

/** Of what a partial sort is enough, undefined for all: redis-server does so only with BY. */
function windowOf(options: SortOptions, size: number): Range | undefined {
  if (options.by === undefined) return undefined;
  const range = rangeOf(options, size);
  return range.first === 0 && range.last === size - 1 ? undefined : range;
}

function byScore(ctx: Context, elements: PackedTexts, options: SortOptions): Int32Array {
  const { bytes, begins, size } = elements;
  const { by, descending } = options;
  const scores = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const len = elements.lengthOf(i);
    if (by === undefined) scores[i] = scoreOf(bytes, begins[i]!, len);
    else if (by.find(ctx, bytes, begins[i]!, len)) scores[i] = scoreOf(by.buf, by.off, by.len);
  }
  const tie = bytewise(elements, endsOf(elements));
  return sortedOrder(scores, tie, descending, windowOf(options, size));
}

function byText(ctx: Context, elements: PackedTexts, options: SortOptions): Int32Array {
  const { by, descending } = options;
  const texts = by === undefined ? elements : namedBy(ctx, by, elements);
  // What is stored must not depend on a locale.
  const ends = options.store > 0 ? endsOf(texts) : endsAtNul(texts);
  const window = windowOf(options, elements.size);
  return sortedOrder(textKeys(texts, ends), bytewise(texts, ends), descending, window);
}

/** What BY names for each element. */
function namedBy(ctx: Context, by: SortPattern, elements: PackedTexts): PackedTexts {
  const { bytes, begins, size } = elements;
  const texts = new PackedTexts(size, size * ELEMENT_BYTES);
  for (let i = 0; i < size; i++) {
    if (by.find(ctx, bytes, begins[i]!, elements.lengthOf(i))) texts.add(by.buf, by.off, by.len);
    else texts.addMissing();
  }
  return texts;
}

function run(ctx: Context, args: Args, reply: Reply, mayStore: boolean): void {
  const options = readOptions(ctx, args, mayStore);
  const { db } = ctx;
  const entry = db.read(args, 1);
  if (entry !== 0) {
    const type = db.typeOf(entry);
    if (type !== ValueType.list && type !== ValueType.set && type !== ValueType.zset) {
      throw errors.wrongType;
    }
  }
  const selection = select(ctx, entry, options);
  if (options.store > 0) {
    store(ctx, args, options, selection);
    reply.int(selection.size * Math.max(1, options.get.length));
  } else answer(ctx, options, selection, reply);
}

function answer(ctx: Context, options: SortOptions, selection: Selection, reply: Reply): void {
  const { get } = options;
  const { size } = selection;
  const { elements } = selection;
  const { bytes, begins } = elements;
  reply.array(size * Math.max(1, get.length));
  for (let i = 0; i < size; i++) {
    const element = selection.at(i);
    const off = begins[element]!;
    const len = elements.lengthOf(element);
    if (get.length === 0) reply.bulk(bytes, off, len);
    for (const pattern of get) {
      if (pattern.find(ctx, bytes, off, len)) reply.bulk(pattern.buf, pattern.off, pattern.len);
      else reply.null();
    }
  }
}

/** Stores as a list what SORT would answer; what a GET does not find is stored as an empty text. */
function store(ctx: Context, args: Args, options: SortOptions, selection: Selection): void {
  const { db } = ctx;
  const i = options.store;
  if (selection.size === 0) {
    if (db.removeKey(args, i)) ctx.changed('del', args, i);
    return;
  }
  const { elements } = selection;
  const found = options.get.length === 0 ? elements : foundBy(ctx, options.get, selection);
  const count = selection.size * Math.max(1, options.get.length);
  const { bytes, begins } = found;
  const { lists } = ctx.keyspace;
  ctx.keyspace.build(lists, () => {
    lists.create();
    for (let k = 0; k < count; k++) {
      const at = found === elements ? selection.at(k) : k;
      lists.push(true, bytes, begins[at]!, found.lengthOf(at));
    }
  });
  db.putValue(args, i, lists);
  ctx.changed('sortstore', args, i, count);
}

/** What the GET patterns find, copied, as a lookup may remove keys while the list is made. */
function foundBy(ctx: Context, get: readonly SortPattern[], selection: Selection): PackedTexts {
  const { elements } = selection;
  const { bytes, begins } = elements;
  const found = new PackedTexts();
  for (let i = 0; i < selection.size; i++) {
    const element = selection.at(i);
    for (const pattern of get) {
      if (pattern.find(ctx, bytes, begins[element]!, elements.lengthOf(element))) {
        found.add(pattern.buf, pattern.off, pattern.len);
      } else found.addMissing();
    }
  }
  return found;
}

/** Keys that derive from the content, or whose place depends on keywords. */
function unknownKeys(...flags: string[]): KeySpec {
  return { flags, begin: { type: 'unknown' }, find: { type: 'unknown' } };
}

const common = {
  arity: -2,
  group: 'generic',
  complexity: 'O(N+M*log(M)) where N is the number of elements and M that of those returned.',
  categories: ['set', 'sortedset', 'list', 'dangerous', '-keyspace'],
} as const;

const selection =
  'key [BY by-pattern:pattern#1] [LIMIT offset:integer count:integer] ' +
  '[GET get-pattern:pattern#1 [GET get-pattern:pattern#1 ...]] [ASC | DESC] [ALPHA]';

const source = keyUse('RO', 'access');
const stored = keyUse('OW', 'update');

/** The key after the last STORE that is no value of another option: its argument, or 0. */
function destination(args: Args): number {
  let index = 0;
  for (let i = 2; i < args.argc; i++) {
    if (args.is(i, 'LIMIT')) i += 2;
    else if (args.is(i, 'BY') || args.is(i, 'GET')) i++;
    else if (args.is(i, 'STORE') && i + 1 < args.argc) index = ++i;
  }
  return index;
}

/**
 * SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]
 *     [STORE destination]
 */
export const sort = command({
  ...common,
  name: 'sort',
  since: '1.0.0',
  summary: 'Returns the elements of a list, set or sorted set in order, or stores them.',
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [keyAt(1, 'RO', 'access'), unknownKeys('RO', 'access'), unknownKeys('OW', 'update')],
  syntax: `${selection} [STORE destination:key#2]`,
  findKeys(args, keys) {
    keys.add(1, source);
    const at = destination(args);
    if (at !== 0) keys.add(at, stored);
    return true;
  },
  run: (ctx, args, reply) => run(ctx, args, reply, true),
});

/** SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] */
export const sortRo = command({
  ...common,
  name: 'sort_ro',
  since: '7.0.0',
  summary: 'Returns the elements of a list, set or sorted set in order; writes nothing.',
  flags: ['readonly', 'movablekeys'],
  keys: [keyAt(1, 'RO', 'access'), unknownKeys('RO', 'access')],
  syntax: selection,
  run: (ctx, args, reply) => run(ctx, args, reply, false),
});
