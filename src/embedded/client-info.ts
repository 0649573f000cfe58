/** What a program is told of a client. */
import type { Session } from '../session/session.ts';
import type { ClientInfo } from './client-types.ts';

export function clientInfo(session: Session): ClientInfo {
  const { id, name, address, user, dbIndex } = session;
  return { id, name, address, user: user.name, db: dbIndex };
}
