/**
 * Hashes against a model, as listpack and as table, with and without fields that expire; with small
 * limits, so that a few fields cross each boundary, and under snapshots, whose bytes must not change.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashValue } from '../../src/datatypes/hash.ts';
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
  { hashListpackEntries: 4, hashListpackValue: 8 },
  { hashListpackEntries: 0, hashListpackValue: 8 },
  { hashListpackEntries: 100, hashListpackValue: 250 },
  { hashListpackEntries: 100, hashListpackValue: 10_000 },
];

const n = fc.nat(1 << 20);
const time = fc.integer({ min: 1, max: 60 });
const value = fc.oneof(
  { weight: 4, arbitrary: anyText },
  { weight: 1, arbitrary: fc.constantFrom(254, 255, 256, 257).map((k) => 'v'.repeat(k)) },
);

const operation = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant('set' as const),
      field: anyText,
      value,
      keepTtl: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('reset' as const), n, value, keepTtl: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), field: anyText }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('deleteOld' as const), n }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('find' as const), field: anyText }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('random' as const) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('expire' as const), n, time }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('persist' as const), n }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('tick' as const),
      ms: fc.integer({ min: 1, max: 20 }),
      max: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('burst' as const),
      size: fc.integer({ min: 1, max: 90 }),
      time: fc.option(time),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clone' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface Field {
  value: string;
  /** Milliseconds, 0 for never. */
  expiry: number;
}

class Fixture {
  readonly store: Store;
  readonly hash: HashValue;
  readonly model = new Map<string, Field>();
  private nowMs = 1_700_000_000_000;

  constructor(limit: Partial<(typeof limits)[0]>, snapshots: boolean) {
    this.store = new Store(limit, snapshots);
    this.hash = new HashValue(this.store.tools);
  }

  set(field: string, text: string, keepTtl = false): void {
    const { hash, store, model } = this;
    if (store.isEmpty) {
      hash.create();
      store.keep(hash);
    } else store.open(hash);
    const name = bytesOf(field);
    const bytes = bytesOf(text);
    const isNew = this.change(() =>
      hash.set(name, 0, name.length, bytes, 0, bytes.length, keepTtl),
    );
    const before = model.get(field);
    same(isNew, before === undefined);
    model.set(field, { value: text, expiry: keepTtl ? (before?.expiry ?? 0) : 0 });
  }

  /** A change, with the question that must follow it before the cursor goes elsewhere. */
  private change<T>(operation: () => T): T {
    return this.store.guard(() => {
      const result = operation();
      void this.hash.nextExpiry;
      return result;
    });
  }

  find(field: string): boolean {
    const name = bytesOf(field);
    return this.hash.find(name, 0, name.length);
  }

  expire(field: string, whenMs: number): void {
    this.store.open(this.hash);
    same(this.find(field), true);
    this.change(() => this.hash.setExpiry(whenMs));
    this.model.get(field)!.expiry = whenMs;
  }

  apply(o: Operation): void {
    const { hash, store, model } = this;
    if (o.op === 'set') this.set(o.field, o.value, o.keepTtl);
    else if (o.op === 'burst') this.burst(o.size, o.time ?? 0);
    if (store.isEmpty) return;
    store.open(hash);
    const chosen = 'n' in o ? [...model.keys()][o.n % model.size]! : '';
    if (o.op === 'reset') this.set(chosen, o.value, o.keepTtl);
    else if (o.op === 'delete') this.delete(o.field);
    else if (o.op === 'deleteOld') this.delete(chosen);
    else if (o.op === 'find') {
      same(this.find(o.field), model.has(o.field));
      if (model.has(o.field)) same(textOf(hash.value), model.get(o.field)!.value);
    } else if (o.op === 'random') {
      const place = hash.seekRandom();
      const field = textOf(hash.field);
      same(textOf(hash.value), model.get(field)?.value);
      hash.seekTo(place);
      same(textOf(hash.field), field);
    } else if (o.op === 'expire') this.expire(chosen, this.nowMs + o.time);
    else if (o.op === 'persist') this.expire(chosen, 0);
    else if (o.op === 'tick') this.tick(o.ms, o.max);
    else if (o.op === 'clone') store.checkClone(hash, () => this.look(), 1);
    else if (o.op === 'drop') {
      store.free(hash, 2);
      model.clear();
      same(store.usedBytes, 0);
    }
    if (model.size === 0 && !store.isEmpty) store.free(hash, 1);
  }

