/**
 * EXEC is all or nothing, and nobody sees half of it: random transactions of several clients, with
 * errors at queueing, errors at run time and watched keys, beside readers.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { encodeCommand, format, type Reply } from '../harness/reply.ts';
import { startRespite } from '../harness/respite.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { Random } from './random.ts';
import {
  type Data,
  execute,
  INITIAL,
  PREPARE,
  READ,
  readData,
  skipUnlessTransactions,
  texts,
  VERSION,
} from './transactions.ts';

const full = process.env['RESPITE_FULL'] === '1';
const RUNS = full ? 3_000 : 40;
const TRANSFERS = full ? 50_000 : 1_000;
const WRITERS = 4;

type Argv = readonly string[];

interface Transaction {
  readonly commands: readonly Argv[];
  /** Watched from before MULTI. */
  readonly watch: readonly string[];
  /** What another client does between WATCH and MULTI. */
  readonly between: readonly Argv[];
  /** A command that cannot be queued, and its place. */
  readonly refused: { readonly argv: Argv; readonly at: number } | undefined;
  readonly discard: boolean;
  /** Sent at once, or each command after the reply to the one before. */
  readonly pipelined: boolean;
}

const delta = fc.integer({ min: -9, max: 9 }).map((n) => String(n || 10));
const part = fc.constantFrom('a', 'b');
const member = fc.constantFrom('x', 'y', 'z');

function argvOf(...words: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<Argv> {
  return fc.tuple(...words.map((word) => (typeof word === 'string' ? fc.constant(word) : word)));
}

/** All can be queued; the last ones end in an error. */
const command = fc.oneof(
  argvOf('INCRBY', fc.constantFrom('counter', 'other'), delta),
  argvOf('MSET', 'counter', delta, 'other', delta),
  argvOf('HINCRBY', 'hash', part, delta),
  argvOf('ZINCRBY', 'zset', delta, part),
  argvOf('RPUSH', 'list', member),
  argvOf('LMOVE', 'list', 'list', 'LEFT', 'RIGHT'),
  argvOf(fc.constantFrom('SADD', 'SREM'), 'set', member),
  argvOf('INCRBY', fc.constantFrom('hash', 'zset', 'list', 'set'), delta),
  argvOf('RPUSH', fc.constantFrom('counter', 'hash', 'zset', 'set'), member),
  argvOf('HINCRBY', 'hash', 'text', delta),
);
const commands = fc.array(command, { minLength: 1, maxLength: 8 });

const transaction: fc.Arbitrary<Transaction> = fc.record({
  commands,
  watch: fc.uniqueArray(
    fc.constantFrom(VERSION, 'counter', 'other', 'hash', 'zset', 'list', 'set'),
    { maxLength: 2 },
  ),
  between: fc.oneof(fc.constant([]), commands),
  refused: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    fc.record({
      argv: fc.constantFrom<Argv>(['NOSUCHCOMMAND', 'x'], ['GET'], ['SET', 'counter']),
      at: fc.nat(8),
    }),
  ),
  discard: fc.constantFrom(false, false, false, false, true),
  pipelined: fc.boolean(),
});

/** What happened in one run. */
interface Log {
  readonly committed: {
    readonly version: number;
    readonly commands: readonly Argv[];
    readonly replies: readonly string[];
    readonly watch: readonly string[];
    /** The version when the keys were watched already. */
    readonly since: number;
  }[];
  /** Somebody must have touched a key after version `from`, by version `to`. */
  readonly aborted: { readonly watch: readonly string[]; readonly from: number; to: number }[];
  readonly snapshots: Data[];
  /** Of VERSION, counter and other, read by one MGET. */
  readonly glimpses: number[][];
}

const PLAIN = { watch: [], between: [], refused: undefined, discard: false, pipelined: true };

class Writer {
  private readonly connection: Connection;
  /** Who comes between WATCH and MULTI. */
  private readonly other: Connection;
  private readonly log: Log;

  constructor(connection: Connection, other: Connection, log: Log) {
    this.connection = connection;
    this.other = other;
    this.log = log;
  }

