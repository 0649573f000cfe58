/**
 * Real sentinels (redis-server --sentinel) that watch a master of either kind.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from './connection.ts';
import { format } from './reply.ts';
import { freePort, ServerProcess } from './server-process.ts';

/**
 * Time without a reply after which a sentinel takes a node for dead. Patient by default: one that a
 * busy machine held up would take live nodes for dead, and a second failover right after the first
 * loses what the first master has acknowledged.
 */
const PATIENT_MS = 60_000;
const ALERT_MS = 700;

export class Sentinel {
  readonly port: number;
  private readonly dir: string;
  private readonly process: ServerProcess;

  private constructor(port: number, dir: string, process: ServerProcess) {
    this.port = port;
    this.dir = dir;
    this.process = process;
  }

  /** A sentinel that watches the master at a port, with two votes needed, under the name `set`. */
  static async start(masterPort: number): Promise<Sentinel> {
    const port = await freePort();
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-sentinel-'));
    const file = path.join(dir, 'sentinel.conf');
    writeFileSync(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${dir}`,
        'sentinel resolve-hostnames no',
        `sentinel monitor set 127.0.0.1 ${masterPort} 2`,
        `sentinel down-after-milliseconds set ${PATIENT_MS}`,
        'sentinel failover-timeout set 4000',
        'sentinel parallel-syncs set 2',
        '',
      ].join('\n'),
    );
    const process = await ServerProcess.start({
      name: 'sentinel',
      command: globalThis.process.env['REDIS_SERVER'] ?? 'redis-server',
      commandArgs: [file, '--sentinel'],
      bare: true,
      home: { port, dir },
    });
    return new Sentinel(port, dir, process);
  }

  /** Sends a command; the reply as redis-cli prints it. */
  async say(line: string): Promise<string> {
    const connection = await Connection.open(this.port);
    try {
      return format(await connection.call(...line.split(' ')));
    } finally {
      connection.close();
    }
  }

  /** Whether it looks for a dead node now, or takes none for dead. */
  async watch(isAlert: boolean): Promise<void> {
    const ms = isAlert ? ALERT_MS : PATIENT_MS;
    await this.say(`SENTINEL SET set down-after-milliseconds ${ms}`);
  }

  /** The port of the master that it knows. */
  async masterPort(): Promise<number> {
    const text = await this.say('SENTINEL GET-MASTER-ADDR-BY-NAME set');
    return Number(/"(\d+)"\s*$/.exec(text)?.[1]);
  }

  /** Number of replicas and of other sentinels that it knows. */
  async knows(): Promise<{ replicas: number; sentinels: number }> {
    const text = await this.say('SENTINEL MASTER set');
    const number = (name: string) =>
      Number(new RegExp(`"${name}"\\s+\\d+\\) "(\\d+)"`).exec(text)?.[1]);
    return { replicas: number('num-slaves'), sentinels: number('num-other-sentinels') };
  }

  async close(): Promise<void> {
    await this.process.stop('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}