  private burst(size: number, expiry: number): void {
    this.store.guard(() => {
      for (let i = 0; i < size; i++) {
        this.set(`b${i}`, `v${i}`);
        if (expiry > 0 && i % 2 === 0) this.expire(`b${i}`, this.nowMs + ((expiry + i) % 60));
      }
    });
  }

  private delete(field: string): void {
    const { hash, model } = this;
    const name = bytesOf(field);
    const was = this.change(() => hash.delete(name, 0, name.length));
    same(was, model.delete(field));
  }

  private tick(ms: number, max: number): void {
    const { hash, model } = this;
    this.nowMs += ms;
    const { nowMs } = this;
    const due = [...model].filter(([, { expiry }]) => expiry > 0 && expiry < nowMs);
    const gone: string[] = [];
    const removed = this.change(() =>
      hash.expireDue(nowMs, max, () => {
        gone.push(textOf(hash.field));
      }),
    );
    same(removed, Math.min(max, due.length));
    same(new Set(gone).size, removed);
    for (const field of gone) {
      const { expiry } = model.get(field)!;
      same(expiry > 0 && expiry < nowMs, true);
      model.delete(field);
    }
  }

  look(): void {
    const { hash, model } = this;
    const expected = [...model].map(([field, { value: text }]) => `${field}\0${text}`).sort();
    const read = () => `${textOf(hash.field)}\0${textOf(hash.value)}`;
    const found: string[] = [];
    hash.forEach(() => {
      found.push(read());
    });
    sameList(found.sort(), expected);
    const sent = (fields: boolean, values: boolean) =>
      sentTexts((sink) => hash.sendAll(fields, values, sink));
    const [both, names, texts] = [sent(true, true), sent(true, false), sent(false, true)];
    sameList(names.map((name, i) => `${name}\0${texts[i]}`).sort(), expected);
    sameList(
      names.flatMap((name, i) => [name, texts[i]!]),
      both,
    );
    sameList([...scanAll((cursor, emit) => hash.scan(cursor, emit), read)].sort(), expected);
    const places = hash.places().map((place) => {
      hash.seekTo(place);
      return read();
    });
    sameList(places.sort(), expected);
    let next = Number.POSITIVE_INFINITY;
    for (const [field, { value: text, expiry }] of model) {
      same(this.find(field), true);
      same(textOf(hash.value), text);
      same(hash.fieldExpiry, expiry);
      if (expiry > 0) next = Math.min(next, expiry);
    }
    same(hash.nextExpiry, next);
  }

  check(): void {
    const { hash, store, model } = this;
    if (store.isEmpty) {
      same(store.usedBytes, 0);
      return;
    }
    store.check(hash, model.size);
    this.look();
    if (!hash.isListpack) return;
    expect(model.size).toBeLessThanOrEqual(store.limits.hashListpackEntries);
    for (const [field, { value: text }] of model) {
      const longest = Math.max(field.length, text.length);
      same(longest <= store.limits.hashListpackValue, true);
    }
  }
}

describe('HashValue', () => {
  it.each(limits)('agrees with a model: %o', (limit) => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 80, size: 'max' }),
        fc.boolean(),
        (operations, snapshots) => {
          const f = new Fixture(limit, snapshots);
          for (const [i, o] of operations.entries()) {
            f.apply(o);
            if (i % 4 === 0) f.check();
          }
          f.check();
          if (!f.store.isEmpty) f.store.free(f.hash, 1);
          expect(f.store.usedBytes).toBe(0);
        },
      ),
      { numRuns: runs(25) },
    );
  });

  it('converts at exactly the limits, times to live included', () => {
    for (const expiry of [0, 1_800_000_000_000]) {
      const f = new Fixture({ hashListpackEntries: 3, hashListpackValue: 5 }, true);
      for (const field of ['a', 'b', 'abcde']) f.set(field, '12345');
      if (expiry > 0) f.expire('b', expiry);
      expect(f.hash.encoding).toBe(expiry > 0 ? Encoding.listpackEx : Encoding.listpack);
      f.set('d', 'x', true);
      expect(f.hash.encoding).toBe(expiry > 0 ? Encoding.hashtableEx : Encoding.hashtable);
      f.check();
      f.store.free(f.hash, 1);
      f.model.clear();
      f.set('a', '12345');
      if (expiry > 0) f.expire('a', expiry);
      f.set('a', '123456', true);
      expect(f.hash.encoding).toBe(expiry > 0 ? Encoding.hashtableEx : Encoding.hashtable);
      f.check();
    }
  });
});
