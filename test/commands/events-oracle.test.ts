/**
 * What commands tell of their changes, against redis-server 7.0.15: after each line of a table the
 * same keyspace events in the same order, the same growth of rdb_changes_since_last_save and of
 * keyspace hits and misses.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { Connection } from '../harness/connection.ts';
import { closeAll, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { textOf } from '../harness/reply.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { eventGroups, type KnownDifference, knownDifferences } from './events-table.ts';

/** What one line has brought about. */
interface Effect {
  readonly line: string;
  /** `event key @database`. */
  events: string[];
  changes: number;
  hits: number;
  misses: number;
}

type Counts = Pick<Effect, 'changes' | 'hits' | 'misses'>;

/** A server with a table of commands to run, whatever it is. */
abstract class Subject {
  protected readonly main: Connection;
  private readonly blocking: Connection;

  constructor(main: Connection, blocking: Connection) {
    this.main = main;
    this.blocking = blocking;
  }

  /** The events since the call before. */
  protected abstract takeEvents(): Promise<string[]>;

  async run(table: string): Promise<Effect[]> {
    await this.main.text('FLUSHALL');
    await this.main.text('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await this.main.text('SET', 'tmp', 'v');
    const dumped = await this.main.call('DUMP', 'tmp');
    await this.main.text('DEL', 'tmp');
    const dump = 'bytes' in dumped ? dumped.bytes : '';
    await this.takeEvents();
    const effects: Effect[] = [];
    let before = await this.counts();
    for (const line of table.trim().split('\n')) {
      await this.step(line, dump);
      const events = await this.takeEvents();
      const after = await this.counts();
      effects.push({
        line,
        events,
        changes: after.changes - before.changes,
        hits: after.hits - before.hits,
        misses: after.misses - before.misses,
      });
      before = after;
    }
    return effects;
  }

  private async step(line: string, dump: string | Buffer): Promise<void> {
    const words = line.split(' ').map((word) => (word === '<dump>' ? dump : word));
    if (words[0] === 'R') await this.blocking.receive();
    else if (words[0] === 'B') {
      this.blocking.send(...words.slice(1));
      while ((await this.info('clients', 'blocked_clients')) !== 1);
    } else await this.main.call(...words);
  }

  private async info(section: string, field: string): Promise<number> {
    const text = await this.main.text('INFO', section);
    return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(text)?.[1]);
  }

  private async counts(): Promise<Counts> {
    return {
      changes: await this.info('persistence', 'rdb_changes_since_last_save'),
      hits: await this.info('stats', 'keyspace_hits'),
      misses: await this.info('stats', 'keyspace_misses'),
    };
  }

  close(): void {
    this.main.close();
    this.blocking.close();
  }
}

/** redis-server and a subscriber. */
class Oracle extends Subject {
  private readonly subscriber: Connection;

  private constructor(main: Connection, blocking: Connection, subscriber: Connection) {
    super(main, blocking);
    this.subscriber = subscriber;
  }

  static async open(port: number): Promise<Oracle> {
    const [main, blocking, subscriber] = await Promise.all([
      Connection.open(port),
      Connection.open(port),
      Connection.open(port),
    ]);
    await main.text('CONFIG', 'SET', 'notify-keyspace-events', 'EAmn');
    await subscriber.call('PSUBSCRIBE', '__keyevent@*', 'end');
    await subscriber.receive();
    return new Oracle(main, blocking, subscriber);
  }

  protected async takeEvents(): Promise<string[]> {
    await this.main.text('PUBLISH', 'end', '');
    const events: string[] = [];
    for (;;) {
      const { reply } = await this.subscriber.receive();
      if (!('items' in reply)) throw new Error('not a message');
      const [, , channel, key] = reply.items.map((item) => textOf(item) ?? '');
      if (channel === 'end') return events;
      const [, db, event] = /^__keyevent@(\d+)__:(.*)$/.exec(channel!)!;
      events.push(`${event} ${key} @${db}`);
    }
  }

  override close(): void {
    super.close();
    this.subscriber.close();
  }
}

/** A server in this process, and what its keyspace tells. */
class Ours extends Subject {
  private events: string[] = [];

  private constructor(main: Connection, blocking: Connection, server: Server) {
    super(main, blocking);
    server.keyspace.changes.events = {
      happened: (dbIndex, event, key, off, len) => {
        const name = Buffer.from(key.subarray(off, off + len)).toString('latin1');
        if (event !== '') this.events.push(`${event} ${name} @${dbIndex}`);
      },
    };
  }

  static async open(server: Server): Promise<Ours> {
    const main = await Connection.open(server.port);
    return new Ours(main, await Connection.open(server.port), server);
  }

  protected async takeEvents(): Promise<string[]> {
    const { events } = this;
    this.events = [];
    return events;
  }
}

describeWithOracle('the effects of commands', () => {
  let process: ServerProcess;
  let oracle: Oracle;
  let ours: Ours;

  beforeAll(async () => {
    process = await startOracle();
    oracle = await Oracle.open(process.port);
    ours = await Ours.open(await startServer({ 'enable-debug-command': 'yes' }));
  });

  afterAll(async () => {
    oracle.close();
    ours.close();
    await closeAll();
    await process.stop();
  });

  const needed = new Set<KnownDifference>();

  for (const [group, table] of Object.entries(eventGroups)) {
    it(group, async () => {
      const expected = await oracle.run(table);
      const found = await ours.run(table);
      for (const [i, effect] of expected.entries()) {
        for (const known of knownDifferences) {
          if (!known.group.test(group) || !known.line.test(effect.line)) continue;
          if (excuse(known.what, effect, found[i]!)) needed.add(known);
        }
      }
      expect(found.map(show)).toEqual(expected.map(show));
    });
  }

  it('every known difference is there', () => {
    expect(knownDifferences.filter((known) => !needed.has(known))).toEqual([]);
  });
});

/** Leaves out of both effects what they are known to differ in; whether they did. */
function excuse(what: string, a: Effect, b: Effect): boolean {
  if (what === 'changes' || what === 'hits' || what === 'misses') {
    const differ = a[what] !== b[what];
    b[what] = a[what];
    return differ;
  }
  const before = [a.events.length, b.events.length];
  for (const effect of [a, b]) {
    effect.events = effect.events.filter((event) => !event.startsWith(`${what} `));
  }
  return a.events.length - before[0]! !== b.events.length - before[1]!;
}

/** One line, for a report that shows a difference at a glance. */
function show({ line, events, changes, hits, misses }: Effect): string {
  const counts = `${changes} changes, ${hits} hits, ${misses} misses`;
  return `${line}: ${[...events, counts].join(', ')}`;
}
