/**
 * A raw client connection: bytes out, complete replies in, in order. It interprets nothing, so what
 * a test compares is what the server sent.
 */
import net from 'node:net';
import { decode, encodeCommand, type Reply } from './reply.ts';

/** Longest wait for one reply. */
const REPLY_TIMEOUT_MS = 10_000;

const END_TIMEOUT_MS = 1_000;

/** A reply with the very bytes it came as. */
export interface RawReply {
  readonly reply: Reply;
  readonly bytes: Buffer;
}

export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

export class Connection {
  private readonly socket: net.Socket;
  private pending: Buffer = Buffer.alloc(0);
  private readonly arrived: RawReply[] = [];
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new ConnectionClosed('the server closed the connection')));
  }

  static open(port: number, host = '127.0.0.1'): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
    });
  }

  /** Sends bytes as they are. */
  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends a command without waiting for its reply. */
  send(...argv: readonly (string | Buffer)[]): void {
    this.write(encodeCommand(argv));
  }

  /** Reads nothing until `resume`: what comes fills the kernel's buffers, then the server's. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends a command and waits for one reply. */
  async call(...argv: readonly (string | Buffer)[]): Promise<Reply> {
    this.send(...argv);
    return (await this.receive()).reply;
  }

  /** Sends a command; answers the text of its reply and throws when it is an error. */
  async text(...argv: readonly (string | Buffer)[]): Promise<string> {
    const reply = await this.call(...argv);
    const text = 'bytes' in reply ? reply.bytes.toString('latin1') : '';
    if (reply.kind === 'error') throw new Error(`${argv.join(' ')}: ${text}`);
    return text;
  }

  /** The next reply. Rejects when the connection ends first, or after ten seconds. */
  async receive(timeoutMs = REPLY_TIMEOUT_MS): Promise<RawReply> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const next = this.arrived.shift();
      if (next !== undefined) return next;
      if (this.failure !== undefined) throw this.failure;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no reply within ${timeoutMs} ms`);
      await this.somethingHappens(left);
    }
  }

  /** Waits until the server has closed the connection; answers how many replies came before. */
  async closed(timeoutMs = REPLY_TIMEOUT_MS): Promise<number> {
    const deadline = Date.now() + timeoutMs;
    while (this.failure === undefined) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the connection is still open after ${timeoutMs} ms`);
      await this.somethingHappens(left);
    }
    return this.arrived.length;
  }

  /** Whether a reply has arrived that nobody has taken. */
  get hasReply(): boolean {
    return this.arrived.length > 0;
  }

  /** The first of these, left where it is. */
  get unread(): RawReply | undefined {
    return this.arrived[0];
  }

  get isOpen(): boolean {
    return this.failure === undefined;
  }

  /** Hangs up at once; the server learns of it later. */
  close(): void {
    this.socket.destroy();
  }

  /** Hangs up and waits until the server has taken notice, so that it lists this client no more. */
  async end(): Promise<void> {
    if (this.failure !== undefined) return;
    this.socket.end();
    await this.closed(END_TIMEOUT_MS).catch(() => this.socket.destroy());
  }

  private somethingHappens(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }

  private take(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    let at = 0;
    try {
      for (;;) {
        if (at === this.pending.length) break;
        const decoded = decode(this.pending, at);
        if (decoded === undefined) break;
        const bytes = this.pending.subarray(at, decoded.end);
        this.arrived.push({ reply: decoded.reply, bytes });
        at = decoded.end;
      }
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      this.socket.destroy();
    }
    this.pending = this.pending.subarray(at);
    this.wake?.();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.wake?.();
  }
}
