/**
 * Real processes killed under load: clients append values that are theirs alone, note what was
 * acknowledged, the process gets SIGKILL at some moment, and what the next start has must be, for
 * each client, a beginning of what it sent that has all that was acknowledged.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from '../../harness/connection.ts';
import { textsOf } from '../../harness/in-process.ts';
import type { Reply } from '../../harness/reply.ts';
import { respiteFile } from '../../harness/respite.ts';
import { freePort } from '../../harness/server-process.ts';

const START_MS = 20_000;

/** A server whose directory outlives it. */
export class KillableServer {
  readonly dir: string;
  log = '';
  port = 0;
  private child: ChildProcess | undefined;
  private readonly directives: readonly string[];

  constructor(directives: readonly string[]) {
    this.directives = directives;
    this.dir = mkdtempSync(path.join(tmpdir(), 'respite-crash-'));
  }

  /** Starts it, or another program on the same files; resolves when it answers. */
  async start(command: readonly string[] = [process.execPath, respiteFile]): Promise<void> {
    this.port = await freePort();
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir];
    const [program, ...args] = [...command, ...where, ...this.directives];
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.log = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    const deadline = Date.now() + START_MS;
    for (;;) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`no start: ${this.log}`);
      try {
        const connection = await Connection.open(this.port);
        const { kind } = await connection.call('PING');
        connection.close();
        if (kind === 'simple') return;
      } catch {
        // Not listening yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends it by a signal; its exit code. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return child?.exitCode ?? null;
    }
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
    return child.exitCode;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** One client of the load: a list, a hash, a stream and a counter that only it writes. */
class Writer {
  readonly id: number;
  /** Value of the last round that was acknowledged, and sent. */
  acknowledged: number;
  sent: number;
  private connection: Connection | undefined;

  constructor(id: number, from: number) {
    this.id = id;
    this.acknowledged = from;
    this.sent = from;
  }

  async run(port: number): Promise<void> {
    const connection = await Connection.open(port);
    this.connection = connection;
    try {
      for (;;) await this.round(connection, 1 + (this.sent % 5));
    } catch {
      // The server was killed.
    }
  }

  /** Sends so many values at once, then waits for all the replies. */
  private async round(connection: Connection, count: number): Promise<void> {
    const { id } = this;
    const first = this.sent + 1;
    for (let i = 0; i < count; i++) {
      const n = String(first + i);
      connection.send('MULTI');
      connection.send('RPUSH', `l${id}`, n);
      connection.send('HSET', `h${id}`, 'n', n);
      connection.send('EXEC');
      connection.send('XADD', `x${id}`, `${n}-1`, 'f', n);
      connection.send('INCR', `c${id}`);
      this.sent = first + i;
    }
    for (let i = 0; i < count; i++) {
      let last: Reply | undefined;
      for (let k = 0; k < 6; k++) last = (await connection.receive()).reply;
      if (last?.kind === 'error') throw new Error('refused');
      this.acknowledged = first + i;
    }
  }

  /** What a server has of it; throws when that breaks the promise. */
  async check(connection: Connection): Promise<void> {
    const { id, acknowledged, sent } = this;
    const list = textsOf(await connection.call('LRANGE', `l${id}`, '0', '-1'));
    const [inHash = '0'] = textsOf(await connection.call('HGET', `h${id}`, 'n'));
    const [length = '0'] = textsOf(await connection.call('XLEN', `x${id}`));
    const [counter = '0'] = textsOf(await connection.call('GET', `c${id}`));
    const about = `client ${id}: acknowledged ${acknowledged}, sent ${sent}, list of ${list.length}`;
    for (const [i, text] of list.entries()) {
      if (text !== String(i + 1)) throw new Error(`${about}: ${text} in place ${i}`);
    }
    const n = list.length;
    if (n < acknowledged) throw new Error(`${about}: acknowledged writes are lost`);
    if (n > sent) throw new Error(`${about}: more than was sent`);
    if (Number(inHash) !== n) throw new Error(`${about}: a transaction is torn, ${inHash}`);
    // The commands after the transaction may be missing for the last round only.
    for (const got of [Number(length), Number(counter)]) {
      if (got !== n && (got !== n - 1 || n <= acknowledged))
        throw new Error(`${about}: got ${got}`);
    }
    // What is there counts from now on; an unfinished round is finished.
    if (Number(length) < n) await connection.call('XADD', `x${id}`, `${n}-1`, 'f', String(n));
    if (Number(counter) < n) await connection.call('INCR', `c${id}`);
    this.acknowledged = n;
    this.sent = n;
  }

  close(): void {
    this.connection?.close();
  }
}

export interface KillOptions {
  readonly policy: 'always' | 'everysec' | 'no';
  readonly kills: number;
  readonly random: () => number;
  /** Commands sent at random moments before the kill: BGSAVE, BGREWRITEAOF. */
  readonly disturb: readonly string[];
  readonly clients?: number;
  /** What also must read the files, after each kill. */
  readonly checker?: (dir: string) => void;
  readonly directives?: readonly string[];
}

/** Kills so many times. Throws on a promise broken. */
export async function runKills(options: KillOptions): Promise<void> {
  const { policy, kills, random, disturb, checker } = options;
  const server = new KillableServer([
    ...['--appendonly', 'yes', '--appendfsync', policy, '--save', ''],
    ...(options.directives ?? []),
  ]);
  const writers = Array.from({ length: options.clients ?? 6 }, (_, id) => new Writer(id, 0));
  try {
    await server.start();
    for (let i = 0; i < kills; i++) {
      const running = writers.map((writer) => writer.run(server.port));
      if (disturb.length > 0) {
        const admin = await Connection.open(server.port);
        await new Promise((resolve) => setTimeout(resolve, random() * 20));
        admin.send(...disturb[Math.floor(random() * disturb.length)]!.split(' '));
        await new Promise((resolve) => setTimeout(resolve, random() * 60));
        await server.kill();
        admin.close();
      } else {
        await new Promise((resolve) => setTimeout(resolve, 5 + random() * 60));
        await server.kill();
      }
      await Promise.all(running);
      for (const writer of writers) writer.close();
      checker?.(server.dir);
      await server.start();
      const connection = await Connection.open(server.port);
      for (const writer of writers) await writer.check(connection);
      connection.close();
    }
  } catch (error) {
    throw new Error(`${policy}: ${(error as Error).message}\n${server.log.slice(-2000)}`);
  } finally {
    await server.remove();
  }
}
