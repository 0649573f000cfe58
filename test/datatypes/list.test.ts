/**
 * Lists against an array, with nodes of one element to many, of few bytes to 64 KiB, the limit
 * changing on the way; and under snapshots, whose bytes must not change.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListValue } from '../../src/datatypes/list.ts';
import { countElements, ListpackEntry } from '../../src/memory/listpack-entry.ts';
import { Args } from '../../src/util/args.ts';
import { anyText, bytesOf, runs, Store, same, sameList, sentTexts, textOf } from './collections.ts';

const nodeLimits = [1, 2, 3, 30, 0, -1, -2, -5];

const longer = fc.constantFrom(1000, 3000, 9000).map((n) => 'z'.repeat(n));
const element = fc.oneof({ weight: 6, arbitrary: anyText }, { weight: 1, arbitrary: longer });
const index = fc.integer({ min: 0, max: 1 << 20 });

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('push' as const), tail: fc.boolean(), element }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('burst' as const),
      tail: fc.boolean(),
      element,
      n: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('pop' as const), tail: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('replace' as const), index, element }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('insert' as const),
      index,
      behind: fc.boolean(),
      element,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('remove' as const),
      index,
      n: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('removeEqual' as const),
      index,
      backwards: fc.boolean(),
      most: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('trim' as const),
      tail: fc.boolean(),
      n: fc.integer({ min: 0, max: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('merge' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('limit' as const),
      limit: fc.constantFrom(...nodeLimits),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clone' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('range' as const), index, n: fc.nat(30) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Fixture {
  readonly store: Store;
  readonly list: ListValue;
  model: string[] = [];
  /** What all elements begin with, but some short ones: nodes are packed then. */
  prefix = '';

  constructor(limit: number, snapshots: boolean) {
    this.store = new Store({ listListpackSize: limit }, snapshots);
    this.list = new ListValue(this.store.tools);
  }

  push(tail: boolean, text: string): void {
    const { list, store, model } = this;
    const bytes = bytesOf(text);
    if (store.isEmpty) {
      list.create();
      store.keep(list);
    }
    store.open(list);
    store.guard(() => list.push(tail, bytes, 0, bytes.length));
    if (tail) model.push(text);
    else model.unshift(text);
  }

  pushAll(tail: boolean, texts: string[]): void {
    const { list, store, model } = this;
    if (store.isEmpty) {
      list.create();
      store.keep(list);
    }
    store.open(list);
    const args = Args.of('RPUSH', 'key', ...texts.map(bytesOf));
    store.guard(() => list.pushAll(tail, args, 2, args.argc));
    if (tail) model.push(...texts);
    else model.unshift(...texts.toReversed());
  }

  /** Goes to element i, from the front or from the back. */
  seek(i: number): void {
    this.store.open(this.list);
    const fromBack = i % 2 === 0;
    same(this.list.seek(fromBack ? i - this.model.length : i), true);
  }

  present(): string {
    this.list.read();
    return textOf(this.list.element);
  }

  apply(o: Operation): void {
    const { list, store, model } = this;
    const element = 'element' in o ? this.named(o.element) : '';
    if (o.op === 'push') this.push(o.tail, element);
    else if (o.op === 'burst') {
      // Elements of different lengths in one call, as a command has them.
      const { prefix } = this;
      const texts = Array.from(
        { length: o.n },
        (_, i) => prefix + o.element.slice(i % 7) + String(i),
      );
      this.pushAll(o.tail, texts);
    } else if (o.op === 'limit') store.limits.listListpackSize = o.limit;
    if (store.isEmpty) return;
    store.open(list);
    const i = 'index' in o ? o.index % model.length : 0;
    if (o.op === 'pop') {
      list.readEnd(o.tail);
      same(textOf(list.element), model.at(o.tail ? -1 : 0));
      store.guard(() => list.removeEnd(o.tail));
      if (o.tail) model.pop();
      else model.shift();
    } else if (o.op === 'replace') {
      const bytes = bytesOf(element);
      this.seek(i);
      store.guard(() => list.replace(bytes, 0, bytes.length));
      model[i] = element;
    } else if (o.op === 'insert') this.insert(i, o.behind, element);
    else if (o.op === 'remove') this.remove(i, o.n);
    else if (o.op === 'removeEqual') this.removeEqual(model[i]!, o.backwards, o.most);
    else if (o.op === 'trim') {
      const n = Math.min(o.n, model.length);
      store.guard(() => list.removeRange(o.tail, n));
      this.model = o.tail ? model.slice(0, model.length - n) : model.slice(n);
    } else if (o.op === 'merge') {
      const before = list.nodes;
      store.guard(() => list.mergeSmall());
      expect(list.nodes).toBeLessThanOrEqual(before);
    } else if (o.op === 'clone') store.checkClone(list, () => this.look(), 1);
    else if (o.op === 'range') {
      const found: string[] = [];
      const n = Math.min(o.n, model.length - i);
      list.forRange(i, n, () => found.push(textOf(list.element)));
      sameList(found, model.slice(i, i + n));
      sameList(
        sentTexts((sink) => list.sendRange(i, n, sink)),
        found,
      );
    }
    if (this.model.length === 0) store.free(list, 1);
  }

  private named(text: string): string {
    return text.length === 1 ? text : this.prefix + text;
  }

  private insert(i: number, behind: boolean, text: string): void {
    const { list, store, model } = this;
    const bytes = bytesOf(text);
    this.seek(i);
    store.guard(() => list.insert(behind, bytes, 0, bytes.length));
    model.splice(behind ? i + 1 : i, 0, text);
    // The place is the new element, and its neighbours are where they should be.
    const at = behind ? i + 1 : i;
    same(this.present(), text);
    same(list.next(), at + 1 < model.length);
    if (at + 1 < model.length) same(this.present(), model[at + 1]);
  }

  private remove(i: number, n: number): void {
    const { list, store, model } = this;
    this.seek(i);
    for (let k = 0; k < n && i < model.length; k++) {
      const more = store.guard(() => list.remove());
      model.splice(i, 1);
      same(more, i < model.length);
      if (more) same(this.present(), model[i]);
    }
  }

  /** The runs are those of listpacks, with integers and lengths as they must be there. */
  private checkRuns(): void {
    const { list, model } = this;
    const expected: string[] = [];
    const entry = new ListpackEntry();
    let i = 0;
    list.forEachRun((buf, off, len, count) => {
      same(countElements(buf, off, off + len), count);
      for (let p = off; p < off + len; p += entry.sizeAt(buf, p), i++) {
        entry.locate(buf, p);
        expected.push(textOf(entry));
        const bytes = bytesOf(model[i]!);
        entry.measure(bytes, 0, bytes.length);
        same(entry.bytes, entry.sizeAt(buf, p));
      }
    });
    sameList(expected, model);
  }

  private removeEqual(text: string, backwards: boolean, most: number): void {
    const { list, store } = this;
    const bytes = bytesOf(text);
    let left = most;
    const keep = (other: string) => other !== text || left-- <= 0;
    const { model } = this;
    const rest = backwards ? model.toReversed().filter(keep).reverse() : model.filter(keep);
    const removed = store.guard(() =>
      backwards
        ? list.removeBackwards(bytes, 0, bytes.length, most)
        : list.removeForwards(bytes, 0, bytes.length, most),
    );
    same(removed, model.length - rest.length);
    this.model = rest;
  }

  look(): void {
    const { list, model } = this;
    const found: string[] = [];
    list.forRange(0, model.length, () => found.push(textOf(list.element)));
    sameList(found, model);
  }

  check(): void {
    const { list, store, model } = this;
    if (store.isEmpty) {
      same(store.usedBytes, 0);
      return;
    }
    store.check(list, model.length);
    this.look();
    same(list.seek(model.length), false);
    same(list.seek(-model.length - 1), false);
    const forwards: string[] = [];
    for (let there = list.seek(0); there; there = list.next()) forwards.push(this.present());
    sameList(forwards, model);
    const backwards: string[] = [];
    for (let there = list.seek(-1); there; there = list.previous()) backwards.push(this.present());
    sameList(backwards.reverse(), model);
    this.checkRuns();
    for (let i = 0; i < model.length; i += 5) {
      this.seek(i);
      same(this.present(), model[i]);
      const bytes = bytesOf(model[i]!);
      list.probe(bytes, 0, bytes.length);
      same(list.matches(bytes, 0, bytes.length), true);
      const other = bytesOf(`${model[i]}0`);
      list.probe(other, 0, other.length);
      same(list.matches(other, 0, other.length), false);
    }
  }
}

