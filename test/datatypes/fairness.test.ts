/**
 * Random picks are fair: each element of each representation comes equally often. Chi-square tests
 * over a fixed sequence of random numbers, so a test passes always or never; the hash key is random
 * where tables are used, therefore the bounds are those of one failure in about 10^9 runs.
 */
import { describe, expect, it } from 'vitest';
import type { Evictor } from '../../src/keyspace/eviction.ts';
import { InProcess } from '../harness/in-process.ts';
import { seeded } from './collections.ts';

/** Standard normal quantile of 1e-9. */
const Z = 6;

/** The greatest plausible sum for `freedom` degrees (Wilson and Hilferty's approximation). */
function chiSquareMax(freedom: number): number {
  const v = 2 / (9 * freedom);
  return freedom * (1 - v + Z * Math.sqrt(v)) ** 3;
}

class Tally {
  private readonly counts = new Map<string, number>();
  private total = 0;

  constructor(names: readonly string[]) {
    for (const name of names) this.counts.set(name, 0);
  }

  add(names: readonly string[]): void {
    for (const name of names) {
      const before = this.counts.get(name);
      if (before === undefined) throw new Error(`${name} was never put in`);
      this.counts.set(name, before + 1);
      this.total++;
    }
  }

  expectFair(): void {
    const expected = this.total / this.counts.size;
    // The test says nothing for fewer.
    expect(expected).toBeGreaterThanOrEqual(10);
    let sum = 0;
    for (const count of this.counts.values()) sum += (count - expected) ** 2 / expected;
    expect(sum).toBeLessThan(chiSquareMax(this.counts.size - 1));
  }
}

function start(directives: Readonly<Record<string, string>> = {}): InProcess {
  return new InProcess(directives, seeded(20_240_607));
}

interface Subject {
  readonly encoding: string;
  readonly directives?: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  /** Names added and removed again: a table that is sparse, or in the middle of a rehash. */
  readonly extra?: number;
}

const named = (count: number, prefix = 'm') => Array.from({ length: count }, (_, i) => prefix + i);

/** A table of 512 buckets and one of 64 while the shrinking is under way. */
const sparse = { names: named(40), extra: 500 };
/** As many as make a table of 256 grow, and a few more: the rehash is under way. */
const growing = { names: named(270) };

const subjects: Record<'set' | 'hash' | 'zset', readonly Subject[]> = {
  set: [
    { encoding: 'intset', names: named(50, '') },
    { encoding: 'listpack', names: named(50) },
    { encoding: 'hashtable', names: named(50), directives: { 'set-max-listpack-entries': '0' } },
    { encoding: 'hashtable', ...growing },
    { encoding: 'hashtable', ...sparse },
  ],
  hash: [
    { encoding: 'listpack', names: named(50) },
    { encoding: 'hashtable', names: named(50), directives: { 'hash-max-listpack-entries': '0' } },
    { encoding: 'hashtable', ...growing, directives: { 'hash-max-listpack-entries': '9' } },
    { encoding: 'hashtable', ...sparse, directives: { 'hash-max-listpack-entries': '9' } },
  ],
  zset: [
    { encoding: 'listpack', names: named(50) },
    { encoding: 'skiplist', names: named(50), directives: { 'zset-max-listpack-entries': '0' } },
    { encoding: 'skiplist', ...growing },
  ],
};

const add = { set: 'SADD', hash: 'HSET', zset: 'ZADD' } as const;
const remove = { set: 'SREM', hash: 'HDEL', zset: 'ZREM' } as const;

function fill(type: keyof typeof subjects, subject: Subject): InProcess {
  const p = start(subject.directives);
  const words = (name: string, i: number) =>
    type === 'set' ? [name] : type === 'hash' ? [name, `v${i}`] : [String(i >> 2), name];
  const all = [...subject.names, ...named(subject.extra ?? 0, 'x')];
  for (const [i, name] of all.entries()) p.call(add[type], 'k', ...words(name, i));
  for (const name of named(subject.extra ?? 0, 'x')) p.call(remove[type], 'k', name);
  expect(p.texts('OBJECT', 'ENCODING', 'k')).toEqual([subject.encoding]);
  return p;
}

const title = ({ encoding, names, extra }: Subject) =>
  `${encoding}, ${names.length} elements${extra === undefined ? '' : `, ${extra} removed`}`;

for (const [type, name] of [
  ['set', 'SRANDMEMBER'],
  ['hash', 'HRANDFIELD'],
  ['zset', 'ZRANDMEMBER'],
] as const) {
  describe(name, () => {
    for (const subject of subjects[type]) {
      const { names } = subject;
      // Without a count, with repetitions, few of many, most of them.
      const counts = ['', '-7', '2', '5', String(Math.floor(names.length * 0.6))];
      it.each(counts)(`${title(subject)}; count "%s"`, (count) => {
        const p = fill(type, subject);
        const tally = new Tally(names);
        const each = Math.max(1, Math.abs(Number(count)));
        const words = count === '' ? [name, 'k'] : [name, 'k', count];
        for (let i = 0; i * each < names.length * 60; i++) {
          const found = p.texts(...words);
          expect(found.length).toBe(each);
          if (Number(count) > 0) expect(new Set(found).size).toBe(each);
          tally.add(found);
        }
        tally.expectFair();
      });
    }
  });
}

