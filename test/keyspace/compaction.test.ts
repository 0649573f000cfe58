/**
 * Compaction moves keys and values of a keyspace full of holes: nothing that clients see changes,
 * commands go on between its slices, and the memory between the blocks comes back.
 */
import { expect, it } from 'vitest';
import { StreamId } from '../../src/datatypes/stream-id.ts';
import { Encoding } from '../../src/datatypes/value-types.ts';
import { Compactor } from '../../src/keyspace/compactor.ts';
import { FrozenKeyspace } from '../../src/keyspace/frozen-keyspace.ts';
import type { Keyspace } from '../../src/keyspace/keyspace.ts';
import { InProcess } from '../harness/in-process.ts';
import { dumpKeyspace } from './dump-keyspace.ts';

const KEYS = 30_000;
const LARGE = 2500;

function dump(space: Keyspace): string[] {
  const snapshot = space.snapshot();
  const lines = dumpKeyspace(FrozenKeyspace.open(snapshot.description()), () => new StreamId());
  snapshot.release();
  // The nodes of an ordered index may be filled in another way.
  return lines.map((line) => {
    const parts: unknown[] = JSON.parse(line);
    const ordered = parts[3] === Encoding.skiplist || parts[3] === Encoding.hashtableEx;
    return JSON.stringify(ordered ? parts.toSpliced(5, 1) : parts);
  });
}

/** One key of each kind that moves, and some that do not. */
function fill(redis: InProcess, i: number): void {
  const text = 'x'.repeat(1500 + ((i * 7919) % 1500));
  const kinds: (() => void)[] = [
    () => redis.call('SET', `key:${i}`, text),
    () => redis.call('SET', `key:${i}`, text, 'PX', String(1_000_000 + i)),
    () => redis.call('SET', `key:${i}`, String(i), 'PX', String(1_000_000 + i)),
    () => redis.call('HSET', `key:${i}`, ...Array.from({ length: 80 }, (_, k) => `f${k}:${i}`)),
    () => redis.call('SADD', `key:${i}`, ...Array.from({ length: 300 }, (_, k) => String(k * i))),
    () => redis.call('RPUSH', `key:${i}`, 'a', text, text.repeat(6), 'b', text),
    () => {
      redis.call('HSET', `key:${i}`, 'a', text, 'b', '2');
      redis.call('HPEXPIRE', `key:${i}`, '2000000', 'FIELDS', '1', 'a');
    },
    () => redis.call('SADD', `key:${i}`, ...Array.from({ length: 200 }, (_, k) => `m${k}:${i}`)),
    () =>
      redis.call(
        'ZADD',
        `key:${i}`,
        ...Array.from({ length: 150 }, (_, k) => [String(k % 7), `m${k}:${i}`]).flat(),
      ),
    () => redis.call('SET', `key:${i}`, 'x'.repeat(60 * text.length)),
  ];
  kinds[i % 40 === 0 ? 9 : i % 9]!();
}

it('gives memory between blocks back and changes nothing that can be seen', () => {
  const redis = new InProcess();
  const { keyspace } = redis.server;
  const { arena } = keyspace;
  const db = keyspace.dbs[0]!;
  for (let i = 0; i < KEYS; i++) fill(redis, i);
  // Values of which a step moves a part only; their members lie among those of others.
  for (let i = 0; i < LARGE; i++) {
    redis.call('HSET', 'large:hash', `field:${i}`, 'x'.repeat(100));
    redis.call('SADD', 'large:set', `member:${i}${'x'.repeat(90)}`);
    redis.call('ZADD', 'large:zset', String(i % 50), `member:${i}${'x'.repeat(90)}`);
    redis.call('HSET', 'large:ttl', `field:${i}`, 'x'.repeat(90));
    if (i % 3 === 0) redis.call('HPEXPIRE', 'large:ttl', '2000000', 'FIELDS', '1', `field:${i}`);
    for (let k = 0; k < 4; k++) redis.call('SET', `hole:${i}:${k}`, 'x'.repeat(100));
  }
  for (let i = 0; i < LARGE; i++) for (let k = 0; k < 4; k++) redis.call('DEL', `hole:${i}:${k}`);
  for (let i = 0; i < KEYS; i++) if (i % 11 > 0) redis.call('DEL', `key:${i}`);
  while (keyspace.freeGarbage(1000));
  for (let i = 0; i < 3; i++) keyspace.giveBack();
  const reserved = arena.reservedBytes;
  const used = arena.usedBytes;
  const before = dump(keyspace);
  expect(reserved - used).toBeGreaterThan(100e6);

  let clock = 1000;
  const compactor = new Compactor(
    keyspace,
    () => ++clock,
    (ms) => {
      clock += ms;
    },
  );
  let slices = 0;
  do {
    compactor.slice(clock + 5);
    // Each slice looks at a few buckets; others change data in between.
    const i = KEYS + slices++;
    if (i % 50 > 0) continue;
    fill(redis, i);
    redis.call('TYPE', `key:${(i * 11) % KEYS}`);
    redis.call('DEL', `key:${i}`);
    while (keyspace.freeGarbage(1000));
  } while (compactor.effort > 0);
  expect(compactor.hits).toBeGreaterThan(1000);
  expect(compactor.keyHits).toBeGreaterThan(1000);
  expect(slices).toBeGreaterThan(100);
  for (let i = 0; i < 3; i++) keyspace.giveBack();
  expect(arena.reservedBytes - arena.usedBytes).toBeLessThan((reserved - used) / 3);
  const after = dump(keyspace);
  const changed = after.findIndex((line, i) => line !== before[i]);
  // One line: all of them would be megabytes of report.
  expect(after[changed]?.slice(0, 2000)).toBe(before[changed]?.slice(0, 2000));
  expect(after.length).toBe(before.length);
  keyspace.dict.checkInvariants(db.root);
  db.expires.checkInvariants();
  db.fieldExpires.checkInvariants();

  // It does not begin again for what it could not help, and all of it can be freed.
  clock += 10_000;
  compactor.slice(clock + 1000);
  expect(compactor.effort).toBe(0);
  redis.call('FLUSHALL', 'SYNC');
  while (keyspace.freeGarbage(1000));
  for (let i = 0; i < 3; i++) keyspace.giveBack();
  expect(arena.usedBytes).toBeLessThan(100_000);
  expect(arena.reservedBytes).toBeLessThan(20e6);
});

it('begins again for what was deleted while it was under way', () => {
  const redis = new InProcess();
  const { keyspace } = redis.server;
  const { arena } = keyspace;
  const text = 'x'.repeat(6000);
  for (let i = 0; i < KEYS; i++) redis.call('SET', `key:${i}`, text);
  const removeUnless = (every: number) => {
    for (let i = 0; i < KEYS; i++) if (i % every > 0) redis.call('DEL', `key:${i}`);
  };
  let clock = 1000;
  const compactor = new Compactor(
    keyspace,
    () => ++clock,
    (ms) => {
      clock += ms;
    },
  );
  const finish = () => {
    while (compactor.effort > 0) compactor.slice(clock + 5);
  };
  removeUnless(3);
  compactor.slice(clock + 5);
  expect(compactor.effort).toBeGreaterThan(0);
  removeUnless(30);
  finish();
  clock += 1000;
  compactor.slice(clock + 5);
  expect(compactor.effort).toBeGreaterThan(0);
  finish();
  clock += 1000;
  compactor.slice(clock + 5);
  expect(compactor.effort).toBe(0);
  for (let i = 0; i < 3; i++) keyspace.giveBack();
  expect(arena.reservedBytes).toBeLessThan(arena.usedBytes + (24 << 20));
});
