/** The table of keys and clients against a Map of Sets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClientIds, KeyTable } from '../../src/tracking/key-table.ts';

/** FNV, cut to so many bits: keys meet each other. */
function weakHash(bits: number) {
  return (buf: Uint8Array, off: number, len: number): number => {
    let hash = 0x811c9dc5;
    for (let i = 0; i < len; i++) hash = Math.imul(hash ^ buf[off + i]!, 0x01000193);
    return bits === 32 ? hash : hash & ((1 << bits) - 1);
  };
}

function sorted(clients: ClientIds): number[] {
  return typeof clients === 'number' ? [clients] : [...clients].sort((a, b) => a - b);
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
    const taken = this.table.take(bytes, 1, key.length);
    const clients = this.model.get(key);
    expect(taken && { key: taken.key, clients: sorted(taken.clients) }).toEqual(
      clients && { key, clients: sorted(clients) },
    );
    this.model.delete(key);
    this.check();
  }

  takeAny(random: number): void {
    if (this.model.size === 0) return;
    const { key, clients } = this.table.takeAny(random);
    expect(sorted(clients)).toEqual(sorted(this.model.get(key)!));
    this.model.delete(key);
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
    for (let i = 0; i < 1000; i++) {
      const table = new KeyTable(weakHash(32));
      for (const text of 'abcde') table.add(Buffer.from(text), 0, 1, 1);
      const { key: taken } = table.takeAny(i / 1000);
      counts.set(taken, (counts.get(taken) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual([200, 200, 200, 200, 200]);
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
