/**
 * A master that does what a test tells it to: it accepts replicas, shows what they send, and answers
 * with any bytes, be they right or not.
 */
import net from 'node:net';
import { decode, encodeCommand } from './reply.ts';

export const REPLID = '0123456789abcdef0123456789abcdef01234567';
export const MARK = 'm'.repeat(40);
const TIMEOUT_MS = 8000;

/** An RDB file of these strings in database 0, and what aux fields it should have. */
export function rdbOf(
  strings: Readonly<Record<string, string>>,
  aux: Readonly<Record<string, string>> = {},
): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    const length = Buffer.alloc(5);
    length[0] = 0x80;
    length.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([bytes.length < 64 ? Buffer.from([bytes.length]) : length, bytes]);
  };
  return Buffer.concat([
    Buffer.from('REDIS0010'),
    ...Object.entries(aux).map(([name, value]) =>
      Buffer.concat([Buffer.from([0xfa]), text(name), text(value)]),
    ),
    Buffer.from([0xfe, 0]),
    ...Object.entries(strings).map(([key, value]) =>
      Buffer.concat([Buffer.from([0]), text(key), text(value)]),
    ),
    Buffer.from([0xff]),
    // No checksum.
    Buffer.alloc(8),
  ]);
}

/** A line of the stream. */
export function line(...words: string[]): Buffer {
  return encodeCommand(words);
}

/** One replica that has connected. */
export class ReplicaLink {
  /** All that the replica has sent and nobody has taken. */
  pending: Buffer = Buffer.alloc(0);
  isClosed = false;
  private readonly socket: net.Socket;
  private wake: () => void = () => {};

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.pending = Buffer.concat([this.pending, chunk]);
      this.wake();
    });
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Breaks the connection. */
  break(): void {
    this.socket.destroy();
  }

  /** The next command, its words between blanks; empty lines are passed over. */
  async next(): Promise<string> {
    for (;;) {
      while (this.pending[0] === 10) this.pending = this.pending.subarray(1);
      const isInline = this.pending.length > 0 && this.pending[0] !== 42;
      const end = isInline ? this.pending.indexOf('\n') : -1;
      if (isInline && end >= 0) {
        const text = this.pending.toString('latin1', 0, end).trimEnd();
        this.pending = this.pending.subarray(end + 1);
        return text;
      }
      const found = isInline || this.pending.length === 0 ? undefined : decode(this.pending);
      if (found !== undefined) {
        this.pending = this.pending.subarray(found.end);
        const { reply } = found;
        const items = 'items' in reply ? reply.items : [];
        return items
          .map((i) => ('bytes' in i ? Buffer.from(i.bytes).toString('latin1') : '?'))
          .join(' ');
      }
      await this.something();
    }
  }

  /** The next command that is no ACK. */
  async nextButAck(): Promise<string> {
    for (;;) {
      const text = await this.next();
      if (!text.startsWith('REPLCONF ACK')) return text;
    }
  }

  /** Waits for an acknowledgement of at least this offset; the offset that it has. */
  async ack(atLeast: number): Promise<number> {
    for (;;) {
      const [, offset] = /^REPLCONF ACK (\d+)$/.exec(await this.next()) ?? [];
      if (offset !== undefined && Number(offset) >= atLeast) return Number(offset);
    }
  }

  /** Answers the handshake up to PSYNC, which is returned. */
  async handshake(): Promise<string> {
    for (;;) {
      const text = await this.next();
      if (text.startsWith('PSYNC') || text === 'SYNC') return text;
      this.send(text === 'PING' ? '+PONG\r\n' : '+OK\r\n');
    }
  }

  /** Sends all data, after `handshake`. */
  full(rdb: Buffer, offset: number, form: 'length' | 'eof' = 'length', replid = REPLID): this {
    this.send(`+FULLRESYNC ${replid} ${offset}\r\n`);
    if (form === 'length') return this.send(`$${rdb.length}\r\n`).send(rdb);
    return this.send(`$EOF:${MARK}\r\n`).send(rdb).send(MARK);
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await this.something();
  }

  private something(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) {
        reject(new Error('the replica hung up'));
        return;
      }
      const timer = setTimeout(
        () => reject(new Error(`the replica says nothing: ${this.pending}`)),
        TIMEOUT_MS,
      );
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

export class ScriptedMaster {
  readonly port: number;
  private readonly server: net.Server;
  private readonly waiting: ReplicaLink[] = [];
  private readonly links: ReplicaLink[] = [];
  private wake: () => void = () => {};

  private constructor(server: net.Server) {
    this.server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (socket) => {
      const link = new ReplicaLink(socket);
      this.links.push(link);
      this.waiting.push(link);
      this.wake();
    });
  }

  static async start(): Promise<ScriptedMaster> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedMaster(server);
  }

  /** The next replica that connects. */
  async accept(): Promise<ReplicaLink> {
    for (;;) {
      const link = this.waiting.shift();
      if (link !== undefined) return link;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no replica has come')), TIMEOUT_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): Promise<void> {
    for (const link of this.links) link.break();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
