/**
 * A server under a row of `bench/rows.ts`: raw bytes in, replies counted by a marker at their end and
 * otherwise thrown away, so that the client's work is little beside the server's.
 */
import net from 'node:net';
import { encodeCommand } from '../test/harness/reply.ts';

const MARKER = 'end-of-this-row';
const MARKED = Buffer.from(`$${MARKER.length}\r\n${MARKER}\r\n`);
const ECHO = encodeCommand(['ECHO', MARKER]);
const CHUNK_BYTES = 256 * 1024;

/** Arguments of a command. */
export type Argv = readonly (string | Buffer)[];

/** Commands as the bytes of one pipeline. */
export function pipeline(commands: Iterable<Argv>): Buffer {
  return Buffer.concat([...commands].map(encodeCommand));
}

/** `make` of 0, 1 ... n - 1. */
export function* times<T>(n: number, make: (i: number) => T): Generator<T> {
  for (let i = 0; i < n; i++) yield make(i);
}

/** One command with arguments made of 0 ... n - 1 in lots of `lot`: `RPUSH l` with 1000 each. */
export function* inLots(
  n: number,
  lot: number,
  head: readonly string[],
  make: (i: number) => readonly string[],
): Generator<Argv> {
  for (let i = 0; i < n; i += lot) {
    const argv = [...head];
    for (let j = i; j < Math.min(n, i + lot); j++) argv.push(...make(j));
    yield argv;
  }
}

export class Rig {
  readonly port: number;
  private readonly socket: net.Socket;
  private readonly others: net.Socket[] = [];
  private done: ((reply: Buffer) => void) | undefined;
  private tail: Buffer = Buffer.alloc(0);
  private kept: Buffer[] | undefined;

  private constructor(port: number, socket: net.Socket) {
    this.port = port;
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
  }

  static async open(port: number): Promise<Rig> {
    return new Rig(port, await connect(port));
  }

  /** Sends a pipeline and waits until all of it is answered. */
  async send(bytes: Buffer): Promise<void> {
    await this.exchange(bytes);
  }

  /** Sends commands, a lot at a time. */
  async fill(commands: Iterable<Argv>): Promise<void> {
    let lot: Buffer[] = [];
    let bytes = 0;
    for (const command of commands) {
      const encoded = encodeCommand(command);
      lot.push(encoded);
      bytes += encoded.length;
      if (bytes < CHUNK_BYTES) continue;
      await this.send(Buffer.concat(lot));
      lot = [];
      bytes = 0;
    }
    await this.send(Buffer.concat(lot));
  }

  /** Sends one command; resolves with the bytes of its reply. */
  async ask(...argv: Argv): Promise<Buffer> {
    this.kept = [];
    return await this.exchange(encodeCommand(argv));
  }

  /** The bytes of a bulk string that a command answers. */
  async askBulk(...argv: Argv): Promise<Buffer> {
    const reply = await this.ask(...argv);
    return reply.subarray(reply.indexOf('\n') + 1, -2);
  }

  /**
   * Opens more connections, each of which sends `bytes`; what they are sent is thrown away, or left
   * unread. Resolves when the server has taken notice of all.
   */
  async clients(n: number, bytes: (i: number) => Buffer, reads = true): Promise<void> {
    for (let i = 0; i < n; i++) {
      const socket = await connect(this.port);
      if (reads) socket.resume();
      else socket.pause();
      socket.write(bytes(i));
      this.others.push(socket);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    await this.send(encodeCommand(['PING']));
  }

  /** Hangs up all connections of `clients`; resolves when the server has noticed. */
  async hangUp(): Promise<void> {
    for (const socket of this.others) socket.destroy();
    this.others.length = 0;
    for (;;) {
      const info = (await this.ask('INFO', 'clients')).toString();
      if (Number(/^connected_clients:(\d+)/m.exec(info)?.[1]) <= 2) return;
    }
  }

  close(): void {
    this.socket.destroy();
    for (const socket of this.others) socket.destroy();
  }

  private exchange(bytes: Buffer): Promise<Buffer> {
    const answered = new Promise<Buffer>((resolve) => {
      this.done = resolve;
    });
    this.socket.write(bytes);
    this.socket.write(ECHO);
    return answered;
  }

  private take(chunk: Buffer): void {
    this.kept?.push(chunk);
    this.tail = Buffer.concat([this.tail, chunk.subarray(-MARKED.length)]).subarray(-MARKED.length);
    if (!this.tail.equals(MARKED)) return;
    const reply = Buffer.concat(this.kept ?? []);
    this.tail = Buffer.alloc(0);
    this.kept = undefined;
    this.done?.(reply.subarray(0, -MARKED.length));
  }
}

function connect(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
