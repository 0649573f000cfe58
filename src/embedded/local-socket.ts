/**
 * A connection in this process that client libraries take for a socket: a Duplex whose other end
 * is a session. What is written runs when the writer is done with its turn, and its replies come
 * at once: no event loop, no kernel between.
 */
import { Duplex } from 'node:stream';
import type { Server } from '../server/server.ts';
import type { Session } from '../session/session.ts';
import { LocalTransport } from './local-client.ts';

export class LocalSocket extends Duplex {
  readonly connecting = false;
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort: number;
  private readonly server: Server;
  private readonly session: Session;
  private readonly transport: LocalTransport;
  /** What was written and has not run yet. */
  private written: Uint8Array[] = [];
  private isScheduled = false;

  constructor(server: Server) {
    super({ allowHalfOpen: false, decodeStrings: true });
    this.server = server;
    this.remotePort = server.port;
    this.transport = new LocalTransport(
      (buf, from, end) => {
        // The bytes are the server's again when this returns.
        this.push(Buffer.from(buf.subarray(from, end)));
      },
      () => {
        this.push(null);
        this.destroy();
      },
    );
    this.session = server.clients.openLocal(this.transport);
    this.session.authenticated = !server.gates.passwordRequired;
    this.transport.session = this.session;
  }

  // ---- what libraries ask of a socket ------------------------------------------------------

  readonly setTimeout = (): this => this;
  readonly setNoDelay = (): this => this;
  readonly setKeepAlive = (): this => this;
  readonly ref = (): this => this;
  readonly unref = (): this => this;

  // ---- Duplex ------------------------------------------------------------------------------

  override _read(): void {
    // Replies are pushed as they come; what is not read is kept by the stream.
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.accept(chunk);
    done();
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: () => void): void {
    for (const { chunk } of chunks) this.accept(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.run();
    this.session.kill();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.session.closed) this.session.kill();
    done(error);
  }

  /** Not now: a library notes what it waits for after it has written. */
  private accept(chunk: Uint8Array): void {
    this.written.push(chunk);
    if (this.isScheduled) return;
    this.isScheduled = true;
    void Promise.resolve().then(() => this.run());
  }

  private run(): void {
    const { server, session, written } = this;
    this.isScheduled = false;
    this.written = [];
    for (const chunk of written) session.received(chunk, chunk.length);
    if (!server.output.isServing) server.output.sendDue();
  }
}
