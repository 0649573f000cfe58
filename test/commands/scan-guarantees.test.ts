/**
 * What SCAN and its kin promise: an element that is there from the first call to the last is
 * answered at least once, one that never was never, and the iteration ends; whatever is added and
 * removed between calls, while tables grow and shrink by factors of 100.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../datatypes/collections.ts';
import { InProcess } from '../harness/in-process.ts';

/** Everything SCAN, HSCAN, SSCAN and ZSCAN need to be tested by one body. */
interface Kind {
  readonly name: string;
  readonly scan: readonly string[];
  add(p: InProcess, name: string): void;
  remove(p: InProcess, name: string): void;
  /** The names among what a scan answered. */
  names(answer: readonly string[]): string[];
}

const everyOther = (answer: readonly string[]) => answer.filter((_, i) => i % 2 === 0);

const kinds: readonly Kind[] = [
  {
    name: 'SCAN',
    scan: ['SCAN'],
    add: (p, name) => p.call('SET', name, 'v'),
    remove: (p, name) => p.call('DEL', name),
    names: (answer) => [...answer],
  },
  {
    name: 'SSCAN',
    scan: ['SSCAN', 'k'],
    add: (p, name) => p.call('SADD', 'k', name),
    remove: (p, name) => p.call('SREM', 'k', name),
    names: (answer) => [...answer],
  },
  {
    name: 'HSCAN',
    scan: ['HSCAN', 'k'],
    add: (p, name) => p.call('HSET', 'k', name, `value of ${name}`),
    remove: (p, name) => p.call('HDEL', 'k', name),
    names: everyOther,
  },
  {
    name: 'ZSCAN',
    scan: ['ZSCAN', 'k'],
    add: (p, name) => p.call('ZADD', 'k', String(name.length), name),
    remove: (p, name) => p.call('ZREM', 'k', name),
    names: everyOther,
  },
];

const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

function check(answer: readonly string[], stayed: readonly string[], passing: Set<string>): void {
  const found = new Set(answer);
  for (const name of stayed) {
    if (!found.has(name)) throw new Error(`${name} was there all the time and not answered`);
  }
  for (const name of stayed) found.delete(name);
  for (const name of found) {
    if (!passing.has(name)) throw new Error(`${name} was never there`);
  }
}

describe.each(kinds)('$name', (kind) => {
  it.each([
    ['1', 30, 3000],
    ['10', 200, 20_000],
    ['100', 200, 20_000],
  ])('COUNT %s: sees all of %i while %i come', (count, few, many) => {
    const p = new InProcess();
    const stayed = named(few, 's');
    for (const name of stayed) kind.add(p, name);
    const coming = named(many, 'c');
    let at = 0;
    const perStep = Math.ceil((many / few) * Number(count) * 1.5);
    const answer = p.scan([...kind.scan], ['COUNT', count], () => {
      for (let i = 0; i < perStep && at < many; i++) kind.add(p, coming[at++]!);
    });
    check(kind.names(answer), stayed, new Set(coming));
  });

  it.each([
    ['1', 30, 3000],
    ['10', 200, 20_000],
    ['100', 200, 20_000],
  ])('COUNT %s: sees all of %i while %i go', (count, few, many) => {
    const p = new InProcess();
    const stayed = named(few, 's');
    const going = named(many, 'g');
    for (const name of [...going, ...stayed]) kind.add(p, name);
    let at = 0;
    const perStep = Math.ceil(Number(count) * 3);
    const answer = p.scan([...kind.scan], ['COUNT', count], () => {
      for (let i = 0; i < perStep && at < many; i++) kind.remove(p, going[at++]!);
    });
    check(kind.names(answer), stayed, new Set(going));
  });

  it('sees what stays while others come and go in waves', () => {
    const wave = fc.record({
      add: fc.boolean(),
      size: fc.integer({ min: 1, max: 800 }),
      from: fc.integer({ min: 0, max: 1200 }),
    });
    fc.assert(
      fc.property(
        fc.array(wave, { minLength: 5, maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 40 }),
        (waves, few, count) => {
          const p = new InProcess();
          const stayed = named(few, 's');
          const passing = new Set<string>();
          for (const name of stayed) kind.add(p, name);
          const answer = p.scan([...kind.scan], ['COUNT', String(count)], (step) => {
            const next = waves[step % waves.length]!;
            // Waves that go on for ever could keep the iteration from its end; a client's do not.
            if (step > waves.length * 3) return;
            for (let i = 0; i < next.size; i++) {
              const name = `w${next.from + i}`;
              passing.add(name);
              if (next.add) kind.add(p, name);
              else kind.remove(p, name);
            }
          });
          check(kind.names(answer), stayed, passing);
        },
      ),
      { numRuns: runs(8) },
    );
  });

  it('answers each element exactly once when nothing changes', () => {
    for (const size of [0, 1, 5, 128, 129, 1000, 5000]) {
      const p = new InProcess();
      const names = named(size, 'n');
      for (const name of names) kind.add(p, name);
      const db = p.server.keyspace.dbs[0]!;
      while (db.rehash(1000));
      const answer = kind.names(p.scan([...kind.scan], []));
      expect(new Set(answer)).toEqual(new Set(names));
      // Twice only where a rehash of the collection is under way.
      expect(answer.length).toBeLessThanOrEqual(size * 1.1);
    }
  });

  it('ends for any cursor, also for one that was never given out', () => {
    const p = new InProcess();
    for (const name of named(700, 'n')) kind.add(p, name);
    for (const cursor of ['1', '12345', '4294967295', '18446744073709551615', '-1']) {
      let next = cursor;
      for (let steps = 0; next !== '0' && steps < 5000; steps++) {
        next = p.texts(...kind.scan, next)[0]!;
      }
      expect(next).toBe('0');
    }
  });
});
