/**
 * Which keys go: each policy by itself, over several databases, next to what an exact one would
 * have done.
 */
import { describe, expect, it } from 'vitest';
import { Evictor } from '../../src/keyspace/eviction.ts';
import { EvictionPool, POOL_SIZE } from '../../src/keyspace/eviction-pool.ts';
import { Keyspace } from '../../src/keyspace/keyspace.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { Args } from '../../src/util/args.ts';
import { SEED } from '../harness/seed.ts';
import { randomFrom } from '../util/float-texts.ts';

const MINUTE_MS = 60_000;

class Fixture {
  readonly random = randomFrom(SEED);
  readonly space = new Keyspace({
    arena: new HeapArena(),
    databases: 3,
    hashKey: Int32Array.of(3, 4),
    random: this.random,
  });
  readonly evictor = new Evictor(this.space);

  constructor(policy: string) {
    this.evictor.follow(policy);
    this.space.nowMs = 1_700_000_000_000;
  }

  set(key: string, db = 0, expireAt = 0): void {
    const args = Args.of(key, 'value');
    const to = this.space.dbs[db]!;
    to.setArgument(args, 0, to.write(args, 0), 1, 0, expireAt);
  }

  read(key: string, db = 0): boolean {
    return this.space.dbs[db]!.read(Args.of(key), 0) !== 0;
  }

  has(key: string, db = 0): boolean {
    return this.space.dbs[db]!.peek(Args.of(key), 0) !== 0;
  }

  /** A second of the clock of LRU. */
  tick(): void {
    this.space.nowMs += 1000;
  }

  /** Evicts n keys; those that are left in database 0, of `key:0` to `key:${count - 1}`. */
  left(count: number, n: number): number[] {
    for (let i = 0; i < n; i++) expect(this.evictor.evictOne()).toBe(true);
    return Array.from({ length: count }, (_, i) => i).filter((i) => this.has(`key:${i}`));
  }
}

