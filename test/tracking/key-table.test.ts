/** The table of keys and clients against a Map of Sets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable, NAME_MAX } from '../../src/tracking/key-table.ts';
import { randomFrom } from '../util/float-texts.ts';

/** FNV, cut to so many bits: keys meet each other. */
function weakHash(bits: number) {
  return (buf: Uint8Array, off: number, len: number): number => {
    let hash = 0x811c9dc5;
    for (let i = 0; i < len; i++) hash = Math.imul(hash ^ buf[off + i]!, 0x01000193);
    return bits === 32 ? hash : hash & ((1 << bits) - 1);
  };
}

function sorted(clients: Iterable<number>): number[] {
  return [...clients].sort((a, b) => a - b);
}

class Checked {
  readonly table: KeyTable;
  readonly model = new Map<string, Set<number>>();

  constructor(bits: number) {
    this.table = new KeyTable(weakHash(bits));
  }

  add(key: string, client: number): void {
    const bytes = Buffer.from(`<${key}>`, 'latin1');
    this.table.add(bytes, 1, key.length, client);
    const clients = this.model.get(key) ?? new Set();
    this.model.set(key, clients.add(client));
    this.check();
  }

  take(key: string): void {
    const bytes = Buffer.from(`<${key}>`, 'latin1');
    const clients = this.model.get(key);
    expect(this.table.take(bytes, 1, key.length)).toEqual(clients && sorted(clients));
    this.model.delete(key);
    this.check();
  }

  takeAny(random: number): void {
    if (this.model.size === 0) return;
    const { key, clients } = this.table.takeAny(() => random);
    expect(clients).toEqual(sorted(this.model.get(key!)!));
    this.model.delete(key!);
    this.check();
  }

  clear(): void {
    this.table.clear();
    this.model.clear();
    this.check();
  }

  private check(): void {
    expect(this.table.size).toBe(this.model.size);
    let items = 0;
    for (const clients of this.model.values()) items += clients.size;
    expect(this.table.items).toBe(items);
    expect(this.table.memoryBytes > 0).toBe(items > 0);
  }
}

const key = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map(String),
  fc.string({ maxLength: 3, unit: 'binary-ascii' }),
  fc.constantFrom('', '\x00', '\xff\xfe'),
);
const step = fc.oneof(
  { weight: 60, arbitrary: fc.tuple(fc.constant('add'), key, fc.integer({ min: 1, max: 5 })) },
  { weight: 40, arbitrary: fc.tuple(fc.constant('take'), key, fc.constant(0)) },
  { weight: 20, arbitrary: fc.tuple(fc.constant('any'), fc.constant(''), fc.nat(999)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear'), fc.constant(''), fc.constant(0)) },
);

describe('KeyTable', () => {
  for (const bits of [0, 2, 5, 32]) {
    it(`is a map from keys to sets of clients, with ${bits} bits of hash`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
          const checked = new Checked(bits);
          for (const [what, text, n] of steps) {
            if (what === 'add') checked.add(text, n);
            else if (what === 'take') checked.take(text);
            else if (what === 'any') checked.takeAny(n / 1000);
            else checked.clear();
          }
          for (const left of [...checked.model.keys()]) checked.take(left);
        }),
        { numRuns: 40 },
      );
    });
  }

  it('takeAny() takes every key equally often', () => {
    const counts = new Map<string, number>();
    const random = randomFrom(3);
    for (let i = 0; i < 5000; i++) {
      const table = new KeyTable(weakHash(32));
      for (const text of 'abcde') table.add(Buffer.from(text), 0, 1, 1);
      const { key: taken } = table.takeAny(random);
      counts.set(taken!, (counts.get(taken!) ?? 0) + 1);
    }
    expect(counts.size).toBe(5);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('keeps no long names, and tells them apart nevertheless', () => {
    const table = new KeyTable(weakHash(0));
    const texts = Array.from({ length: 200 }, (_, i) => Buffer.from(`${'x'.repeat(4500)}${i}`));
    for (const [i, text] of texts.entries()) table.add(text, 0, text.length, i + 1);
    expect(table.size).toBe(200);
    expect(table.memoryBytes).toBeLessThan(200 * 64);
    const taken = table.takeAny(() => 0.3);
    expect(taken.key).toBeUndefined();
    for (const [i, text] of texts.entries()) {
      const gone = i + 1 === taken.clients[0];
      expect(table.take(text, 0, text.length)).toEqual(gone ? undefined : [i + 1]);
    }
    expect(table.memoryBytes).toBe(0);
    const edge = Buffer.alloc(NAME_MAX + 1, 'y');
    table.add(edge, 0, NAME_MAX, 1);
    table.add(edge, 0, NAME_MAX + 1, 2);
    expect(table.take(edge, 0, NAME_MAX)).toEqual([1]);
    expect(table.take(edge, 0, NAME_MAX + 1)).toEqual([2]);
  });

  it('has the clients of a key in order, however many', () => {
    const table = new KeyTable(weakHash(32));
    const ids = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 20_011) + 2 ** 33);
    for (const id of [...ids, ...ids]) table.add(Buffer.from('k'), 0, 1, id);
    expect(table.items).toBe(ids.length);
    expect(table.memoryBytes).toBeLessThan(ids.length * 24);
    expect(table.take(Buffer.from('k'), 0, 1)).toEqual(sorted(ids));
    expect(table.memoryBytes).toBe(0);
  });

  it('makes no object for a key', () => {
    const table = new KeyTable(weakHash(32));
    const text = Buffer.alloc(16);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 200_000; i++) {
      text.writeDoubleLE(i);
      table.add(text, 0, 16, 1);
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4e6);
    expect(table.memoryBytes).toBeLessThan(200_000 * 56);
  });

  it('gives its memory back when the last key goes', () => {
    const table = new KeyTable(weakHash(32));
    const texts = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`key:${i}`));
    for (const text of texts) table.add(text, 0, text.length, 1);
    expect(table.memoryBytes).toBeGreaterThan(10_000 * 20);
    for (const text of texts) expect(table.take(text, 0, text.length)).toBeDefined();
    expect(table.memoryBytes).toBe(0);
    expect(Reflect.get(table, 'slots')).toHaveLength(128);
  });
});
