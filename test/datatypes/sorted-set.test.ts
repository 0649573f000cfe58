/**
 * Sorted sets against a sorted array, as listpack and as table with index; with small limits, so
 * that a few members cross each boundary, and under snapshots, whose bytes must not change.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSetValue } from '../../src/datatypes/sorted-set.ts';
import { Encoding } from '../../src/datatypes/value-types.ts';
import {
  anyText,
  bytesOf,
  runs,
  Store,
  same,
  sameList,
  scanAll,
  sentTexts,
  textOf,
} from './collections.ts';

const limits = [
  { zsetListpackEntries: 4, zsetListpackValue: 8 },
  { zsetListpackEntries: 0, zsetListpackValue: 8 },
  { zsetListpackEntries: 12, zsetListpackValue: 250 },
  { zsetListpackEntries: 400, zsetListpackValue: 10_000 },
];

const INFINITY = Number.POSITIVE_INFINITY;

const score = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 3 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      0,
      -0,
      INFINITY,
      -INFINITY,
      0.1,
      -1.5,
      1e300,
      5e-324,
      2 ** 53,
      2 ** 53 + 2,
      2 ** 62,
      -(2 ** 63),
      4.6e18,
      1e21,
      Number.MAX_VALUE,
    ),
  },
  { weight: 2, arbitrary: fc.double({ noNaN: true }) },
);

const n = fc.nat(1 << 20);

const operation = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ op: fc.constant('set' as const), member: anyText, score }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('update' as const), n, score }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), member: anyText }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('deleteOld' as const), n }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('find' as const), member: anyText }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('range' as const),
      n,
      count: fc.nat(40),
      backwards: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('rank' as const), score }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('removeRange' as const), n, count: fc.nat(90) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('burst' as const),
      size: fc.integer({ min: 1, max: 300 }),
      step: fc.constantFrom(1, -1, 7, 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clone' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

type Pair = [member: string, score: number];

const byScore = (a: Pair, b: Pair) =>
  a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

class Fixture {
  readonly store: Store;
  readonly zset: SortedSetValue;
  /** Scores without the sign of zero, which a listpack does not keep. */
  readonly model = new Map<string, number>();
  /** What every score becomes: a constant in the tests of ties. */
  private readonly scoreOf: (score: number) => number;

  constructor(
    limit: Partial<(typeof limits)[0]>,
    snapshots: boolean,
    scoreOf = (score: number) => score,
  ) {
    this.store = new Store(limit, snapshots);
    this.zset = new SortedSetValue(this.store.tools);
    this.scoreOf = scoreOf;
  }

  get sorted(): Pair[] {
    return [...this.model].sort(byScore);
  }

  set(member: string, given: number): void {
    const { zset, store, model } = this;
    const bytes = bytesOf(member);
    const score = this.scoreOf(given);
    if (store.isEmpty) {
      zset.create();
      store.keep(zset);
    } else store.open(zset);
    const isNew = store.guard(() => zset.set(bytes, 0, bytes.length, score));
    same(isNew, !model.has(member));
    model.set(member, score + 0);
  }

  find(member: string): number | undefined {
    const bytes = bytesOf(member);
    return this.zset.find(bytes, 0, bytes.length) ? this.zset.score + 0 : undefined;
  }

  read(): Pair {
    return [textOf(this.zset.member), this.zset.score + 0];
  }

  apply(o: Operation): void {
    const { zset, store, model } = this;
    if (o.op === 'set') this.set(o.member, o.score);
    else if (o.op === 'burst') {
      store.guard(() => {
        for (let i = 0; i < o.size; i++) this.set(`b${i}`, (i * o.step) % 50);
      });
    }
    if (store.isEmpty) return;
    store.open(zset);
    const { size } = model;
    const i = 'n' in o ? o.n % size : 0;
    const chosen = [...model.keys()][i]!;
    if (o.op === 'update') this.set(chosen, o.score);
    else if (o.op === 'delete') this.delete(o.member);
    else if (o.op === 'deleteOld') this.delete(chosen);
    else if (o.op === 'find') same(this.find(o.member), model.get(o.member));
    else if (o.op === 'range') this.range(i, o.count, o.backwards);
    else if (o.op === 'rank') this.checkRanks([o.score]);
    else if (o.op === 'removeRange') {
      const count = Math.min(o.count, size - i);
      for (const [member] of this.sorted.slice(i, i + count)) model.delete(member);
      store.guard(() => zset.removeRange(i, count));
    } else if (o.op === 'compact') this.compact();
    else if (o.op === 'clone') store.checkClone(zset, () => this.look(), 1);
    else if (o.op === 'drop') {
      store.free(zset, 2);
      model.clear();
      same(store.usedBytes, 0);
    }
    if (model.size === 0 && !store.isEmpty) store.free(zset, 1);
  }

  private delete(member: string): void {
    const { zset, store, model } = this;
    const bytes = bytesOf(member);
    const was = store.guard(() => zset.delete(bytes, 0, bytes.length));
    same(was, model.delete(member));
  }

  private range(rank: number, most: number, backwards: boolean): void {
    const { sorted } = this;
    const found: Pair[] = [];
    const count = Math.min(most, backwards ? rank + 1 : sorted.length - rank);
    this.zset.forRange(rank, count, backwards, () => found.push(this.read()));
    const expected = backwards
      ? sorted.slice(rank + 1 - count, rank + 1).reverse()
      : sorted.slice(rank, rank + count);
    sameList(found, expected);
    const sent = sentTexts((sink) => this.zset.sendMembers(rank, count, backwards, sink));
    sameList(
      sent,
      expected.map(([member]) => member),
    );
  }

  private compact(): void {
    const { zset, store, model } = this;
    store.guard(() => zset.compact());
    const longest = Math.max(...[...model.keys()].map((member) => member.length));
    const { zsetListpackEntries, zsetListpackValue } = store.limits;
    const small = model.size <= zsetListpackEntries && longest <= zsetListpackValue;
    same(zset.encoding, small ? Encoding.listpack : Encoding.skiplist);
  }

  checkRanks(scores: Iterable<number>): void {
    const { zset, model } = this;
    const all = [...model.values()];
    for (const score of scores) {
      same(zset.rankOfScore(score, false), all.filter((s) => s < score).length);
      same(zset.rankOfScore(score, true), all.filter((s) => s <= score).length);
    }
  }

  /** Ranks by member, where all scores are equal. */
  checkMemberRanks(members: Iterable<string>): void {
    const { zset, model } = this;
    const all = [...model.keys()];
    for (const member of members) {
      const bytes = bytesOf(member);
      const below = zset.rankOfMember(bytes, 0, bytes.length, false);
      const through = zset.rankOfMember(bytes, 0, bytes.length, true);
      same(below, all.filter((m) => m < member).length);
      same(through, all.filter((m) => m <= member).length);
    }
  }

  look(): void {
    const { zset, sorted } = this;
    const found: Pair[] = [];
    zset.forEach(() => {
      found.push(this.read());
    });
    sameList(found, sorted);
    const seen = scanAll(
      (cursor, emit) => zset.scan(cursor, emit),
      () => this.read().join(),
    );
    sameList([...seen].sort(), sorted.map((pair) => pair.join()).sort());
  }

  check(): void {
    const { zset, store, model, sorted } = this;
    if (store.isEmpty) {
      same(store.usedBytes, 0);
      return;
    }
    store.check(zset, model.size);
    this.look();
    const { zsetListpackEntries, zsetListpackValue } = store.limits;
    if (zset.isListpack) {
      expect(model.size).toBeLessThanOrEqual(zsetListpackEntries);
      for (const [member] of sorted) expect(member.length).toBeLessThanOrEqual(zsetListpackValue);
    }
    const some = sorted.filter((_, i) => i % Math.ceil(sorted.length / 12) === 0);
    for (const [member, score] of some) {
      same(this.find(member), score);
      const rank = sorted.findIndex(([m]) => m === member);
      same(zset.rankOfFound(), rank);
      zset.seek(rank);
      sameList(this.read(), [member, score]);
    }
    this.checkRanks([-INFINITY, INFINITY, 0, ...some.map(([, score]) => score)]);
  }
}

