/** Databases for tools: what a file is read into. */
import { randomInt } from 'node:crypto';
import { Keyspace } from '../keyspace/keyspace.ts';
import { HeapArena } from '../memory/heap-arena.ts';
import { wallClockMs } from '../util/timers.ts';

const DATABASES_MAX = 16384;

/** Empty databases, more than any file uses; expired keys are kept and shown. */
export function toolKeyspace(): Keyspace {
  const space = new Keyspace({
    arena: new HeapArena(),
    databases: 16,
    hashKey: Int32Array.of(randomInt(2 ** 31), randomInt(2 ** 31)),
    random: Math.random,
  });
  space.nowMs = wallClockMs();
  space.expiryEnabled = false;
  return space;
}

/** Gives a keyspace databases up to an index; undefined for one that nobody has. */
export function databaseOf(space: Keyspace, index: number) {
  if (index >= DATABASES_MAX) return undefined;
  while (space.dbs.length <= index) space.addDatabase();
  return space.dbs[index];
}
