/**
 * Sums over all clients: their memory, the largest buffers. With many clients they may
 * be a moment old: INFO need not walk over thousands of them.
 */
import type { Session } from '../session/session.ts';

/** So many clients are walked over whenever somebody asks. */
const FEW = 100;
/**
 * With more, a walk is paid for by this long a rest for each: 5000 clients are walked twice a
 * second.
 */
const REST_MS = 0.1;

export class ClientFigures {
  /** Bytes that all clients cost. */
  memoryBytes = 0;
  /** Largest number of unread bytes of one client. */
  biggestInput = 0;
  /** Largest number of unsent bytes of one client. */
  biggestOutput = 0;
  private readonly clients: { readonly size: number; all(): Iterable<Session> };
  private walkedMs = 0;

  constructor(clients: { readonly size: number; all(): Iterable<Session> }) {
    this.clients = clients;
  }

  /** Renews the figures if there are few clients. O(100). */
  refresh(): this {
    if (this.clients.size <= FEW) this.walk();
    return this;
  }

  /** Renews the figures when it is time to; `nowMs` is the wall clock. Called by the cron. */
  sample(nowMs: number): void {
    const age = Math.abs(nowMs - this.walkedMs);
    if (age < this.clients.size * REST_MS) return;
    this.walkedMs = nowMs;
    this.walk();
  }

  private walk(): void {
    this.memoryBytes = 0;
    this.biggestInput = 0;
    this.biggestOutput = 0;
    for (const session of this.clients.all()) {
      this.memoryBytes += session.memoryBytes();
      this.biggestInput = Math.max(this.biggestInput, session.parser.bufferedBytes);
      this.biggestOutput = Math.max(this.biggestOutput, session.connection.unsentBytes);
    }
  }
}