/** What a list of these texts takes for each of them. */
function bytesPerElement(texts: string[], tail: boolean): number {
  const f = new Fixture(-2, false);
  for (const text of texts) f.push(tail, text);
  f.check();
  return f.store.usedBytes / texts.length;
}

function fill(limit: number, texts: Iterable<string>): Fixture {
  const f = new Fixture(limit, false);
  for (const text of texts) f.push(true, text);
  return f;
}

describe('ListValue', () => {
  it.each([3, -1, -2, 1])('agrees with an array, nodes limited to %i', (limit) => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 90, size: 'max' }),
        fc.boolean(),
        fc.constantFrom('', 'j', 'job:', 'p'.repeat(70), 'p'.repeat(200), 'p'.repeat(1500)),
        (operations, snapshots, prefix) => {
          const f = new Fixture(limit, snapshots);
          f.prefix = prefix;
          for (const [i, o] of operations.entries()) {
            f.apply(o);
            if (i % 4 === 0) f.check();
          }
          f.check();
          if (!f.store.isEmpty) f.store.free(f.list, 1);
          expect(f.store.usedBytes).toBe(0);
        },
      ),
      { numRuns: runs(40) },
    );
  });

  it.each([true, false])('keeps once what a full node begins with, at the tail %s', (tail) => {
    const texts = (make: (i: number) => string) =>
      Array.from({ length: 20_000 }, (_, i) => make(i));
    const named = bytesPerElement(
      texts((i) => `value:${100_000 + i}`),
      tail,
    );
    expect(named).toBeLessThan(7);
    const equal = bytesPerElement(
      texts(() => 'x'.repeat(100)),
      tail,
    );
    expect(equal).toBeLessThan(6);
    // Integers are shorter as such, and other texts share nothing: nodes are as they were.
    const integers = bytesPerElement(
      texts((i) => `${100_000 + i}`),
      tail,
    );
    expect(integers).toBeGreaterThan(4.9);
    const others = bytesPerElement(
      texts((i) => `${String.fromCharCode(97 + (i % 26))}:12345678`),
      tail,
    );
    expect(others).toBeGreaterThan(11.9);
  });

  it('takes from both ends of packed nodes without any room', () => {
    const f = fill(
      -2,
      Array.from({ length: 5000 }, (_, i) => `value:${i}`),
    );
    f.store.arena.bytesMax = 0;
    for (let i = 0; f.model.length > 0; i++) f.apply({ op: 'pop', tail: i % 3 === 0 });
  });

  it('pushes to a list whose nodes there is no room to pack', () => {
    const filled = (nodes: number) => {
      const f = new Fixture(-2, false);
      for (let i = 0; f.store.isEmpty || f.list.nodes < nodes; i++) f.push(true, `value:${i}`);
      return f;
    };
    const before = filled(3).model.length - 1;
    const f = fill(
      -2,
      Array.from({ length: before }, (_, i) => `value:${i}`),
    );
    const used = f.store.usedBytes;
    // Small blocks have segments with room, but no other segment is to be had.
    f.store.arena.bytesMax = 0;
    f.push(true, `value:${before}`);
    expect(f.list.nodes).toBe(3);
    expect(f.store.usedBytes).toBeGreaterThan(used);
    f.check();
  });

  it('keeps to the limit of elements for a node', () => {
    const f = fill(3, '0123456789');
    expect(f.list.nodes).toBe(4);
    for (let i = 0; i < 30; i++) {
      const element = `i${i}`;
      f.apply({ op: 'insert', index: i * 7, behind: i % 2 === 0, element });
    }
    f.check();
    expect(f.list.nodes).toBeGreaterThanOrEqual(14);
  });

  it('merges the small nodes that removals leave behind', () => {
    const texts = Array.from({ length: 400 }, (_, i) =>
      i % 10 > 0 ? 'x'.repeat(100) : `keep${i}`,
    );
    const f = fill(-1, texts);
    const before = f.list.nodes;
    const x = bytesOf('x'.repeat(100));
    expect(f.list.removeForwards(x, 0, x.length, 400)).toBe(360);
    f.model = f.model.filter((text) => text.startsWith('keep'));
    f.check();
    f.list.mergeSmall();
    f.check();
    expect(f.list.nodes).toBeLessThan(before / 5);
  });

  it('as a queue of 20,000 elements in either direction it stays small', () => {
    for (const tail of [true, false]) {
      const f = new Fixture(-2, false);
      for (let i = 0; i < 200; i++) f.push(tail, `element ${i}`);
      const before = f.store.usedBytes;
      for (let i = 0; i < 20_000; i++) {
        f.push(tail, `element ${i % 200}`);
        f.list.removeEnd(!tail);
        if (tail) f.model.shift();
        else f.model.pop();
      }
      f.check();
      expect(f.store.usedBytes).toBeLessThan(before * 4);
    }
  });
});
