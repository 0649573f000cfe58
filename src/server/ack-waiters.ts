/**
 * Clients that wait until what they wrote is where they want it: on replicas (WAIT), on disks
 * (WAITAOF).
 */
import type { Session } from '../session/session.ts';
import type { CommandError } from '../util/errors.ts';
import type { Blocking } from './blocking.ts';

interface Waiter {
  readonly isDone: () => boolean;
  readonly failure: (() => CommandError | undefined) | undefined;
}

export class AckWaiters {
  private readonly blocking: Blocking;
  private readonly waiters = new Map<Session, Waiter>();

  constructor(blocking: Blocking) {
    this.blocking = blocking;
  }

  /** The session's command is about to block; its timeout tells what there is then. */
  add(session: Session, isDone: () => boolean, failure?: () => CommandError | undefined): void {
    this.waiters.set(session, { isDone, failure });
  }

  /** Ends the wait of those who have what they wait for, or cannot get it. O(waiters). */
  check(): void {
    for (const [session, { isDone, failure }] of this.waiters) {
      const error = failure?.();
      // It was served otherwise: by its timeout, by CLIENT UNBLOCK.
      if (session.closed || !session.blocked) this.waiters.delete(session);
      else if (error !== undefined) {
        this.waiters.delete(session);
        this.blocking.fail(session, error.line);
      } else if (isDone()) {
        this.waiters.delete(session);
        this.blocking.unblock(session, false);
      }
    }
  }
}
