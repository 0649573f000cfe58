/**
 * A client in this process: no socket, no bytes of requests. A call writes its arguments where a
 * parser would have found them, runs, and reads its reply from the shared buffer. What cannot be
 * answered at once (a command that blocks, a pause, a barrier) comes through the transport
 * later, as to any client.
 */
import Denque from 'denque';
import { type ReadValue, ReplyReader } from '../resp/reply-reader.ts';
import type { Server } from '../server/server.ts';
import type { Transport } from '../session/client.ts';
import type { Session } from '../session/session.ts';
import { Args } from '../util/args.ts';
import type {
  CommandArgument,
  LocalClient,
  LocalClientOptions,
  ReplyOf,
  ReplyValue,
} from './local-types.ts';
import { ReplyError } from './reply-error.ts';

const SCRATCH_BYTES = 16 * 1024;
/** Texts shorter than this are written by a loop: cheaper than a call into the runtime. */
const LOOP_MAX = 40;

interface Pending {
  resolve(value: never): void;
  reject(error: Error): void;
  /** Whether its only answer is a push message. */
  readonly takesPush: boolean;
}

/** What connects a session to a receiver in this process. */
export class LocalTransport implements Transport {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 0;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 0;
  readonly unixPath = undefined;
  readonly fd = -1;
  readonly encrypted = false;
  session: Session | undefined;
  private readonly receive: (buf: Buffer, from: number, end: number) => void;
  private readonly ended: () => void;
  private open = true;

  /** `receive` must take what it needs of the bytes during the call. */
  constructor(receive: (buf: Buffer, from: number, end: number) => void, ended: () => void) {
    this.receive = receive;
    this.ended = ended;
  }

  get unsentBytes(): number {
    return 0;
  }

  write(buf: Buffer, from: number, end: number): boolean {
    if (this.open) this.receive(buf, from, end);
    return true;
  }

  writeCopy(buf: Buffer, from: number, end: number): boolean {
    return this.write(buf, from, end);
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (!this.open) return;
    this.open = false;
    // As a socket does: not within the call.
    void Promise.resolve().then(() => {
      this.session?.connectionClosed();
      this.ended();
    });
  }
}

export class InProcessClient implements LocalClient {
  private readonly server: Server;
  private readonly transport: LocalTransport;
  private readonly session: Session;
  private readonly args = new Args(Buffer.allocUnsafeSlow(SCRATCH_BYTES));
  private scratch: Buffer;
  private at = 0;
  private readonly reader = new ReplyReader((line) => new ReplyError(line));
  private readonly pending = new Denque<Pending>();
  /** Calls made while a command is being run: they come after it. */
  private readonly later = new Denque<() => void>();
  private pushListener: ((push: readonly ReplyValue[]) => void) | undefined;
  private closed = false;

  constructor(server: Server, options: LocalClientOptions = {}) {
    this.server = server;
    this.scratch = this.args.buf as Buffer;
    this.reader.buffers = options.buffers === true;
    this.transport = new LocalTransport(
      (buf, from, end) => this.received(buf, from, end),
      () => this.ended(),
    );
    this.session = server.clients.openLocal(this.transport);
    this.session.respVersion = 3;
    this.transport.session = this.session;
  }

  get id(): number {
    return this.session.id;
  }

  exec<Name extends string>(
    name: Name,
    ...args: readonly CommandArgument[]
  ): Promise<ReplyOf<Name>> {
    if (this.closed) return Promise.reject(new Error('the client is closed'));
    const { server, session } = this;
    if (server.output.isServing || this.later.length > 0) return this.execLater(name, args);
    try {
      this.encode(name, args);
    } catch (error) {
      return Promise.reject(error);
    }
    const vector = this.args;
    if (session.isWaiting) {
      session.postponed.push(vector.copy());
      return this.wait(name);
    }
    const { reply } = server;
    const muted = session.isMuted;
    const start = reply.pos;
    server.pipeline.direct(session, vector);
    if (server.output.barrier !== undefined || session.outbox !== undefined || session.closing) {
      const answered = reply.pos > start;
      const result =
        answered || !muted ? this.wait<ReplyOf<Name>>(name) : Promise.resolve(null as never);
      server.output.flush(session);
      return result;
    }
    if (reply.pos === start) {
      if (muted || session.replyMode !== 'on') return Promise.resolve(null as never);
      return this.wait(name);
    }
    const { reader } = this;
    reader.begin(reply.buf, start);
    let value: ReadValue = null;
    let found = false;
    while (reader.pos < reply.pos) {
      const item = reader.next();
      if (reader.isPush) {
        this.tell(item);
        // SUBSCRIBE's only answer.
        if (!found) value = item;
      } else {
        value = item;
        found = true;
      }
    }
    reader.end();
    if (start === 0) reply.clear();
    else reply.rollback(start);
    if (value instanceof Error) return Promise.reject(value);
    return Promise.resolve(value as never);
  }

