/**
 * A client that wants to do harm: it sends as fast as the server takes it, and reads only to throw
 * away, or nothing at all. Every wait is bounded.
 */
import { connect, type Socket } from 'node:net';

/** `*<n>` with these words; numbers and texts as latin1. */
export function request(...words: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word, 'latin1') : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** One request of many words: a verb, then what `word` makes. */
export function long(verb: readonly string[], count: number, word: (i: number) => string): Buffer {
  const parts = [`*${verb.length + count}\r\n`];
  for (const each of verb) parts.push(`$${each.length}\r\n${each}\r\n`);
  for (let i = 0; i < count; i++) {
    const text = word(i);
    parts.push(`$${text.length}\r\n${text}\r\n`);
  }
  return Buffer.from(parts.join(''), 'latin1');
}

const BUSY_END = 'or SHUTDOWN NOSAVE.\r\n';

export class Attacker {
  readonly socket: Socket;
  /** Bytes that came back. */
  received = 0;
  /** What came last. */
  tail = '';
  private readonly gone: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.received += chunk.length;
      this.tail = (this.tail + chunk.subarray(-200).toString('latin1')).slice(-200);
    });
    socket.on('error', () => {});
    this.gone = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static open(port: number): Promise<Attacker> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Attacker(socket)));
    });
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  /** Sends, and waits while the server does not take it; gives up after some seconds. */
  async send(bytes: Buffer, patienceMs = 5000): Promise<void> {
    if (!this.isOpen || this.socket.write(bytes)) return;
    await this.within(
      new Promise<void>((resolve) => this.socket.once('drain', resolve)),
      patienceMs,
    );
  }

  /** Sends and waits for an answer to a PING after it: all is done then. Returns false in vain. */
  async finish(patienceMs = 30_000): Promise<boolean> {
    const mark = `done${Math.random()}`;
    await this.send(request('PING', mark), patienceMs);
    const until = Date.now() + patienceMs;
    // A server that says that a script keeps it busy serves, too.
    const isDone = () => this.tail.includes(mark) || this.tail.endsWith(BUSY_END);
    while (this.isOpen && !isDone() && Date.now() < until) await pause(5);
    return isDone();
  }

  async do(...words: readonly (string | Buffer)[]): Promise<void> {
    await this.send(request(...words));
    await this.finish();
  }

  end(): void {
    this.socket.destroy();
  }

  private async within(event: Promise<void>, ms: number): Promise<void> {
    await Promise.race([event, this.gone, pause(ms)]);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