describe('Evictor', () => {
  it.each(['allkeys-lru', 'allkeys-lrm'])('%s: the oldest go, near enough', (policy) => {
    const f = new Fixture(policy);
    f.evictor.samples = 10;
    for (let i = 0; i < 2000; i++) {
      f.set(`key:${i}`);
      f.tick();
    }
    const left = f.left(2000, 1000);
    // An exact one would leave the newer half whole.
    expect(left.filter((i) => i >= 1000).length).toBeGreaterThan(960);
    expect(f.space.evictedKeys).toBe(1000);
  });

  it('lru: what is read stays; lrm: what is read goes like the rest', () => {
    for (const [policy, kept] of [
      ['allkeys-lru', true],
      ['allkeys-lrm', false],
    ] as const) {
      const f = new Fixture(policy);
      for (let i = 0; i < 100; i++) f.set(`key:${i}`);
      for (let n = 0; n < 100; n++) {
        f.tick();
        f.read('key:7');
        f.set(`new:${n}`);
        f.evictor.evictOne();
      }
      expect([policy, f.has('key:7')]).toEqual([policy, kept]);
    }
  });

  it('lru: a candidate of the pool that is used again stays', () => {
    const f = new Fixture('allkeys-lru');
    for (let i = 0; i < POOL_SIZE; i++) f.set(`key:${i}`);
    f.tick();
    // The pool knows them all but one now.
    expect(f.left(POOL_SIZE, 1).length).toBe(POOL_SIZE - 1);
    for (let i = 0; i < POOL_SIZE; i++) f.read(`key:${i}`);
    for (let i = 0; i < 200; i++) f.set(`idle:${i}`);
    f.space.nowMs += 100_000;
    for (let i = 0; i < POOL_SIZE; i++) f.read(`key:${i}`);
    expect(f.left(POOL_SIZE, 200).length).toBe(POOL_SIZE - 1);
  });

  it('lfu: what is used often stays, and of the rest what is used again', () => {
    const f = new Fixture('allkeys-lfu');
    for (let i = 0; i < 500; i++) f.set(`key:${i}`);
    for (let i = 0; i < 20; i++) for (let n = 0; n < 300; n++) f.read(`key:${i}`);
    expect(f.left(500, 450).filter((i) => i < 20).length).toBe(20);
  });

  it('lfu: counters of long ago have decayed', () => {
    const f = new Fixture('allkeys-lfu');
    for (let i = 0; i < 20; i++) {
      f.set(`key:${i}`);
      for (let n = 0; n < 300; n++) f.read(`key:${i}`);
    }
    f.space.nowMs += 300 * MINUTE_MS;
    for (let i = 20; i < 40; i++) f.set(`key:${i}`);
    expect(f.left(40, 20).filter((i) => i < 20).length).toBeLessThan(3);
  });

  it('ttl: the one that ends first, whatever its database', () => {
    const f = new Fixture('volatile-ttl');
    const ends: [number, string, number][] = [];
    for (let i = 0; i < 300; i++) {
      const at = f.space.nowMs + 1000 + Math.floor(f.random() * 1e9);
      f.set(`key:${i}`, i % 3, at);
      ends.push([at, `key:${i}`, i % 3]);
    }
    f.set('stays', 1);
    ends.sort((a, b) => a[0] - b[0]);
    for (const [, key, db] of ends) {
      expect(f.has(key, db)).toBe(true);
      expect(f.evictor.evictOne()).toBe(true);
      expect(f.has(key, db)).toBe(false);
    }
    expect(f.evictor.evictOne()).toBe(false);
    expect(f.has('stays', 1)).toBe(true);
  });

  it.each(['volatile-lru', 'volatile-lfu', 'volatile-lrm', 'volatile-random', 'volatile-ttl'])(
    '%s: keys without a time to live stay',
    (policy) => {
      const f = new Fixture(policy);
      for (let i = 0; i < 100; i++) {
        f.set(`key:${i}`);
        f.set(`gone:${i}`, i % 3, f.space.nowMs + 1e6 + i);
      }
      expect(f.left(100, 100).length).toBe(100);
      expect(f.evictor.evictOne()).toBe(false);
    },
  );

  it('a key whose time to live was taken away is no candidate any more', () => {
    const f = new Fixture('volatile-lru');
    for (let i = 0; i < POOL_SIZE; i++) f.set(`key:${i}`, 0, f.space.nowMs + 1e6);
    f.tick();
    f.left(POOL_SIZE, 1);
    const db = f.space.dbs[0]!;
    for (let i = 0; i < POOL_SIZE; i++) {
      const entry = db.peek(Args.of(`key:${i}`), 0);
      if (entry !== 0) db.persist(entry);
    }
    expect(f.evictor.evictOne()).toBe(false);
  });

  it.each(['allkeys-random', 'volatile-random', 'allkeys-lru', 'volatile-lru'])(
    '%s: with nothing to tell them apart every key of every database is as likely',
    (policy) => {
      const f = new Fixture(policy);
      f.evictor.samples = 1;
      const counts = [0, 0, 0];
      const sizes = [10, 90, 300];
      const ends = f.space.nowMs + 1e9;
      for (const [db, size] of sizes.entries()) {
        for (let i = 0; i < size; i++) f.set(`key:${i}`, db, ends);
      }
      const rounds = 4000;
      for (let n = 0; n < rounds; n++) {
        f.evictor.follow(policy);
        const before = f.space.dbs.map((db) => db.size);
        f.evictor.evictOne();
        const db = f.space.dbs.findIndex(({ size }, i) => size < before[i]!);
        counts[db]!++;
        f.set(`new:${n}`, db, ends);
      }
      for (const [db, size] of sizes.entries()) {
        const expected = (rounds * size) / 400;
        expect(Math.abs(counts[db]! - expected)).toBeLessThan(5 * Math.sqrt(expected));
      }
    },
  );

  it('goes on to the last key, in tables that are nearly empty too', () => {
    const f = new Fixture('allkeys-lru');
    for (let i = 0; i < 5000; i++) f.set(`key:${i}`);
    expect(f.left(5000, 5000)).toEqual([]);
    expect(f.evictor.evictOne()).toBe(false);
    const db = f.space.dbs[0]!;
    expect(db.size).toBe(0);
  });

  it('noeviction evicts nothing', () => {
    const f = new Fixture('noeviction');
    f.set('key');
    expect(f.evictor.isOn).toBe(false);
    expect(f.evictor.evictOne()).toBe(false);
  });
});

describe('EvictionPool', () => {
  it('keeps the best, in order', () => {
    const pool = new EvictionPool();
    const random = randomFrom(SEED);
    const scores: number[] = [];
    for (let i = 0; i < 500; i++) {
      const score = Math.floor(random() * 1000);
      scores.push(score);
      if (pool.wants(score)) pool.add(score, 0, i, i + 1);
    }
    scores.sort((a, b) => b - a);
    expect([...pool.scores].reverse()).toEqual(scores.slice(0, POOL_SIZE));
    pool.takeLast();
    expect(pool.wants(0)).toBe(true);
    for (let i = 0; i < pool.size; i++) {
      expect(pool.hashes[i]).toBe(pool.entries[i]! - 1);
      expect(pool.has(0, pool.entries[i]!)).toBe(true);
      expect(pool.has(1, pool.entries[i]!)).toBe(false);
    }
  });
});