  onPush(listener: (push: readonly ReplyValue[]) => void): void {
    this.pushListener = listener;
  }

  close(): void {
    if (!this.closed) this.session.kill();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // ---- arguments ---------------------------------------------------------------------------

  private encode(name: string, args: readonly CommandArgument[]): void {
    const vector = this.args;
    vector.clear();
    this.at = 0;
    vector.buf = this.scratch;
    this.put(name);
    for (let i = 0; i < args.length; i++) this.put(args[i]!);
    vector.buf = this.scratch;
  }

  private put(value: CommandArgument): void {
    if (typeof value === 'string') this.putText(value);
    else if (typeof value === 'object' && value !== null && 'byteLength' in value) {
      const { length } = value;
      this.reserve(length);
      this.scratch.set(value, this.at);
      this.args.push(this.at, length);
      this.at += length;
    } else if (typeof value === 'number' || typeof value === 'bigint') this.putText(String(value));
    else throw new TypeError(`no argument of a command: ${String(value)}`);
  }

  private putText(text: string): void {
    const { length } = text;
    this.reserve(length * 3);
    const { scratch, at } = this;
    if (length < LOOP_MAX) {
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        scratch[at + i] = code;
      }
      if (i === length) {
        this.args.push(at, length);
        this.at = at + length;
        return;
      }
    }
    const bytes = scratch.write(text, at, 'utf8');
    this.args.push(at, bytes);
    this.at = at + bytes;
  }

  /** Room for an argument; a longer buffer keeps those before it in their places. */
  private reserve(bytes: number): void {
    if (this.at + bytes <= this.scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.scratch.length * 2, this.at + bytes));
    larger.set(this.scratch.subarray(0, this.at));
    this.scratch = larger;
  }

  // ---- what comes later --------------------------------------------------------------------

  private wait<Value>(name: string): Promise<Value> {
    const takesPush = /^[ps]?(un)?subscribe$/i.test(name);
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject, takesPush } as Pending);
    });
  }

  private execLater<Name extends string>(
    name: Name,
    args: readonly CommandArgument[],
  ): Promise<ReplyOf<Name>> {
    return new Promise((resolve, reject) => {
      if (this.later.isEmpty()) void Promise.resolve().then(() => this.runLater());
      this.later.push(() => {
        // Its turn: nothing is before it any more.
        this.exec(name, ...args).then(resolve, reject);
      });
    });
  }

  private runLater(): void {
    const calls = this.later.toArray();
    this.later.clear();
    for (const call of calls) call();
  }

  private received(buf: Buffer, from: number, end: number): void {
    const { reader } = this;
    reader.begin(buf, from);
    while (reader.pos < end) {
      const value = reader.next();
      const { isPush } = reader;
      const answers = !isPush || this.pending.peekFront()?.takesPush === true;
      const pending = answers ? this.pending.shift() : undefined;
      if (isPush && pending !== undefined) this.tell(value);
      if (pending === undefined) this.tell(value);
      else if (value instanceof Error) pending.reject(value);
      else pending.resolve(value as never);
    }
    reader.end();
  }

  /** Not within the call: a listener may call `exec`. */
  private tell(message: ReadValue): void {
    const { pushListener } = this;
    if (pushListener === undefined) return;
    const push = Array.isArray(message) ? message : [message];
    void Promise.resolve().then(() => pushListener(push as ReplyValue[]));
  }

  private ended(): void {
    this.closed = true;
    for (;;) {
      const pending = this.pending.shift();
      if (pending === undefined) return;
      pending.reject(new Error('the connection was closed'));
    }
  }
}
