/**
 * Sets against a model, through intset, listpack and table; with small limits, so that a few members
 * cross each boundary, and under snapshots, whose bytes must not change.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SetValue } from '../../src/datatypes/set.ts';
import { Encoding } from '../../src/datatypes/value-types.ts';
import {
  anyText,
  bytesOf,
  integerText,
  runs,
  Store,
  same,
  sameList,
  scanAll,
  textOf,
} from './collections.ts';

const limits = [
  { setIntsetEntries: 4, setListpackEntries: 6, setListpackValue: 8 },
  { setIntsetEntries: 6, setListpackEntries: 4, setListpackValue: 8 },
  { setIntsetEntries: 0, setListpackEntries: 4, setListpackValue: 250 },
  { setIntsetEntries: 30, setListpackEntries: 0, setListpackValue: 0 },
  { setIntsetEntries: 30, setListpackEntries: 60, setListpackValue: 20_000 },
];

const member = fc.oneof({ weight: 2, arbitrary: integerText }, anyText);

const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('add' as const), member }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), member }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('deleteOld' as const), n: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('has' as const), member }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('pop' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('some' as const), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clone' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('burst' as const), n: fc.integer({ min: 1, max: 80 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Fixture {
  readonly store: Store;
  readonly set: SetValue;
  readonly model = new Set<string>();
  private readonly expected: number;

  constructor(limit: Partial<(typeof limits)[0]>, snapshots: boolean, expected: number) {
    this.store = new Store(limit, snapshots);
    this.set = new SetValue(this.store.tools);
    this.expected = expected;
  }

  add(text: string): void {
    const { set, store, model } = this;
    const bytes = bytesOf(text);
    if (store.isEmpty) {
      set.createFor(bytes, 0, bytes.length, this.expected);
      store.keep(set);
    } else store.open(set);
    const isNew = store.guard(() => set.add(bytes, 0, bytes.length));
    same(isNew, !model.has(text));
    model.add(text);
  }

  delete(text: string): void {
    const { set, store, model } = this;
    const bytes = bytesOf(text);
    store.open(set);
    const was = store.guard(() => set.delete(bytes, 0, bytes.length));
    same(was, model.delete(text));
  }

  has(text: string): boolean {
    const bytes = bytesOf(text);
    return this.set.has(bytes, 0, bytes.length);
  }

  members(): string[] {
    const out: string[] = [];
    this.set.forEach(() => {
      out.push(textOf(this.set.member));
    });
    return out;
  }

  /** As commands do: no key has an empty value. */
  dropEmpty(): void {
    if (!this.store.isEmpty && this.model.size === 0) this.store.free(this.set, 3);
  }

  apply(o: Operation): void {
    const { set, store, model } = this;
    if (o.op === 'add') this.add(o.member);
    if (o.op === 'burst') {
      store.guard(() => {
        for (let i = 0; i < o.n; i++) this.add(`b${i}`);
      });
    }
    if (store.isEmpty) return;
    if (o.op === 'delete') this.delete(o.member);
    else if (o.op === 'deleteOld') this.delete([...model][o.n % model.size]!);
    else if (o.op === 'has') {
      store.open(set);
      same(this.has(o.member), model.has(o.member));
    } else if (o.op === 'pop') {
      store.open(set);
      const at = set.seekRandom();
      same(model.delete(textOf(set.member)), true);
      store.guard(() => set.deleteAt(at));
    } else if (o.op === 'some') {
      let calls = 0;
      set.some(() => ++calls <= o.n);
      same(calls, Math.min(model.size, o.n + 1));
    } else if (o.op === 'clone') {
      store.checkClone(set, () => this.look(), 1);
    } else if (o.op === 'drop') {
      store.free(set, 2);
      model.clear();
      same(store.usedBytes, 0);
    }
    this.dropEmpty();
  }

  /** Everything that reads must agree with the model. */
  look(): void {
    const { set, model } = this;
    const sorted = [...model].sort();
    sameList(this.members().sort(), sorted);
    const seen = scanAll(
      (cursor, emit) => set.scan(cursor, emit),
      () => textOf(set.member),
    );
    sameList([...seen].sort(), sorted);
    for (const text of model) same(this.has(text), true);
  }

  check(): void {
    const { set, store, model } = this;
    if (store.isEmpty) {
      same(store.usedBytes, 0);
      return;
    }
    store.check(set, model.size);
    this.checkEncoding();
    this.look();
  }

  private checkEncoding(): void {
    const { set, store, model } = this;
    const longest = Math.max(...[...model].map((text) => text.length));
    if (set.encoding === Encoding.intset) {
      expect(model.size).toBeLessThanOrEqual(store.limits.setIntsetEntries);
      for (const text of model) same(String(BigInt.asIntN(64, BigInt(text))), text);
    } else if (set.encoding === Encoding.listpack) {
      expect(model.size).toBeLessThanOrEqual(store.limits.setListpackEntries);
      expect(longest).toBeLessThanOrEqual(store.limits.setListpackValue);
    } else same(set.encoding, Encoding.hashtable);
  }
}

