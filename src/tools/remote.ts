/**
 * Talks to a running server: what `respite ping`, `info` and `top` need of a client, in RESP2.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { clearTimeout, setTimeout } from '../util/timers.ts';

/** Where the server is and who asks; names as redis-cli has them. */
export interface RemoteOptions {
  readonly host: string;
  readonly port: number;
  /** Path of a unix socket instead. */
  readonly socket?: string | undefined;
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly tls?: boolean | undefined;
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Whether any certificate will do. */
  readonly insecure?: boolean | undefined;
}

export type RemoteReply = string | number | null | Error | readonly RemoteReply[];

const TIMEOUT_MS = 5000;

interface Waiting {
  readonly resolve: (reply: RemoteReply) => void;
  readonly reject: (error: Error) => void;
}

export class Remote {
  private readonly socket: Socket;
  private pending = Buffer.alloc(0);
  private readonly waiting: Waiting[] = [];
  private failure: Error | undefined = undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  /** Connects and logs in. Rejects with what is wrong, in one line. */
  static async open(options: RemoteOptions): Promise<Remote> {
    const where = options.socket ?? `${options.host}:${options.port}`;
    const socket = options.tls === true ? dialTls(options) : dial(options);
    const remote = new Remote(socket);
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string) => {
        socket.destroy();
        reject(new Error(`could not connect to ${where}: ${reason}`));
      };
      const timer = setTimeout(() => fail('no answer'), TIMEOUT_MS);
      socket.once(options.tls === true ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        fail(error.code === 'ECONNREFUSED' ? 'nothing listens there' : error.message);
      });
    });
    const { user, pass } = options;
    if (pass !== undefined) {
      const words = user === undefined ? [pass] : [user, pass];
      const reply = await remote.call('AUTH', ...words);
      if (reply instanceof Error) {
        remote.close();
        throw reply;
      }
    }
    return remote;
  }

  /** Sends a command; its reply, an error reply as an Error. Rejects when there comes none. */
  call(...words: readonly string[]): Promise<RemoteReply> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const args = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.socket.write(`*${words.length}\r\n${args.join('')}`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.fail(new Error('the server does not answer')),
        TIMEOUT_MS,
      );
      this.waiting.push({
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  /** As `call`, for replies that are a text. Rejects on an error reply. */
  async text(...words: readonly string[]): Promise<string> {
    const reply = await this.call(...words);
    if (reply instanceof Error) throw reply;
    return String(reply);
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const found = readReply(this.pending, 0);
      if (found === undefined) return;
      this.pending = this.pending.subarray(found.end);
      this.waiting.shift()?.resolve(found.reply);
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
    this.socket.destroy();
  }
}

function dial({ socket, host, port }: RemoteOptions): Socket {
  return socket === undefined ? connect({ host, port }) : connect({ path: socket });
}

function dialTls({ host, port, cacert, cert, key, insecure }: RemoteOptions): Socket {
  const content = (file: string | undefined) =>
    file === undefined ? undefined : readFileSync(file);
  // Here and not above: the command line is one script, and a server's start shall not load this.
  return process.getBuiltinModule('node:tls').connect({
    host,
    port,
    ca: content(cacert),
    cert: content(cert),
    key: content(key),
    rejectUnauthorized: insecure !== true,
    // As redis-cli: who has signed the certificate counts, not the name in it.
    checkServerIdentity: () => undefined,
  });
}

/** The reply at an offset, undefined while it is not all there. */
function readReply(buf: Buffer, at: number): { reply: RemoteReply; end: number } | undefined {
  const eol = buf.indexOf('\r\n', at);
  if (eol < 0) return undefined;
  const line = buf.toString('utf8', at + 1, eol);
  const next = eol + 2;
  switch (String.fromCharCode(buf[at]!)) {
    case '+':
      return { reply: line, end: next };
    case '-':
      return { reply: new Error(line), end: next };
    case ':':
      return { reply: Number(line), end: next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      const end = next + length + 2;
      if (buf.length < end) return undefined;
      return { reply: buf.toString('utf8', next, next + length), end };
    }
    default:
      return readArray(buf, Number(line), next);
  }
}

function readArray(
  buf: Buffer,
  count: number,
  from: number,
): { reply: RemoteReply; end: number } | undefined {
  if (!(count >= 0)) return { reply: null, end: from };
  const items: RemoteReply[] = [];
  let end = from;
  for (let i = 0; i < count; i++) {
    const item = readReply(buf, end);
    if (item === undefined) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: items, end };
}