  async run(transaction: Transaction): Promise<void> {
    const { watch, between, refused, discard } = transaction;
    const from = watch.length > 0 ? await this.version() : 0;
    if (watch.length > 0) await this.connection.text('WATCH', ...watch);
    const since = watch.length > 0 ? await this.version() : 0;
    if (between.length > 0) {
      await new Writer(this.other, this.other, this.log).run({ ...PLAIN, commands: between });
    }
    const queue: Argv[] = [['INCR', VERSION], ...transaction.commands];
    if (refused !== undefined) queue.splice(refused.at, 0, refused.argv);
    const replies = await this.send(
      [['MULTI'], ...queue, [discard ? 'DISCARD' : 'EXEC']],
      transaction.pipelined,
    );
    const last = replies.pop()!;
    const answers = queue.map((argv) => (argv === refused?.argv ? 'error' : 'simple'));
    expect(replies.map(({ kind }) => kind)).toEqual(['simple', ...answers]);

    if (discard) expect(format(last)).toBe('OK');
    else if (refused !== undefined) expect(format(last)).toMatch(/^\(error\) EXECABORT /);
    else if (last.kind === 'null-array') {
      this.log.aborted.push({ watch, from, to: await this.version() });
    } else {
      expect(last.kind).toBe('array');
      const shown = 'items' in last ? last.items.map((item) => format(item)) : [];
      const version = Number(/^\(integer\) (\d+)$/.exec(shown[0] ?? '')?.[1]);
      this.log.committed.push({ version, commands: queue, replies: shown, watch, since });
    }
  }

  private async send(lines: readonly Argv[], pipelined: boolean): Promise<Reply[]> {
    const replies: Reply[] = [];
    if (pipelined) this.connection.write(Buffer.concat(lines.map(encodeCommand)));
    for (const argv of lines) {
      if (!pipelined) this.connection.send(...argv);
      replies.push((await this.connection.receive()).reply);
    }
    return replies;
  }

  private async version(): Promise<number> {
    return Number(await this.connection.text('GET', VERSION));
  }
}

async function snapshot(connection: Connection): Promise<Data> {
  connection.write(Buffer.concat([['MULTI'], ...READ, ['EXEC']].map(encodeCommand)));
  for (let i = 0; i <= READ.length; i++) await connection.receive();
  const { reply } = await connection.receive();
  expect(reply.kind, 'EXEC without WATCH').toBe('array');
  return readData('items' in reply ? reply.items : []);
}

/** The same without MULTI, so that others come between. */
async function brokenSnapshot(connection: Connection): Promise<Data> {
  const replies: Reply[] = [];
  for (const argv of READ) replies.push(await connection.call(...argv));
  return readData(replies);
}

async function glimpse(connection: Connection): Promise<number[]> {
  return texts(await connection.call('MGET', VERSION, 'counter', 'other')).map(Number);
}

/** Runs the transactions of all writers at once, readers beside them. */
async function perform(
  port: number,
  scripts: readonly (readonly Transaction[])[],
  read = snapshot,
): Promise<Log> {
  const log: Log = { committed: [], aborted: [], snapshots: [], glimpses: [] };
  const open: Connection[] = [];
  const connect = async () => {
    const connection = await Connection.open(port);
    open.push(connection);
    return connection;
  };
  try {
    const reader = await connect();
    for (const argv of PREPARE) await reader.text(...argv);
    const writers: Writer[] = [];
    for (let i = 0; i < scripts.length; i++) {
      writers.push(new Writer(await connect(), await connect(), log));
    }
    let done = false;
    const readAll = async () => {
      while (!done) log.snapshots.push(await read(reader));
    };
    const mget = await connect();
    const readSome = async () => {
      while (!done) log.glimpses.push(await glimpse(mget));
    };
    const write = Promise.all(
      scripts.map(async (script, i) => {
        for (const transaction of script) await writers[i]!.run(transaction);
      }),
    ).finally(() => {
      done = true;
    });
    await Promise.all([write, readAll(), readSome()]);
    log.snapshots.push(await read(reader));
    return log;
  } finally {
    for (const connection of open) connection.close();
  }
}

/** Repeats the transactions in the order of their versions; everybody must have seen the same. */
function verify({ committed, aborted, snapshots, glimpses }: Log): void {
  const states = [INITIAL];
  const touched = [new Set<string>()];
  for (const [i, one] of committed.sort((a, b) => a.version - b.version).entries()) {
    expect(one.version, 'every transaction counts one').toBe(i + 1);
    let data = states[i]!;
    const keys = new Set<string>();
    const replies: string[] = [];
    for (const argv of one.commands) {
      const outcome = execute(data, argv);
      data = outcome.data;
      replies.push(outcome.reply);
      for (const key of outcome.touched) keys.add(key);
    }
    expect(one.replies, `replies of transaction ${one.version}`).toEqual(replies);
    states.push(data);
    touched.push(keys);
  }
  const touchedIn = (watch: readonly string[], from: number, to: number) =>
    touched.slice(from, to).some((keys) => watch.some((key) => keys.has(key)));

  for (const { watch, since, version } of committed) {
    expect(touchedIn(watch, since + 1, version), `EXEC ${version} despite ${watch}`).toBe(false);
  }
  for (const { watch, from, to } of aborted) {
    expect(touchedIn(watch, from + 1, to + 1), `EXEC refused, watching ${watch}`).toBe(true);
  }
  for (const data of snapshots) expect(data).toEqual(states[data.numbers[VERSION]!]);
  for (const seen of glimpses) {
    const { counter, other } = states[seen[0]!]!.numbers;
    expect(seen.slice(1), `MGET at version ${seen[0]}`).toEqual([counter, other]);
  }
  expect(snapshots.at(-1)!.numbers[VERSION]).toBe(committed.length);
}