describe('SetValue', () => {
  it.each(limits)('agrees with a model: %o', (limit) => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 80, size: 'max' }),
        fc.boolean(),
        fc.constantFrom(1, 1, 5, 100),
        (operations, snapshots, expected) => {
          const f = new Fixture(limit, snapshots, expected);
          for (const [i, o] of operations.entries()) {
            f.apply(o);
            if (i % 4 === 0) f.check();
          }
          f.check();
          if (!f.store.isEmpty) f.store.free(f.set, 1);
          expect(f.store.usedBytes).toBe(0);
        },
      ),
      { numRuns: runs(25) },
    );
  });

  it('grows to 12,000 members and shrinks to one, agreeing all the way', () => {
    const f = new Fixture({}, false, 1);
    for (let i = 0; i < 12_000; i++) f.add(i % 2 === 0 ? String(i) : `m${i}`);
    f.check();
    for (let i = 0; i < 12_000; i++) {
      if (i !== 777) f.delete(i % 2 === 0 ? String(i) : `m${i}`);
      if (i % 3000 === 0) f.store.check(f.set, f.model.size);
    }
    f.check();
    f.store.open(f.set);
    f.set.seekRandom();
    expect(textOf(f.set.member)).toBe('m777');
    f.store.free(f.set, 64);
    expect(f.store.usedBytes).toBe(0);
  });

  it('memory() is exact with a table of half a segment', () => {
    const f = new Fixture({}, false, 1);
    for (let i = 0; i < 17_000; i++) f.add(`m${i}`);
    f.store.check(f.set, 17_000);
  });

  it('converts at exactly the limits', () => {
    const f = new Fixture(
      { setIntsetEntries: 3, setListpackEntries: 4, setListpackValue: 5 },
      false,
      1,
    );
    const encodings: number[] = [];
    const add = (text: string) => {
      f.add(text);
      encodings.push(f.set.encoding);
    };
    for (const text of ['1', '2', '3']) add(text);
    expect(encodings).toEqual([Encoding.intset, Encoding.intset, Encoding.intset]);
    add('4');
    expect(f.set.encoding).toBe(Encoding.hashtable);
    f.store.free(f.set, 9);
    f.model.clear();
    for (const text of ['1', '2', 'abcde', '4']) f.add(text);
    expect(f.set.encoding).toBe(Encoding.listpack);
    f.add('abcdef');
    expect(f.set.encoding).toBe(Encoding.hashtable);
    f.check();
    f.store.free(f.set, 9);
    f.model.clear();
    // An integer that is longer than a listpack's members may be.
    for (const text of ['-12345', 'a']) f.add(text);
    expect(f.set.encoding).toBe(Encoding.hashtable);
    f.check();
  });
});
