/**
 * What the ACL asks of a session.
 */
import type { Where } from '../acl/log.ts';
import type { User } from '../acl/user.ts';
import type { SessionPort } from '../commands/ports/session.ts';

/** Where the session's present command was asked for. */
export function contextOf(session: SessionPort): Where {
  return session.transaction.isOpen ? 'multi' : 'toplevel';
}

/** Whether a session is subscribed to something that its user may not listen to. */
export function listensToMore({ subscriptions }: SessionPort, user: User): boolean {
  if (subscriptions === undefined) return false;
  const bytes = (name: string) => Buffer.from(name, 'latin1');
  const { channel, pattern, shardChannel } = subscriptions;
  return (
    [...pattern].some((name) => !user.mayListen(bytes(name), true)) ||
    [...channel, ...shardChannel].some((name) => !user.mayListen(bytes(name), false))
  );
}