/** Random transactions; answers what they were, so that no kind is missing unnoticed. */
async function explore(port: number, numRuns: number, read = snapshot) {
  const counts = { committed: 0, aborted: 0, snapshots: 0, glimpses: 0, errors: 0 };
  const script = fc.array(transaction, { minLength: 1, maxLength: 8, size: 'max' });
  const scripts = fc.array(script, { minLength: 1, maxLength: WRITERS, size: 'max' });
  await fc.assert(
    fc.asyncProperty(scripts, async (all) => {
      const log = await perform(port, all, read);
      verify(log);
      counts.committed += log.committed.length;
      counts.aborted += log.aborted.length;
      counts.snapshots += log.snapshots.length;
      counts.glimpses += log.glimpses.length;
      const replies = log.committed.flatMap((one) => one.replies);
      counts.errors += replies.filter((text) => text.startsWith('(error)')).length;
    }),
    // Another run of the same transactions is another run: shrinking would show little.
    { numRuns, endOnFailure: true, includeErrorInReport: true },
  );
  return counts;
}

const ACCOUNTS = ['account:0', 'account:1', 'account:2', 'account:3', 'account:4'];
const EQUALS = ['equal:0', 'equal:1', 'equal:2'];
const BALANCE = 100;

/** A payment that the account can afford; somebody else may come first, and then it is none. */
async function transfer(connection: Connection, random: Random): Promise<boolean> {
  const [from, to] = [random.pick(ACCOUNTS), random.pick(ACCOUNTS)];
  await connection.text('WATCH', from);
  const balance = Number(await connection.text('GET', from));
  const amount = String(1 + random.below(BALANCE));
  connection.send('MULTI');
  connection.send('DECRBY', from, amount);
  connection.send('INCRBY', to, amount);
  connection.send(balance < Number(amount) ? 'DISCARD' : 'EXEC');
  for (let i = 0; i < 3; i++) await connection.receive();
  return (await connection.receive()).reply.kind === 'array';
}

/** Answers how many transfers there were. */
async function runTransfers(port: number, count: number): Promise<number> {
  const [reader, ...writers] = await Promise.all(
    Array.from({ length: 9 }, () => Connection.open(port)),
  );
  await reader!.text('MSET', ...[...ACCOUNTS, ...EQUALS].flatMap((key) => [key, String(BALANCE)]));
  let [started, succeeded] = [0, 0];
  const write = async (connection: Connection, seed: number) => {
    const random = new Random(seed);
    while (started++ < count) {
      if (await transfer(connection, random)) succeeded++;
      const value = String(random.below(1_000_000));
      await connection.text('MSET', ...EQUALS.flatMap((key) => [key, value]));
      // Half a transfer that is never to be.
      const gone = await Connection.open(port);
      gone.send('MULTI');
      gone.send('INCRBY', ACCOUNTS[0]!, '1000');
      gone.close();
    }
  };
  const read = async () => {
    while (started < count) {
      const balances = texts(await reader!.call('MGET', ...ACCOUNTS)).map(Number);
      expect(balances.reduce((a, b) => a + b)).toBe(ACCOUNTS.length * BALANCE);
      expect(Math.min(...balances)).toBeGreaterThanOrEqual(0);
      expect(new Set(texts(await reader!.call('MGET', ...EQUALS))).size).toBe(1);
    }
  };
  await Promise.all([read(), ...writers.map(write)]);
  for (const connection of [reader!, ...writers]) connection.close();
  return succeeded;
}

describe('EXEC', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startRespite();
  });
  afterAll(async () => {
    await server.stop('SIGKILL');
  });

  it('runs all commands or none, and nobody else in between', async (context) => {
    await skipUnlessTransactions(context, server.port);
    const counts = await explore(server.port, RUNS);
    for (const [what, count] of Object.entries(counts)) {
      expect(count, what).toBeGreaterThan(RUNS / 2);
    }
  });

  it('is what readers miss that do without', async (context) => {
    await skipUnlessTransactions(context, server.port);
    await expect(explore(server.port, RUNS, brokenSnapshot)).rejects.toThrow(/to deeply equal/);
  });

  it('keeps sums and equalities that MGET sees', async (context) => {
    await skipUnlessTransactions(context, server.port);
    expect(await runTransfers(server.port, TRANSFERS)).toBeGreaterThan(TRANSFERS / 20);
  });
});

describeWithOracle('EXEC of the oracle', () => {
  it('does so, too: the test asks for nothing else', async () => {
    await using oracle = await startOracle();
    await explore(oracle.port, 5);
    await runTransfers(oracle.port, 100);
  });
});
