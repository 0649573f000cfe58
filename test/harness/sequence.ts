/**
 * Runs one random sequence against two servers, pipelined, from an empty data set, and compares
 * every reply and at the end the data.
 */
import { sameReplies } from './compare.ts';
import { Connection } from './connection.ts';
import { type AllowedDifference, findAllowed, type Pair } from './differential.ts';
import { encodeCommand, format, quote } from './reply.ts';
import type { Comparison } from './script.ts';

export interface SequenceCommand {
  readonly argv: readonly string[];
  readonly comparison: Comparison;
}

export interface SequenceOptions {
  readonly allowed?: readonly AllowedDifference[];
  /** Checks at the end of a sequence, in the database where it ended. */
  readonly closing?: readonly SequenceCommand[];
  /** Whether DEBUG DIGEST is compared (true). */
  readonly digest?: boolean;
}

export interface SequenceDifference {
  /** Index of the command; past the end of the sequence it is one of the closing checks. */
  readonly index: number;
  readonly text: string;
  readonly ours: string;
  readonly oracle: string;
}

/** A line as in redis-cli. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((arg) => (/^[\w*?.+-]+$/.test(arg) ? arg : quote(Buffer.from(arg, 'latin1'))))
    .join(' ');
}

export class SequenceRunner {
  commandsSent = 0;
  private readonly pair: Pair;
  private readonly allowed: readonly AllowedDifference[];
  private readonly closing: readonly SequenceCommand[];
  private readonly open = new Map<2 | 3, readonly Connection[]>();

  /** `keys` are read out at the end of every sequence, and `options.closing` asked of them. */
  constructor(pair: Pair, keys: readonly string[], options: SequenceOptions = {}) {
    this.pair = pair;
    this.allowed = options.allowed ?? [];
    const names = [...new Set(keys)];
    const checks = [
      ...names.flatMap((key) => [
        ['PEXPIRETIME', key],
        ['OBJECT', 'ENCODING', key],
      ]),
      // Reading every key removes those that are over: the digest and DBSIZE count them.
      ...['0', '1', '15'].flatMap((db) => [['SELECT', db], ['MGET', ...names], ['DBSIZE']]),
      ...(options.digest === false ? [] : [['DEBUG', 'DIGEST']]),
    ];
    this.closing = [
      ...(options.closing ?? []),
      ...checks.map((argv) => ({ argv, comparison: { kind: 'exact' } as const })),
    ];
  }

  /** The first difference, or undefined. */
  async run(
    commands: readonly SequenceCommand[],
    protocol: 2 | 3,
  ): Promise<SequenceDifference | undefined> {
    const both = await this.connections(protocol);
    const all = [...commands, ...this.closing];
    const request = Buffer.concat([
      encodeCommand(['FLUSHALL']),
      encodeCommand(['SELECT', '0']),
      ...all.map(({ argv }) => encodeCommand(argv.map((arg) => Buffer.from(arg, 'latin1')))),
    ]);
    for (const connection of both) connection.write(request);
    this.commandsSent += all.length;
    const [ours, oracle] = await Promise.all(
      both.map((connection) => receive(connection, all.length)),
    );
    for (const [index, { argv, comparison }] of all.entries()) {
      const [mine, theirs] = [ours![index], oracle![index]];
      if (mine === undefined || theirs === undefined) {
        await this.reconnect(protocol);
        const lost =
          mine === undefined ? `(no reply)\n${this.pair.ours.log.slice(-1500)}` : '(reply)';
        return {
          index,
          text: commandLine(argv),
          ours: lost,
          oracle: theirs ? '(reply)' : '(none)',
        };
      }
      if (sameReplies(mine, theirs, comparison)) continue;
      const shown = [format(mine.reply), format(theirs.reply)] as const;
      const text = commandLine(argv);
      if (findAllowed(this.allowed, 'generated', text, ...shown) !== undefined) continue;
      return { index, text, ours: shown[0], oracle: shown[1] };
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.values()].flat().map((connection) => connection.end()));
  }

  private async connections(protocol: 2 | 3): Promise<readonly Connection[]> {
    const open = this.open.get(protocol);
    if (open !== undefined) return open;
    const both = await Promise.all(
      [this.pair.ours, this.pair.oracle].map(async ({ port }) => {
        const connection = await Connection.open(port);
        if (protocol === 3) await connection.call('HELLO', '3');
        return connection;
      }),
    );
    this.open.set(protocol, both);
    return both;
  }

  private async reconnect(protocol: 2 | 3): Promise<void> {
    for (const connection of this.open.get(protocol) ?? []) connection.close();
    this.open.delete(protocol);
  }
}

type Received = Awaited<ReturnType<Connection['receive']>>;

/** The replies to a sequence; shorter than `count` when the connection ended or went silent. */
async function receive(connection: Connection, count: number): Promise<Received[]> {
  const replies: Received[] = [];
  try {
    // FLUSHALL and SELECT come first.
    for (let i = 0; i < 2; i++) await connection.receive();
    while (replies.length < count) replies.push(await connection.receive());
  } catch {
    // What is missing tells.
  }
  return replies;
}
