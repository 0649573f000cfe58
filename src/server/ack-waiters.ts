/**
 * Clients that wait until so many replicas have acknowledged what they wrote (WAIT).
 */
import type { Session } from '../session/session.ts';
import type { Blocking } from './blocking.ts';

interface Waiter {
  readonly offset: number;
  readonly replicas: number;
}

export class AckWaiters {
  private readonly blocking: Blocking;
  private readonly count: (offset: number) => number;
  private readonly waiters = new Map<Session, Waiter>();

  /** `count` tells how many replicas have acknowledged an offset. */
  constructor(blocking: Blocking, count: (offset: number) => number) {
    this.blocking = blocking;
    this.count = count;
  }

  /** The session's command is about to block; its timeout gives the number that there is then. */
  add(session: Session, offset: number, replicas: number): void {
    this.waiters.set(session, { offset, replicas });
  }

  /** Ends the wait of those who have what they wait for. O(waiters). */
  check(): void {
    for (const [session, { offset, replicas }] of this.waiters) {
      // It was served otherwise: by its timeout, by CLIENT UNBLOCK.
      if (session.closed || !session.blocked) this.waiters.delete(session);
      else if (this.count(offset) >= replicas) {
        this.waiters.delete(session);
        this.blocking.unblock(session, false);
      }
    }
  }
}
