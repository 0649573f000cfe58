/**
 * What commands tell of their changes that redis-server 7.0.15 does not know: keyspace events as a
 * subscriber gets them, and the growth of rdb_changes_since_last_save. The others are compared with
 * redis-server itself (events-oracle.test.ts).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { textOf } from '../harness/reply.ts';
import { additionEvents } from './events-additions.ts';

const NOW = 1_700_000_000_000;

let server: Server;
let client: Connection;
let subscriber: Connection;

beforeAll(async () => {
  server = await startServer({ 'notify-keyspace-events': 'EA' }, { now: () => NOW });
  client = await connectTo(server);
  subscriber = await connectTo(server);
  await subscriber.call('PSUBSCRIBE', '__keyevent@0__:*', 'end');
  await subscriber.receive();
});
afterAll(closeAll);

/** The events since the call before, as `event key`. */
async function takeEvents(): Promise<string[]> {
  await client.call('PUBLISH', 'end', '');
  const events: string[] = [];
  for (;;) {
    const { reply } = await subscriber.receive();
    const [, , channel, key] = 'items' in reply ? reply.items.map((item) => textOf(item)) : [];
    if (channel === 'end') return events;
    events.push(`${channel!.replace('__keyevent@0__:', '')} ${key}`);
  }
}

describe('the events of additions', () => {
  it.each(additionEvents)('after %j, %s', async (before, command, expected) => {
    await client.text('FLUSHALL');
    for (const line of before === '' ? [] : before.split('; ')) {
      await client.text(...line.split(' '));
    }
    await takeEvents();
    const { changes } = server.keyspace;
    const made = changes.dirty;
    const reply = await client.call(...command.split(' '));
    expect(reply.kind).not.toBe('error');
    const told = [...(await takeEvents()), `${changes.dirty - made} changes`];
    expect(told.join(', ')).toBe(expected);
  });
});
