/**
 * How a replica is called: by what it has said of itself, as far as it has.
 */
import type { Session } from '../session/session.ts';

/** The address that a replica can be reached at, as far as is known. */
export function hostOf(session: Session): string {
  return session.replica?.ipAddress || session.connection.remoteAddress;
}

/** A replica as the log names it: by the address it can be reached at. */
export function nameOf(session: Session): string {
  const port = session.replica?.listeningPort ?? 0;
  return port > 0 ? `${hostOf(session)}:${port}` : `client id #${session.id}`;
}
