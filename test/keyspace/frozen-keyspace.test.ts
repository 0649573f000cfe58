/**
 * A worker thread reads a whole snapshot, all types in all representations, while random commands
 * go on, and sees exactly the moment at which it was taken.
 */
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { StreamId } from '../../src/datatypes/stream-id.ts';
import { FrozenKeyspace } from '../../src/keyspace/frozen-keyspace.ts';
import { FrozenArenaError } from '../../src/memory/frozen-arena.ts';
import { seeded } from '../datatypes/collections.ts';
import { InProcess } from '../harness/in-process.ts';
import { dumpKeyspace } from './dump-keyspace.ts';

const dist = new URL('../../dist/src/', import.meta.url).href;

/** The worker: opens what it is told and dumps it, twice, with time for writes in between. */
const program = `
  const { parentPort } = require('node:worker_threads');
  const dump = ${dumpKeyspace.toString()};
  parentPort.once('message', async (description) => {
    const { FrozenKeyspace } = await import('${dist}keyspace/frozen-keyspace.js');
    const { FrozenArena } = await import('${dist}memory/frozen-arena.js');
    const { StreamId } = await import('${dist}datatypes/stream-id.js');
    const arena = new FrozenArena(description.segments);
    parentPort.on('message', (part) => {
      if (part !== 'again' && !arena.add(part)) return;
      const space = new FrozenKeyspace(arena, description.roots);
      parentPort.postMessage(dump(space, () => new StreamId()));
    });
    parentPort.postMessage('ready');
  });
`;

const workers: Worker[] = [];
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()));
});

/** Commands of all types at a few keys: small and large values, times to live, moves. */
function randomCommand(random: () => number): string[] {
  const n = (max: number) => Math.floor(random() * max);
  const key = (type: string) => `${type}${n(8)}`;
  const many = (make: (i: number) => string[]) =>
    Array.from({ length: random() < 0.1 ? 400 : 3 }, (_, i) => make(i)).flat();
  const text = () => (random() < 0.05 ? 'x'.repeat(n(200_000)) : `text ${n(1000)}`);
  const commands: (() => string[])[] = [
    () => ['SET', key('string'), text()],
    () => ['SET', key('string'), text(), 'PX', '100000'],
    () => ['APPEND', key('string'), text()],
    () => ['HSET', key('hash'), ...many(() => [`f${n(900)}`, `v${n(99)}`])],
    () => ['HPEXPIRE', key('hash'), String(1000 + n(100_000)), 'FIELDS', '1', `f${n(900)}`],
    () => ['HDEL', key('hash'), ...many(() => [`f${n(900)}`])],
    () => ['SADD', key('set'), ...many(() => [`m${n(900)}`])],
    () => ['SADD', key('intset'), ...many(() => [String(n(100_000))])],
    () => ['SREM', key('set'), ...many(() => [`m${n(900)}`])],
    () => ['ZADD', key('zset'), ...many(() => [String(n(500)), `m${n(900)}`])],
    () => ['ZPOPMIN', key('zset'), String(n(20))],
    () => ['RPUSH', key('list'), ...many(() => [text()])],
    () => ['LPOP', key('list'), String(1 + n(50))],
    () => ['XADD', key('stream'), '*', 'a', text()],
    () => ['XTRIM', key('stream'), 'MAXLEN', String(n(200))],
    () => ['XREADGROUP', 'GROUP', 'g', `c${n(3)}`, 'COUNT', '5', 'STREAMS', key('stream'), '>'],
    () => ['PEXPIRE', key(['hash', 'set', 'zset', 'list'][n(4)]!), String(1000 + n(100_000))],
    () => ['DEL', key(['string', 'hash', 'set', 'zset', 'list', 'intset'][n(6)]!)],
    () => ['COPY', key('zset'), key('zset'), 'REPLACE'],
  ];
  return commands[n(commands.length)]!();
}

class World {
  readonly redis = new InProcess({ 'set-max-listpack-entries': '20' });
  readonly space = this.redis.server.keyspace;
  private readonly random = seeded(7);

  constructor() {
    for (let i = 0; i < 8; i++)
      this.redis.call('XGROUP', 'CREATE', `stream${i}`, 'g', '0', 'MKSTREAM');
  }

  write(commands: number): void {
    for (let i = 0; i < commands; i++) {
      try {
        this.redis.call(...randomCommand(this.random));
      } catch {
        // A wrong argument is an error reply: nothing was written.
      }
    }
  }
}

describe('FrozenKeyspace', () => {
  it('shows a worker thread the moment of the snapshot while writes go on', async () => {
    const world = new World();
    world.write(1500);
    const snapshot = world.space.snapshot();
    const here = FrozenKeyspace.open(snapshot.description());
    const expected = dumpKeyspace(here, () => new StreamId());
    expect(expected.length).toBeGreaterThan(40);
    const worker = new Worker(program, { eval: true });
    workers.push(worker);
    const answer = () =>
      new Promise<unknown>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    const ready = answer();
    worker.postMessage({ segments: snapshot.arena.segments, roots: snapshot.roots });
    world.write(300);
    await ready;
    for (let round = 0; round < 3; round++) {
      const dumped = answer();
      if (round > 0) worker.postMessage('again');
      else for (const part of snapshot.arena.parts()) worker.postMessage(part);
      world.write(600);
      expect(await dumped).toEqual(expected);
    }
    expect(snapshot.arena.heldBytes).toBeGreaterThan(0);
    await worker.terminate();
    snapshot.release();
    expect(world.space.arena.snapshotBytes).toBe(0);
  });

  it('cannot be written: what would write throws', () => {
    const world = new World();
    world.write(200);
    const snapshot = world.space.snapshot();
    const frozen = FrozenKeyspace.open(snapshot.description());
    const { tools } = frozen;
    expect(() => tools.dict.create()).toThrow(FrozenArenaError);
    expect(() => tools.listpack.create(16)).toThrow(FrozenArenaError);
    frozen.dbs[0]!.forEach((entry) => {
      expect(() => tools.arena.touch(entry)).toThrow(FrozenArenaError);
      expect(() => tools.arena.free(entry)).toThrow(FrozenArenaError);
    });
    snapshot.release();
  });

  it('access data goes on changing while a snapshot lives, and harms no reader of it', () => {
    const redis = new InProcess();
    const { keyspace } = redis.server;
    redis.call('SET', 'k', 'v');
    const snapshot = keyspace.snapshot();
    const frozen = FrozenKeyspace.open(snapshot.description());
    const before = dumpKeyspace(frozen, () => new StreamId());
    keyspace.nowMs += 100_000;
    const entry = keyspace.dbs[0]!.find(Buffer.from('k'), 0, 1);
    expect(keyspace.idleSeconds(entry)).toBe(100);
    redis.call('GET', 'k');
    expect(keyspace.idleSeconds(entry)).toBe(0);
    expect(dumpKeyspace(frozen, () => new StreamId())).toEqual(before);
    expect(keyspace.arena.snapshotBytes).toBe(0);
    snapshot.release();
  });
});