function run(f: Fixture, operations: readonly Operation[], look?: (f: Fixture) => void): void {
  for (const [i, o] of operations.entries()) {
    f.apply(o);
    if (i % 5 !== 0) continue;
    f.check();
    if (!f.store.isEmpty) look?.(f);
  }
  f.check();
  if (!f.store.isEmpty) f.store.free(f.zset, 1);
  same(f.store.usedBytes, 0);
}

const operations = fc.array(operation, { maxLength: 80, size: 'max' });

it('sorted sets of several leaves send any range of members, both ways', () => {
  const store = new Store({ zsetListpackEntries: 0 });
  const zset = new SortedSetValue(store.tools);
  zset.create();
  const names = Array.from({ length: 400 }, (_, i) => `m${String(i).padStart(3, '0')}`);
  names.forEach((name, i) => {
    zset.set(bytesOf(name), 0, name.length, i >> 3);
  });
  const sent = (rank: number, count: number, backwards: boolean) =>
    sentTexts((sink) => zset.sendMembers(rank, count, backwards, sink));
  for (let from = 0; from < 400; from += 7) {
    for (const count of [1, 61, 62, 63, 400 - from]) {
      const end = Math.min(400, from + count);
      expect(sent(from, end - from, false)).toEqual(names.slice(from, end));
      expect(sent(end - 1, end - from, true)).toEqual(names.slice(from, end).reverse());
    }
  }
});

