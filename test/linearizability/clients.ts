/**
 * Concurrent clients of a real server, with a record of all they did. One process runs them all,
 * so a counter is the clock: it never stands still and never gives two events the same time.
 */
import { Connection } from '../harness/connection.ts';
import { type Reply, textOf } from '../harness/reply.ts';
import type { Action, Operation, Result } from './checker.ts';
import { isList, randomAction, STRIDE } from './good-histories.ts';
import { Random } from './random.ts';

export interface RecordOptions {
  readonly port: number;
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: readonly string[];
  /** How many in ten operations on registers are compare-and-set. */
  readonly casInTen: number;
  /** Stops the whole server process for some milliseconds, now and then. */
  readonly stall?: () => Promise<void>;
}

/** One operation in so many ends with its connection instead of a reply. */
const KILL_ONE_IN = 80;
const PAUSE_ONE_IN = 40;
const PAUSE_MS_MAX = 3;
/** So often in a history the server is stopped. */
const STALLS = 2;

/** Runs the clients on keys that no other history uses; answers what happened. */
export async function recordHistory(options: RecordOptions): Promise<readonly Operation[]> {
  const shared: Shared = { history: [], clock: 0, started: 0, unique: 0, options };
  const clients = Array.from({ length: options.clients }, (_, i) => new Client(i, shared));
  const all = Promise.all(clients.map((client) => client.run()));
  for (let i = 1; i <= STALLS && options.stall !== undefined; i++) {
    const due = (i * options.operations) / (STALLS + 1);
    while (shared.started < due) await Promise.race([pause(1), all]);
    await options.stall();
  }
  await all;
  return shared.history;
}

interface Shared {
  readonly options: RecordOptions;
  readonly history: Operation[];
  clock: number;
  started: number;
  unique: number;
}

class Client {
  private id: number;
  private readonly shared: Shared;
  private readonly random: Random;
  private connection!: Connection;

  constructor(id: number, shared: Shared) {
    this.id = id;
    this.shared = shared;
    this.random = new Random(shared.options.seed * 1000 + id);
  }

  async run(): Promise<void> {
    const { keys, operations, port, casInTen } = this.shared.options;
    this.connection = await Connection.open(port);
    while (this.shared.started < operations) {
      const key = this.random.pick(keys);
      await this.maybePause();
      if (!isList(key) && this.random.below(10) < casInTen) await this.compareAndSet(key);
      else await this.operation(key, randomAction(this.random, key, ++this.shared.unique));
    }
    this.connection.close();
  }

  /**
   * Answers the reply, or undefined when the connection was ended before it. So many replies to
   * what was sent `earlier` are due first.
   */
  private async operation(
    key: string,
    action: Action,
    earlier = 0,
    watch?: Operation['watch'],
  ): Promise<Result | undefined> {
    const { shared, id: client } = this;
    shared.started++;
    const shape = { client, key, action, call: ++shared.clock, ...(watch && { watch }) };
    this.send(key, action);
    if (this.random.oneIn(KILL_ONE_IN)) {
      shared.history.push({ ...shape, end: Infinity });
      await this.die();
      return undefined;
    }
    for (let i = 0; i < earlier; i++) await this.receive();
    const result = resultOf(action, await this.receive());
    shared.history.push({ ...shape, result, end: ++shared.clock });
    return result;
  }

  private send(key: string, action: Action): void {
    if (action[0] === 'CAS') this.connection.send('EXEC');
    else if (action[0] === 'LRANGE') this.connection.send('LRANGE', key, '0', '-1');
    else this.connection.send(action[0], key, ...action.slice(1).map(String));
  }

  private async compareAndSet(key: string): Promise<void> {
    const { shared, connection } = this;
    const call = ++shared.clock;
    connection.send('WATCH', key);
    const atOnce = this.random.oneIn(2);
    if (!atOnce) await this.receive();
    let end = ++shared.clock;
    if (!atOnce) await this.maybePause();
    const expected = await this.operation(key, ['GET'], Number(atOnce));
    if (expected === undefined) return;
    if (atOnce) end = ++shared.clock;
    const watch = { call, end };
    await this.maybePause();
    const value = String(++shared.unique * STRIDE);
    connection.send('MULTI');
    connection.send('SET', key, value);
    await this.maybePause();
    // Gone before EXEC: as no operation is recorded, nobody may ever see the value.
    if (this.random.oneIn(KILL_ONE_IN)) await this.die();
    else await this.operation(key, ['CAS', expected, value], 2, watch);
  }

  /** Hangs up, with what was sent perhaps executed, perhaps not, and comes back as another. */
  private async die(): Promise<void> {
    await this.maybePause();
    this.connection.close();
    this.id += this.shared.options.clients;
    this.connection = await Connection.open(this.shared.options.port);
  }

  private async receive(): Promise<Reply> {
    return (await this.connection.receive()).reply;
  }

  private async maybePause(): Promise<void> {
    if (this.random.oneIn(PAUSE_ONE_IN)) await pause(this.random.below(PAUSE_MS_MAX + 1));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function resultOf(action: Action, reply: Reply): Result {
  if (reply.kind === 'error') throw new Error(`${action.join(' ')}: ${textOf(reply)}`);
  if (!('items' in reply)) return textOf(reply) ?? null;
  const texts = reply.items.map((item) => textOf(item) ?? '(nil)');
  return action[0] === 'CAS' ? texts.join(' ') : texts.map((text) => `${text},`).join('');
}
