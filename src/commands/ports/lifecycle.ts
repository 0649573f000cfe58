/**
 * The server's life as commands see it. `src/server/lifecycle.ts` implements it.
 */

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
  /** Starts an orderly end; throws CommandError when refused. */
  shutdown(request: ShutdownRequest): void;
}