describe('SortedSetValue', () => {
  it.each(limits)('agrees with a sorted array: %o', (limit) => {
    fc.assert(
      fc.property(operations, fc.boolean(), (list, snapshots) => {
        run(new Fixture(limit, snapshots), list);
      }),
      { numRuns: runs(14) },
    );
  });

  it.each([0, 30])('orders equal scores by member, %i in a listpack', (zsetListpackEntries) => {
    const limit = { zsetListpackEntries, zsetListpackValue: 6000 };
    const probes = fc.array(anyText, { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(operations, probes, (list, members) => {
        const f = new Fixture(limit, false, () => 7);
        run(f, list, () => f.checkMemberRanks([...members, ...[...f.model.keys()].slice(0, 10)]));
      }),
      { numRuns: runs(14) },
    );
  });

  it('converts at exactly the limits and back with compact()', () => {
    const f = new Fixture({ zsetListpackEntries: 3, zsetListpackValue: 5 }, false);
    for (const member of ['abcde', 'b', 'c']) f.set(member, 1);
    expect(f.zset.encoding).toBe(Encoding.listpack);
    f.set('d', 0.5);
    expect(f.zset.encoding).toBe(Encoding.skiplist);
    f.apply({ op: 'compact' });
    expect(f.zset.encoding).toBe(Encoding.skiplist);
    f.apply({ op: 'deleteOld', n: 0 });
    f.check();
    f.apply({ op: 'compact' });
    expect(f.zset.encoding).toBe(Encoding.listpack);
    f.check();
    f.set('abcdef', -INFINITY);
    expect(f.zset.encoding).toBe(Encoding.skiplist);
    f.check();
  });

  it('keeps -0 in the large form only', () => {
    for (const zsetListpackEntries of [0, 5]) {
      const f = new Fixture({ zsetListpackEntries }, false);
      f.set('m', -0);
      f.find('m');
      expect(Object.is(f.zset.score, -0)).toBe(zsetListpackEntries === 0);
    }
  });

  it('touches what it writes when nodes of the index split and merge', () => {
    const f = new Fixture({}, true);
    const size = 1600;
    f.set('m0', 0);
    f.store.guard(() => {
      for (let i = 1; i < size / 2; i++) f.set(`m${i}`, (i * 7919) % size);
    });
    for (let i = size / 2; i < size; i++) f.set(`m${i}`, (i * 7919) % size);
    f.check();
    for (let i = 0; i < size - 10; i++) f.apply({ op: 'deleteOld', n: (i * 7919) % size });
    f.check();
  });

  it('with 15,000 elements, ranks, ranges and removals agree', () => {
    const size = 15_000;
    for (const step of runs(1) > 1 ? [1, -1, 7919] : [7919]) {
      const f = new Fixture({}, false);
      f.set('first', -1);
      for (let i = 0; i < size; i++) {
        const k = (((i * step) % size) + size) % size;
        const bytes = bytesOf(`m${k}`);
        f.zset.insert(bytes, 0, bytes.length, k >> 2);
        f.model.set(`m${k}`, k >> 2);
      }
      f.check();
      f.store.guard(() => f.zset.removeRange(5000, 8000));
      for (const [member] of f.sorted.slice(5000, 13_000)) f.model.delete(member);
      f.check();
      f.store.free(f.zset, 100);
      expect(f.store.usedBytes).toBe(0);
    }
  });
});
