/**
 * A reference redis-server for differential tests: started on a free port, spoken to over a raw
 * socket in RESP2, ended by its own process id. `hasOracle` is false where none is installed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A decoded reply. Bulk and simple strings are latin1; an error is wrapped. */
export type OracleReply = string | number | null | OracleError | OracleReply[];

export interface OracleError {
  readonly error: string;
}

export const hasOracle =
  spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout?.includes('v=7.0.') ===
  true;

/** The word to put into a test's title, so that a skipped one says why. */
export const oracleNote = hasOracle ? '' : ' [SKIPPED: no redis-server 7.0 on PATH]';
if (!hasOracle) console.warn('differential tests are skipped: no redis-server 7.0 on PATH');

export class Oracle {
  readonly dir: string;
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly socket: net.Socket;
  private buffer = Buffer.alloc(0);
  private readonly waiting: ((reply: OracleReply) => void)[] = [];

  private constructor(dir: string, port: number, child: ChildProcess, socket: net.Socket) {
    this.dir = dir;
    this.port = port;
    this.child = child;
    this.socket = socket;
    socket.on('data', (chunk) => this.receive(chunk));
  }

  /** Starts a server in a directory of its own. `args` follow `--port` and `--dir`. */
  static async start(args: readonly string[] = []): Promise<Oracle> {
    const dir = mkdtempSync(join(tmpdir(), 'respite-oracle-'));
    const port = await freePort();
    const child = spawn('redis-server', [...args, '--port', String(port), '--dir', dir], {
      stdio: 'ignore',
    });
    for (let attempt = 0; ; attempt++) {
      const socket = await connect(port);
      if (socket !== undefined) return new Oracle(dir, port, child, socket);
      if (attempt > 200 || child.exitCode !== null) throw new Error('redis-server did not start');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  call(...args: string[]): Promise<OracleReply> {
    const parts = [`*${args.length}\r\n`];
    for (const arg of args) parts.push(`$${arg.length}\r\n${arg}\r\n`);
    this.socket.write(Buffer.from(parts.join(''), 'latin1'));
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async stop(): Promise<void> {
    this.socket.destroy();
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  private receive(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const parsed = decode(this.buffer, 0);
      if (parsed === undefined) return;
      this.buffer = this.buffer.subarray(parsed.end);
      this.waiting.shift()?.(parsed.reply);
    }
  }
}

interface Decoded {
  readonly reply: OracleReply;
  readonly end: number;
}

function decode(buffer: Buffer, at: number): Decoded | undefined {
  const eol = buffer.indexOf('\r\n', at);
  if (eol < 0) return undefined;
  const line = buffer.toString('latin1', at + 1, eol);
  const next = eol + 2;
  switch (String.fromCharCode(buffer[at]!)) {
    case '+':
      return { reply: line, end: next };
    case '-':
      return { reply: { error: line }, end: next };
    case ':':
      return { reply: Number(line), end: next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      if (buffer.length < next + length + 2) return undefined;
      return { reply: buffer.toString('latin1', next, next + length), end: next + length + 2 };
    }
    default:
      return decodeArray(buffer, next, Number(line));
  }
}

function decodeArray(buffer: Buffer, at: number, count: number): Decoded | undefined {
  if (count < 0) return { reply: null, end: at };
  const items: OracleReply[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const item = decode(buffer, end);
    if (item === undefined) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: items, end };
}

function connect(port: number): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
