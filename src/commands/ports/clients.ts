/**
 * All clients as commands see them: who is there, who waits, who is shown what others run.
 * `src/server/clients.ts`, `blocking.ts` and `monitors.ts` implement it.
 */
import type { Args } from '../../util/args.ts';
import type { SessionPort } from './session.ts';

/** What CLIENT PAUSE suspends: writes, or all commands. */
export type PauseMode = 'write' | 'all';

/** Everyone who is connected. */
export interface ClientsPort {
  /** Every open session, oldest first. */
  all(): Iterable<SessionPort>;
  /** A session by its id. O(1). */
  byId(id: number): SessionPort | undefined;
  /** Suspends commands until `untilMs` (wall clock). */
  pause(untilMs: number, mode: PauseMode): void;
  /** Ends a pause. */
  unpause(): void;
}

/** The sessions that wait for a key. */
export interface BlockingPort {
  /** Ends a session's wait, with an error or as its timeout would. Returns whether it waited. */
  unblock(session: SessionPort, withError: boolean): boolean;
}

/** The sessions that are shown all commands. */
export interface MonitorsPort {
  add(session: SessionPort): void;
  remove(session: SessionPort): void;
  /** Shows EVAL's or FCALL's own line, before those of the commands that its script calls. */
  showScript(session: SessionPort, args: Args): void;
}
