/**
 * What the tests of streams' additions share: a server with a clock that stands still, and lines that
 * are sent and expected.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import type { Reply } from '../harness/reply.ts';
import { splitWords } from '../harness/script.ts';

export const START = 1_000_000_000_000;
export const INVALID_ID = 'ERR Invalid stream ID specified as stream command argument';
export const INT_MAX = '9223372036854775807';

/** The server's clock. */
export const clock = { nowMs: START };
export let server: Server;
export let connection: Connection;
/** Keyspace events since the test began. */
export const events: string[] = [];

/** Gives the tests of a file a server of their own; each begins on empty data. */
export function useStreamServer(): void {
  beforeAll(async () => {
    server = await startServer({ 'enable-debug-command': 'yes' }, { now: () => clock.nowMs });
    connection = await connectTo(server);
    server.keyspace.changes.events = {
      happened: (_db, event, key, off, len) => {
        if (event === 'new' || event === 'keymiss') return;
        events.push(`${event} ${Buffer.from(key.subarray(off, off + len)).toString()}`);
      },
    };
  });
  afterAll(closeAll);
  beforeEach(async () => {
    clock.nowMs = START;
    server.resetData();
    await replies('HELLO 2', 'CONFIG SET stream-node-max-entries 100');
    events.length = 0;
  });
  afterEach(() => {
    const { keyspace } = server;
    const [db] = keyspace.dbs;
    for (const key of ['s', 's2', 'copy']) {
      const entry = db!.find(Buffer.from(key), 0, key.length);
      if (entry === 0 || db!.typeOf(entry) !== keyspace.streams.type) continue;
      db!.open(entry, keyspace.streams);
      keyspace.streams.checkInvariants();
    }
  });
}

/** Texts as they are, integers with a colon, `[…]` for aggregates. */
export function show(reply: Reply): string {
  if ('items' in reply) return `[${reply.items.map(show).join(' ')}]`;
  if (!('bytes' in reply)) return 'nil';
  const text = reply.bytes.toString('latin1');
  if (reply.kind === 'integer') return `:${text}`;
  return text === '' ? '""' : text;
}

export async function call(line: string): Promise<string> {
  connection.send(...splitWords(line)!);
  return show((await connection.receive()).reply);
}

/** Sends lines one by one; the replies as `show` has them. */
export async function replies(...lines: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const line of lines) found.push(await call(line));
  return found;
}

/** Sends lines and expects the reply beside each. */
export async function expectReplies(...pairs: [line: string, reply: string][]): Promise<void> {
  const found = await replies(...pairs.map(([line]) => line));
  expect(pairs.map(([line], i) => [line, found[i]])).toEqual(pairs);
}

/** Sends lines that must change nothing and expects the error beside each. */
export async function expectErrors(...pairs: [line: string, reply: string][]): Promise<void> {
  const before = await call('DEBUG DIGEST');
  const { dirty } = server.keyspace.changes;
  events.length = 0;
  await expectReplies(...pairs);
  expect(await call('DEBUG DIGEST')).toBe(before);
  expect(server.keyspace.changes.dirty).toBe(dirty);
  expect(events).toEqual([]);
}

export const arity = (name: string) => `ERR wrong number of arguments for '${name}' command`;

/** A stream of entries 1-0 to n-0 whose group g has all of them pending with consumer c. */
export async function streamWithGroup(n: number, key = 's'): Promise<void> {
  for (let i = 1; i <= n; i++) await call(`XADD ${key} ${i}-0 f v${i}`);
  await replies(`XGROUP CREATE ${key} g 0`, `XREADGROUP GROUP g c STREAMS ${key} >`);
  events.length = 0;
}