describe('SPOP', () => {
  for (const subject of subjects.set) {
    const { names } = subject;
    it.each(['', '3', String(names.length - 2)])(`${title(subject)}; count "%s"`, (count) => {
      const p = fill('set', subject);
      const tally = new Tally(names);
      const each = Math.max(1, Number(count));
      for (let i = 0; i * each < names.length * 40; i++) {
        const popped = p.texts('SPOP', 'k', ...(count === '' ? [] : [count]));
        expect(new Set(popped).size).toBe(each);
        tally.add(popped);
        p.call('SADD', 'k', ...popped);
      }
      expect(p.texts('SCARD', 'k')).toEqual([String(names.length)]);
      tally.expectFair();
    });
  }
});

describe('a sample without repetition', () => {
  it.each([2, 4])('has every pair equally often, %i of 6', (count) => {
    const p = start();
    const names = named(6);
    const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a} ${b}`));
    for (const [put, take] of [
      ['SADD', 'SRANDMEMBER'],
      ['ZADD', 'ZRANDMEMBER'],
      ['HSET', 'HRANDFIELD'],
    ] as const) {
      for (const name of names) {
        p.call(put, put, ...(put === 'ZADD' ? ['1', name] : put === 'HSET' ? [name, 'v'] : [name]));
      }
      const tally = new Tally(pairs);
      for (let i = 0; i < 1500; i++) {
        const found = p.texts(take, put, String(count)).sort();
        tally.add(found.flatMap((a, k) => found.slice(k + 1).map((b) => `${a} ${b}`)));
      }
      tally.expectFair();
    }
  });
});

describe('RANDOMKEY', () => {
  for (const [what, extra] of [
    ['a full table', 0],
    ['a sparse table', 900],
  ] as const) {
    it(`is fair in ${what}, expired keys apart`, () => {
      const p = start();
      const names = named(120);
      for (const name of names) p.call('SET', name, 'v');
      for (const name of named(extra, 'x')) p.call('SET', name, 'v');
      for (const name of named(extra, 'x')) p.call('DEL', name);
      for (const name of named(10, 'old')) p.call('SET', name, 'v', 'PX', '5');
      p.server.keyspace.nowMs += 1000;
      const tally = new Tally(names);
      for (let i = 0; i < 120 * 50; i++) tally.add(p.texts('RANDOMKEY'));
      tally.expectFair();
    });
  }
});

describe('randomness of an embedder that is none', () => {
  const sources: Readonly<Record<string, () => () => number>> = {
    'always 0.5': () => () => 0.5,
    'always 0': () => () => 0,
    'always nearly 1': () => () => 1 - Number.EPSILON / 2,
    'two numbers in turn': () => {
      let i = 0;
      return () => [0.1, 0.7][i++ % 2]!;
    },
  };
  const kinds = ['hashtable', 'listpack', 'intset'] as const;

  function filled(kind: (typeof kinds)[number], random: () => number): InProcess {
    const large = { 'hash-max-listpack-entries': '1000', 'set-max-listpack-entries': '1000' };
    const p = new InProcess(kind === 'listpack' ? large : {}, random);
    const names = kind === 'intset' ? named(300, '') : named(600);
    p.call('SADD', 's', ...names);
    p.call('HSET', 'h', ...names.flatMap((name) => [name, 'v']));
    p.call('ZADD', 'z', ...names.flatMap((name) => ['1', name]));
    expect(p.texts('OBJECT', 'ENCODING', 's')).toEqual([kind]);
    return p;
  }

  for (const [what, source] of Object.entries(sources)) {
    it.each(kinds)(`${what}: counts are kept, and nothing comes twice (%s)`, (kind) => {
      const p = filled(kind, source());
      for (const [name, key] of [
        ['SRANDMEMBER', 's'],
        ['HRANDFIELD', 'h'],
        ['ZRANDMEMBER', 'z'],
        ['SPOP', 's'],
      ] as const) {
        for (const count of [2, 3, 20, 90]) {
          expect(new Set(p.texts(name, key, String(count))).size).toBe(count);
        }
        expect(p.texts(name, key)).toHaveLength(1);
      }
      expect(p.texts('RANDOMKEY')).toHaveLength(1);
    });

    it(`${what}: keys are evicted down to the limit`, () => {
      for (const policy of ['allkeys-random', 'volatile-random', 'allkeys-lfu', 'volatile-lru']) {
        const p = new InProcess({ 'maxmemory-policy': policy }, source());
        const { evictor } = p.server.eviction as unknown as { evictor: Evictor };
        evictor.follow(policy);
        for (const name of named(500)) p.call('SET', name, 'v', 'EX', '1000');
        let evicted = 0;
        while (evictor.evictOne()) evicted++;
        expect(evicted).toBe(500);
      }
    });
  }
});
