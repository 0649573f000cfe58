/**
 * The keyspace against a naive model: every path of an entry (inline, outlined, with and without a
 * time to live), moves and copies, and that every write was touched: a snapshot taken at any moment
 * keeps its bytes.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Encoding } from '../../src/datatypes/value-types.ts';
import { Keyspace } from '../../src/keyspace/keyspace.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';
import { frozenBytes } from '../memory/frozen-bytes.ts';

interface Model {
  value: Buffer;
  expireAt: number;
}

const key = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`) },
  { weight: 1, arbitrary: fc.constantFrom('', '__proto__', 'x'.repeat(300)) },
);
const length = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 80 }) },
  { weight: 2, arbitrary: fc.integer({ min: 240, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 80_000 }) },
);
const at = fc.integer({ min: 1, max: 400 });

const operation = fc.oneof(
  fc.record({ op: fc.constant('set' as const), key, length, expireAt: fc.option(at) }),
  fc.record({ op: fc.constant('keepTtl' as const), key, length }),
  fc.record({ op: fc.constant('grow' as const), key, length }),
  fc.record({ op: fc.constant('expire' as const), key, at }),
  fc.record({ op: fc.constant('persist' as const), key }),
  fc.record({ op: fc.constant('remove' as const), key }),
  fc.record({ op: fc.constant('rename' as const), key, to: key }),
  fc.record({ op: fc.constant('copy' as const), key, to: key }),
  fc.record({ op: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ op: fc.constant('cycle' as const) }),
  fc.record({ op: fc.constant('snapshot' as const) }),
  fc.record({ op: fc.constant('clear' as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Fixture {
  readonly arena = new HeapArena();
  readonly space = new Keyspace({
    arena: this.arena,
    databases: 2,
    hashKey: Int32Array.of(7, 11),
    random: Math.random,
  });
  readonly db = this.space.dbs[0]!;
  readonly model = new Map<string, Model>();
  readonly snapshots: { snapshot: Snapshot; digest: string }[] = [];
  private seed = 0;

  find(name: string): number {
    const bytes = Buffer.from(name);
    return this.db.find(bytes, 0, bytes.length);
  }

  bytes(n: number): Buffer {
    return Buffer.alloc(n, ++this.seed & 0xff);
  }

  set(name: string, value: Buffer, expireAt: number): void {
    const bytes = Buffer.from(name);
    const entry = this.find(name);
    this.db.setString(
      entry,
      bytes,
      0,
      bytes.length,
      value,
      0,
      value.length,
      Encoding.raw,
      expireAt,
    );
  }

  value(entry: number): Buffer {
    this.db.locateString(entry);
    const { valueBuf, valueOff, valueLen } = this.db;
    return Buffer.from(valueBuf.subarray(valueOff, valueOff + valueLen));
  }

  digestOf(snapshot: Snapshot): string {
    const hash = createHash('sha1');
    for (const segment of frozenBytes(snapshot)) hash.update(segment);
    return hash.digest('hex');
  }

  /** Every write since a snapshot must have gone to a copy. */
  checkSnapshots(): void {
    for (const { snapshot, digest } of this.snapshots) expect(this.digestOf(snapshot)).toBe(digest);
  }

  check(): void {
    for (const [name, { value, expireAt }] of this.model) {
      if (expireAt > 0 && expireAt < this.space.nowMs) this.model.delete(name);
      else {
        const entry = this.find(name);
        expect(entry, name).not.toBe(0);
        expect(this.value(entry).equals(value), name).toBe(true);
        expect(this.db.expireAt(entry)).toBe(expireAt === 0 ? -1 : expireAt);
      }
    }
    this.space.dict.checkInvariants(this.db.root);
    this.db.expires.checkInvariants();
    this.db.forEach((entry) => {
      const expired = this.db.isVolatile(entry) && this.db.isExpired(entry);
      expect(expired || this.model.has(this.db.keyOf(entry).toString())).toBe(true);
    });
  }
}

