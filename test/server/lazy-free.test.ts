/**
 * Large collections are freed in slices, whatever removes them: nobody waits for it, and all memory
 * comes back. They are filled through the cursors: a million elements would keep a client too long.
 * Used bytes are those of the arena: the heap of times to live keeps a page.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamId } from '../../src/datatypes/stream-id.ts';
import type { Keyspace } from '../../src/keyspace/keyspace.ts';
import type { Server } from '../../src/server/server.ts';
import { Args } from '../../src/util/args.ts';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';

const ELEMENTS = process.env['RESPITE_FULL'] === '1' ? 1_000_000 : 500_000;
/** Longest time in which nothing else may run; a slice has 2 ms. */
const STALL_MS = 20;
/** What is long past any time to live here. */
const FAR_FUTURE_MS = 4_000_000_000_000;

/** Calls `add` with ever other 12 bytes; the buffer is always the same. */
function each(add: (text: Buffer) => void): void {
  const text = Buffer.from('elem:0000000');
  for (let n = 0; n < ELEMENTS; n++) {
    let i = text.length - 1;
    while (text[i] === 57) text[i--] = 48;
    text[i]!++;
    add(text);
  }
}

function fillHash({ hashes, dbs }: Keyspace, key: Args): void {
  hashes.create();
  dbs[0]!.addValue(key, 0, hashes);
  each((text) => hashes.set(text, 0, text.length, text, 0, 8));
}

function fillSet({ sets, dbs }: Keyspace, key: Args): void {
  sets.createFor(key.buf, key.off[0]!, key.len[0]!);
  dbs[0]!.addValue(key, 0, sets);
  each((text) => sets.add(text, 0, text.length));
}

function fillZset({ zsets, dbs }: Keyspace, key: Args): void {
  zsets.create();
  dbs[0]!.addValue(key, 0, zsets);
  let score = 0;
  each((text) => zsets.insert(text, 0, text.length, score++));
}

function fillList({ lists, dbs }: Keyspace, key: Args): void {
  lists.create();
  dbs[0]!.addValue(key, 0, lists);
  // The last digit comes first: nodes keep once what their texts begin with.
  const turned = Buffer.alloc(12);
  each((text) => {
    turned[0] = text[text.length - 1]!;
    text.copy(turned, 1, 0, text.length - 1);
    lists.push(true, turned, 0, turned.length);
  });
}

function fillStream({ streams, dbs }: Keyspace, key: Args): void {
  streams.create();
  dbs[0]!.addValue(key, 0, streams);
  const id = new StreamId();
  const fields = Args.of('field', 'value');
  each(() => {
    id.increment();
    streams.append(id, fields, 0, 2);
  });
}

const fillers = {
  hash: fillHash,
  set: fillSet,
  zset: fillZset,
  list: fillList,
  stream: fillStream,
};

/** Half of the fields expire some day. */
function fillExpiringHash(space: Keyspace, key: Args): void {
  const { hashes } = space;
  const db = space.dbs[0]!;
  hashes.create();
  const entry = db.addValue(key, 0, hashes);
  let n = 0;
  each((text) => {
    hashes.set(text, 0, text.length, text, 0, 8);
    if (++n % 2 === 0 && hashes.find(text, 0, text.length)) hashes.setExpiry(FAR_FUTURE_MS + n);
  });
  db.fieldsChanged(entry, hashes);
}

/** The longest time that the event loop was kept, from `start` to `stop`. */
class LoopWatch {
  private worst = 0;
  private running = true;
  private since = performance.now();
  private cpu = cpuMs();

  constructor() {
    setImmediate(this.turn);
  }

  stop(): number {
    this.look();
    this.running = false;
    return this.worst;
  }

  private readonly turn = (): void => {
    if (!this.running) return;
    this.look();
    setImmediate(this.turn);
  };

  /** Another process may have had the processor: what this one used of it counts. */
  private look(): void {
    const now = performance.now();
    const cpu = cpuMs();
    this.worst = Math.max(this.worst, Math.min(now - this.since, cpu - this.cpu));
    this.since = now;
    this.cpu = cpu;
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let server: Server;
let client: Connection;

beforeAll(async () => {
  server = await startServer({
    'lazyfree-lazy-user-del': 'yes',
    'lazyfree-lazy-server-del': 'yes',
    'lazyfree-lazy-expire': 'yes',
  });
  client = await connectTo(server);
  // Compiled by now: the first removal is not to pay for that.
  await client.text('PING');
});

afterAll(closeAll);

type Fill = (space: Keyspace, key: Args) => void;

/** Fills the key `k` and runs commands that leave so many keys. Returns the longest stall. */
async function stallOf(fill: Fill, keysLeft: number, commands: string[][]): Promise<number> {
  const { arena, dbs } = server.keyspace;
  const before = arena.usedBytes;
  fill(server.keyspace, Args.of('k'));
  expect(arena.usedBytes - before).toBeGreaterThan(ELEMENTS * 10);
  const watch = new LoopWatch();
  for (const argv of commands) await client.text(...argv);
  const isDone = () => !server.keyspace.hasGarbage && dbs[0]!.size === keysLeft;
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
  const stall = watch.stop();
  await client.text('FLUSHALL', 'SYNC');
  expect(arena.usedBytes).toBe(before);
  return stall;
}

/** What was removed is freed without a stall. On a busy machine the best of three counts. */
async function expectFreed(fill: Fill, keysLeft: number, ...commands: string[][]): Promise<void> {
  let stall = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 3 && stall >= STALL_MS; tries++) {
    stall = Math.min(stall, await stallOf(fill, keysLeft, commands));
  }
  expect(stall).toBeLessThan(STALL_MS);
}

describe('a collection of a million elements', () => {
  for (const [type, fill] of Object.entries(fillers)) {
    it(`UNLINK of a ${type}`, () => expectFreed(fill, 0, ['UNLINK', 'k']));
  }

  it('UNLINK of a hash whose fields expire', () =>
    expectFreed(fillExpiringHash, 0, ['UNLINK', 'k']));

  it('DEL', () => expectFreed(fillHash, 0, ['DEL', 'k']));

  it('expiry by the active cycle', () => expectFreed(fillSet, 0, ['PEXPIRE', 'k', '1']));

  it('SET over it', () => expectFreed(fillZset, 1, ['SET', 'k', 'v']));

  it('RENAME over it', () =>
    expectFreed(fillList, 1, ['SET', 'other', 'v'], ['RENAME', 'other', 'k']));

  it('SUNIONSTORE over it', () =>
    expectFreed(fillStream, 2, ['SADD', 'other', '1'], ['SUNIONSTORE', 'k', 'other']));

  it('FLUSHALL ASYNC with some of them', () => {
    const fill: Fill = (space) => {
      fillZset(space, Args.of('zset'));
      fillList(space, Args.of('list'));
      fillStream(space, Args.of('stream'));
    };
    return expectFreed(fill, 0, ['FLUSHALL', 'ASYNC']);
  });
});
