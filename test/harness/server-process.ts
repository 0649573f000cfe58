/**
 * Servers as child processes: a free port on the loopback interface, a directory of its own, ready
 * when it answers PING, ended by its own process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from './connection.ts';
import { textOf } from './reply.ts';

/** Loading what is there takes seconds on a busy machine; a server that ends is noticed at once. */
const START_TIMEOUT_MS = 25_000;
const STOP_TIMEOUT_MS = 5_000;
/** How often a start is tried again when another process took the port first. */
const PORT_ATTEMPTS = 3;
const LOG_BYTES_MAX = 16 * 1024;

export interface ServerProcessOptions {
  /** What reports call it. */
  readonly name: string;
  readonly command: string;
  /** Come before `--port` and `--dir`. */
  readonly commandArgs?: readonly string[];
  /** Directives as on redis-server's command line. */
  readonly args?: readonly string[];
  /** Where it was before: a server that starts again. Its directory is kept when it stops. */
  readonly home?: { readonly port: number; readonly dir: string };
  /** Nothing is added to `commandArgs`: its file says it all. */
  readonly bare?: boolean;
}

/** Servers that still run when this process ends are ended with it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class ServerProcess implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly dir: string;
  private readonly child: ChildProcess;
  private output = '';
  private readonly keepsDir: boolean;

  private constructor(options: ServerProcessOptions, port: number) {
    this.name = options.name;
    this.port = port;
    this.keepsDir = options.home !== undefined;
    this.dir =
      options.home?.dir ?? mkdtempSync(path.join(tmpdir(), `respite-test-${options.name}-`));
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', this.dir, '--save', ''];
    const args = [
      ...(options.commandArgs ?? []),
      ...(options.bare === true ? [] : place),
      ...(options.args ?? []),
    ];
    this.child = spawn(options.command, args, {
      cwd: this.dir,
      // SORT ALPHA compares as the locale says.
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-LOG_BYTES_MAX);
      });
    }
  }

  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    for (let attempt = 1; ; attempt++) {
      const server = new ServerProcess(options, options.home?.port ?? (await freePort()));
      try {
        await server.ready();
        return server;
      } catch (error) {
        await server.stop();
        const portTaken = /address already in use/i.test(server.log);
        if (!portTaken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The end of what it printed. */
  get log(): string {
    return this.output;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  connect(): Promise<Connection> {
    return Connection.open(this.port);
  }

  /** Ends the process; by force when it does not obey. Answers its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.isRunning) {
      const gone = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill(signal);
      const force = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(force);
    }
    if (!this.keepsDir) rmSync(this.dir, { recursive: true, force: true });
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async ready(): Promise<void> {
    let spawnError: Error | undefined;
    this.child.once('error', (error) => {
      spawnError = error;
    });
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (spawnError !== undefined) throw spawnError;
      if (!this.isRunning || Date.now() > deadline) {
        throw new Error(`${this.name} did not start:\n${this.output}`);
      }
      try {
        const connection = await this.connect();
        const reply = await connection.call('PING');
        connection.close();
        // A replica without its master says so, and a server with a password.
        const refused = /^(MASTERDOWN|NOAUTH)/.test(textOf(reply) ?? '');
        if (reply.kind === 'simple' || refused) return;
      } catch {
        // Not listening yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** A port of the loopback interface that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
