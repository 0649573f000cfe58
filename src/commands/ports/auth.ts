/**
 * Users and passwords as commands see them. `src/server/auth.ts` implements it.
 */
import type { SessionPort } from './session.ts';

/** Who may log in. */
export interface AuthPort {
  /** Logs a session in when user and password match; false when they don't. */
  authenticate(session: SessionPort, user: string, password: Uint8Array): boolean;
}
