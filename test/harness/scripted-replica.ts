/**
 * A replica that does what a test tells it to: it says what it is told on a link to a master, and
 * shows every byte that comes, be it a reply, a copy of the data or the stream.
 */
import net from 'node:net';
import { encodeCommand } from './reply.ts';

const TIMEOUT_MS = 10_000;
const MARK_LENGTH = 40;

export class ScriptedReplica {
  /** Bytes that have come and were not taken. */
  pending: Buffer = Buffer.alloc(0);
  isClosed = false;
  /** Line ends that came in place of something else. */
  newlines = 0;
  readonly socket: net.Socket;
  private chunks: Buffer[] = [];
  private wake: () => void = () => {};

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.wake();
    });
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  static open(port: number): Promise<ScriptedReplica> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new ScriptedReplica(socket));
      });
    });
  }

  send(...argv: readonly string[]): void {
    this.socket.write(encodeCommand(argv));
  }

  /** Says what it is, one pair after the other; each is answered `+OK`. */
  async conf(...pairs: readonly string[]): Promise<void> {
    for (let i = 0; i < pairs.length; i += 2) {
      this.send('REPLCONF', pairs[i]!, pairs[i + 1]!);
      const reply = await this.line();
      if (reply !== '+OK') throw new Error(`REPLCONF ${pairs[i]!}: ${reply}`);
    }
  }

  /** Asks for all data, or to continue; the line that answers it. */
  psync(replid = '?', offset: number | string = -1): Promise<string> {
    this.send('PSYNC', replid, String(offset));
    return this.line();
  }

  acknowledge(offset: number): void {
    this.send('REPLCONF', 'ACK', String(offset));
  }

  /** The next line, without its end; line ends alone are counted and passed over. */
  async line(): Promise<string> {
    for (;;) {
      await this.until(() => this.pending.includes(10));
      const end = this.pending.indexOf(10);
      const text = this.pending.toString('latin1', 0, end).trimEnd();
      this.pending = this.pending.subarray(end + 1);
      if (text !== '') return text;
      this.newlines++;
    }
  }

  async take(bytes: number): Promise<Buffer> {
    await this.until(() => this.pending.length >= bytes);
    const taken = this.pending.subarray(0, bytes);
    this.pending = this.pending.subarray(bytes);
    return taken;
  }

  /** The copy of the data that comes next, whichever form it has. */
  async rdb(): Promise<{ readonly form: 'mark' | 'length'; readonly bytes: Buffer }> {
    const head = await this.line();
    if (head.startsWith('$EOF:')) {
      const mark = Buffer.from(head.slice(5), 'latin1');
      if (mark.length !== MARK_LENGTH) throw new Error(`a mark of ${mark.length} bytes`);
      await this.until(() => this.pending.includes(mark));
      const bytes = await this.take(this.pending.indexOf(mark));
      await this.take(MARK_LENGTH);
      return { form: 'mark', bytes };
    }
    if (!head.startsWith('$')) throw new Error(`no data: ${head}`);
    return { form: 'length', bytes: await this.take(Number(head.slice(1))) };
  }

  /** Resolves once the condition holds of what has come. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      if (this.chunks.length > 0) {
        this.pending = Buffer.concat([this.pending, ...this.chunks.splice(0)]);
      }
      if (condition()) return;
      if (this.isClosed) throw new Error(`closed after ${this.pending.toString('latin1', 0, 200)}`);
      if (Date.now() > deadline) {
        throw new Error(`nothing more after ${this.pending.toString('latin1', 0, 200)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Resolves when the master has hung up. */
  async closed(): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (!this.isClosed) {
      if (Date.now() > deadline) throw new Error('still open');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
