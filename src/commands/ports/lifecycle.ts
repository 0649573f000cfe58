/**
 * The server's life as commands see it. `src/server/lifecycle.ts` implements it.
 */
import type { SessionPort } from './session.ts';

/** What SHUTDOWN was asked to do. */
export interface ShutdownRequest {
  readonly save: 'default' | 'save' | 'nosave';
  readonly now: boolean;
  readonly force: boolean;
  readonly abort: boolean;
}

/** Version and the end. */
export interface LifecyclePort {
  /** The Redis version that clients are told. */
  readonly version: string;
  /** Whether OBJECT ENCODING calls small lists `listpack`, as Redis 7.2 does. */
  readonly tellsSmallLists: boolean;
  /** Whether XINFO has the fields of Redis 7.2 about consumers. */
  readonly tellsActiveTimes: boolean;
  /**
   * Starts an orderly end, or gives one up; throws CommandError when refused. Returns whether
   * replicas are waited for: the client is to wait then (`awaitEnd`).
   */
  shutdown(request: ShutdownRequest): boolean;
  /** The session is about to block until the end, or until it is told that there is none. */
  awaitEnd(session: SessionPort): void;
  /** It waits no longer: CLIENT UNBLOCK. */
  awaitNoMore(session: SessionPort): void;
}
