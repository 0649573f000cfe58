/**
 * Receives connections for TLS: makes encrypted ones of them, watches their handshakes, ends those
 * that take too long, and says in the log which failed.
 */
import type { Socket } from 'node:net';
import { setInterval } from '../util/timers.ts';
import { TlsConnection, type TlsTerms } from './tls-connection.ts';

/** A handshake may take so long: many times what a slow line and a storm of others need. */
const HANDSHAKE_MS = 30_000;
const SWEEP_MS = 5_000;

export class TlsAcceptor {
  /** Terms for those who come next; connections that are there keep theirs. */
  terms: TlsTerms | undefined = undefined;
  /** Failed handshakes since the start. */
  failures = 0;
  private readonly report: (message: string) => void;
  private readonly now: () => number;
  /** Connections within their handshake, oldest first, and when it began. */
  private readonly pending = new Map<TlsConnection, number>();
  private sweeper: NodeJS.Timeout | undefined = undefined;

  /** `now` counts milliseconds from any moment; `report` gets lines for the log. */
  constructor(now: () => number, report: (message: string) => void) {
    this.now = now;
    this.report = report;
  }

  /** An encrypted connection over an accepted, paused socket. */
  receive(accepted: Socket, readBuffer: Buffer): TlsConnection {
    if (this.terms === undefined) throw new Error('TLS is not configured');
    const connection = new TlsConnection(accepted, readBuffer, this.terms, this);
    this.pending.set(connection, this.now());
    this.sweeper ??= setInterval(() => this.sweep(this.now()), SWEEP_MS).unref();
    return connection;
  }

  done(connection: TlsConnection): void {
    this.forget(connection);
  }

  failed(connection: TlsConnection, reason: string): void {
    this.forget(connection);
    this.failures++;
    const { remoteAddress, remotePort } = connection;
    this.report(
      `Error accepting a client connection: ${reason} (addr=${remoteAddress}:${remotePort})`,
    );
  }

  /** Stops watching. */
  close(): void {
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }

  private forget(connection: TlsConnection): void {
    this.pending.delete(connection);
    if (this.pending.size === 0) this.close();
  }

  /** Ends handshakes that began too long before `now`. */
  sweep(now: number): void {
    const limit = now - HANDSHAKE_MS;
    for (const [connection, since] of this.pending) {
      if (since > limit) return;
      connection.giveUp('the handshake took too long');
    }
  }
}