function apply(f: Fixture, o: Operation): void {
  const { db, model } = f;
  const entry = 'key' in o ? f.find(o.key) : 0;
  if (o.op === 'set') {
    const value = f.bytes(o.length);
    const expireAt = o.expireAt === null ? 0 : f.space.nowMs + o.expireAt;
    f.set(o.key, value, expireAt);
    model.set(o.key, { value, expireAt });
  } else if (o.op === 'keepTtl') {
    const value = f.bytes(o.length);
    const expireAt = entry === 0 ? 0 : (model.get(o.key)?.expireAt ?? 0);
    f.set(o.key, value, -1);
    model.set(o.key, { value, expireAt });
  } else if (o.op === 'grow' && entry !== 0) {
    const known = model.get(o.key)!;
    db.growString(entry, o.length, Encoding.raw);
    const zeros = Buffer.alloc(Math.max(0, o.length - known.value.length));
    known.value = Buffer.concat([known.value, zeros]);
  } else if (o.op === 'expire' && entry !== 0) {
    const expireAt = f.space.nowMs + o.at;
    db.setExpiry(entry, expireAt);
    model.get(o.key)!.expireAt = expireAt;
  } else if (o.op === 'persist' && entry !== 0 && db.isVolatile(entry)) {
    db.persist(entry);
    model.get(o.key)!.expireAt = 0;
  } else if (o.op === 'remove' && entry !== 0) {
    db.remove(entry);
    model.delete(o.key);
  } else if (o.op === 'rename' && entry !== 0 && o.key !== o.to) {
    const present = f.find(o.to);
    if (present !== 0) db.remove(present);
    const to = Buffer.from(o.to);
    db.adopt(db, entry, to, 0, to.length);
    model.set(o.to, model.get(o.key)!);
    model.delete(o.key);
  } else if (o.op === 'copy' && entry !== 0 && o.key !== o.to) {
    const present = f.find(o.to);
    if (present !== 0) db.remove(present);
    const to = Buffer.from(o.to);
    db.copyFrom(db, entry, to, 0, to.length);
    model.set(o.to, { value: model.get(o.key)!.value, expireAt: 0 });
  } else if (o.op === 'tick') f.space.nowMs += o.ms;
  else if (o.op === 'cycle') while (db.expireDue(f.space.nowMs, 10));
  else if (o.op === 'snapshot') {
    const snapshot = f.arena.snapshot();
    f.snapshots.push({ snapshot, digest: f.digestOf(snapshot) });
    if (f.snapshots.length > 2) {
      f.checkSnapshots();
      f.snapshots.shift()!.snapshot.release();
    }
  } else if (o.op === 'clear') {
    db.clear();
    model.clear();
    while (f.space.freeGarbage(7));
  }
}

describe('Db', () => {
  it('agrees with a model, and every write was touched', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150, size: 'max' }), (operations) => {
        const f = new Fixture();
        f.space.nowMs = 1_000_000;
        for (const o of operations) {
          apply(f, o);
          if (o.op === 'snapshot' || o.op === 'cycle') f.check();
        }
        f.check();
        f.checkSnapshots();
      }),
      { numRuns: process.env['RESPITE_FULL'] === '1' ? 500 : 90 },
    );
  });

  it('gives all memory back', () => {
    const f = new Fixture();
    f.space.nowMs = 1_000_000;
    const before = f.arena.usedBytes;
    for (let i = 0; i < 20_000; i++)
      f.set(`key:${i}`, f.bytes(i % 400), i % 3 === 0 ? 2_000_000 : 0);
    expect(f.db.size).toBe(20_000);
    f.space.nowMs = 3_000_000;
    while (f.db.expireDue(f.space.nowMs, 100));
    expect(f.db.size).toBe(20_000 - 6667);
    expect(f.space.expiredKeys).toBe(6667);
    f.db.clear();
    while (f.space.freeGarbage(100));
    expect(f.arena.usedBytes).toBe(before);
    expect(f.db.expires.size).toBe(0);
  });

  it('randomEntry() passes expired keys over', () => {
    const f = new Fixture();
    f.space.nowMs = 1000;
    for (let i = 0; i < 50; i++) f.set(`old${i}`, f.bytes(1), 2000);
    f.set('new', f.bytes(1), 0);
    f.space.nowMs = 5000;
    expect(f.db.keyOf(f.db.randomEntry()).toString()).toBe('new');
  });

  it('randomEntry() finds the one live key among many expired ones, and nothing when none lives', () => {
    for (const held of [false, true]) {
      const f = new Fixture();
      f.space.nowMs = 1000;
      for (let i = 0; i < 1000; i++) f.set(`old${i}`, f.bytes(1), 2000);
      f.set('new', f.bytes(1), 6000);
      f.space.nowMs = 5000;
      f.space.expiryHeld = held;
      for (let i = 0; i < 20; i++) {
        expect(f.db.keyOf(f.db.randomEntry()).toString()).toBe('new');
      }
      expect(f.db.size < 1001).toBe(!held);
      f.space.nowMs = 7000;
      for (let i = 0; i < 20; i++) expect(f.db.randomEntry()).toBe(0);
    }
  });
});
