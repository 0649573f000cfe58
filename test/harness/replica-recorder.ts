/**
 * A scripted replica of a redis-server: it shakes hands, skips the data of the full sync, and keeps
 * the stream that follows as units of effects. `take` asks the server how long its stream is and
 * waits for that much, so nothing is missed and nobody sleeps.
 *
 * When the server hangs up (CLIENT KILL) the recorder asks it to continue where it was.
 */
import net from 'node:net';
import { Connection } from './connection.ts';
import type { Line, Unit, UnitSource } from './effects.ts';
import { decode, encodeCommand } from './reply.ts';

/** A replica that says nothing for repl-timeout, a minute, is hung up on. */
const ACK_PERIOD_MS = 1000;
const TAKE_TIMEOUT_MS = 20_000;

/** What the bytes that come next are. */
type Expected = 'reply' | 'sync' | 'length' | 'payload' | 'stream';

export class ReplicaRecorder implements UnitSource {
  private readonly port: number;
  private observer: Connection;
  private socket: net.Socket | undefined;
  private readonly acks: NodeJS.Timeout;
  private expected: Expected = 'reply';
  /** Replies due before the one to PSYNC. */
  private repliesDue = 0;
  private payloadLeft = 0;
  private pending: Buffer = Buffer.alloc(0);
  private replicationId = '?';
  /** Bytes of the stream that were taken in, as the server counts them. */
  private offset = -1;
  private dbIndex = 0;
  /** The lines of a transaction under way. */
  private open: Line[] | undefined;
  private units: Unit[] = [];
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  private constructor(port: number, observer: Connection) {
    this.port = port;
    this.observer = observer;
    this.acks = setInterval(() => this.acknowledge(), ACK_PERIOD_MS);
    this.acks.unref();
  }

  /** Begins to follow the server at `port` of the loopback interface. */
  static async open(port: number): Promise<ReplicaRecorder> {
    const recorder = new ReplicaRecorder(port, await Connection.open(port));
    recorder.connect();
    await recorder.until(() => recorder.expected === 'stream');
    return recorder;
  }

  async take(): Promise<Unit[]> {
    const length = await this.length();
    await this.until(() => this.offset >= length && this.open === undefined);
    const { units } = this;
    this.units = [];
    return units;
  }

  /** Bytes of the stream so far, as the server counts them. */
  private async length(): Promise<number> {
    try {
      const info = await this.observer.text('INFO', 'replication');
      return Number(/^master_repl_offset:(\d+)/m.exec(info)?.[1]);
    } catch (error) {
      if (this.observer.isOpen) throw error;
      this.observer = await Connection.open(this.port);
      return this.length();
    }
  }

  close(): void {
    clearInterval(this.acks);
    this.observer.close();
    const { socket } = this;
    this.socket = undefined;
    socket?.destroy();
  }

  private connect(): void {
    const socket = net.connect(this.port, '127.0.0.1');
    this.socket = socket;
    this.pending = Buffer.alloc(0);
    this.open = undefined;
    this.expected = 'reply';
    this.repliesDue = 2;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('close', () => {
      if (this.socket === socket) this.connect();
    });
    // No `capa eof`: the data comes with its length before it, and without a delay.
    socket.write(encodeCommand(['PING']));
    socket.write(encodeCommand(['REPLCONF', 'capa', 'psync2']));
  }

  /** Sent when all replies are there: the server refuses it while it has some to send. */
  private synchronize(): void {
    this.expected = 'sync';
    const from = this.offset < 0 ? '-1' : String(this.offset + 1);
    this.socket?.write(encodeCommand(['PSYNC', this.replicationId, from]));
  }

  private acknowledge(): void {
    if (this.expected !== 'stream') return;
    this.socket?.write(encodeCommand(['REPLCONF', 'ACK', String(this.offset)]));
  }

  private receive(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    try {
      while (this.step());
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
    this.wake?.();
  }

  /** Takes one thing in; false when it is not there yet. */
  private step(): boolean {
    if (this.pending.length === 0) return false;
    if (this.expected === 'stream') return this.command();
    if (this.expected === 'payload') {
      const part = Math.min(this.payloadLeft, this.pending.length);
      this.pending = this.pending.subarray(part);
      this.payloadLeft -= part;
      if (this.payloadLeft === 0) this.expected = 'stream';
      return true;
    }
    const end = this.pending.indexOf('\n');
    if (end < 0) return false;
    const line = this.pending.toString('latin1', 0, end).trimEnd();
    this.pending = this.pending.subarray(end + 1);
    if (line !== '') this.handshake(line);
    return true;
  }

  private handshake(line: string): void {
    if (line.startsWith('-')) throw new Error(`the replica was answered ${line}`);
    if (this.expected === 'reply') {
      this.repliesDue--;
      if (this.repliesDue === 0) this.synchronize();
    } else if (this.expected === 'sync') {
      const [, what, id, offset] = /^\+(\w+)(?: (\w+))?(?: (\d+))?$/.exec(line) ?? [];
      if (id !== undefined) this.replicationId = id;
      this.expected = what === 'CONTINUE' ? 'stream' : 'length';
      if (what === 'FULLRESYNC') this.offset = Number(offset);
    } else {
      this.payloadLeft = Number(line.slice(1));
      this.expected = 'payload';
    }
  }

  private command(): boolean {
    const decoded = decode(this.pending);
    if (decoded === undefined) return false;
    this.offset += decoded.end;
    // Copied: what is kept must not hold the whole chunk.
    const argv =
      'items' in decoded.reply
        ? decoded.reply.items.map((item) => Buffer.from('bytes' in item ? item.bytes : ''))
        : [];
    this.pending = this.pending.subarray(decoded.end);
    this.line(argv);
    return true;
  }

  private line(argv: readonly Buffer[]): void {
    switch (String(argv[0]).toUpperCase()) {
      case 'PING':
      case 'REPLCONF':
        return;
      case 'SELECT':
        this.dbIndex = Number(argv[1]);
        return;
      case 'MULTI':
        if (this.open !== undefined) throw new Error('MULTI inside MULTI in the stream');
        this.open = [];
        return;
      case 'EXEC':
        this.units.push({ lines: this.open ?? [], isAtomic: true });
        this.open = undefined;
        return;
    }
    const line = { dbIndex: this.dbIndex, argv };
    if (this.open !== undefined) this.open.push(line);
    else this.units.push({ lines: [line], isAtomic: false });
  }

  private async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + TAKE_TIMEOUT_MS;
    while (!condition()) {
      if (this.failure !== undefined) throw this.failure;
      if (Date.now() > deadline) throw new Error(`the stream stops at ${this.offset}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
