/**
 * Puts a server back to its beginning without closing it: for tests, between cases. Each part takes
 * constant time, or time for each client: memory is given back later, in slices.
 *
 * What a client's library has agreed with the server when it connected (protocol version, name,
 * database, user) and its subscriptions stay: the library would not know that they are gone.
 */
import type { Session } from '../session/session.ts';
import type { Server } from './server.ts';

/** Scripts and function libraries are forgotten. */
export function resetScripts(server: Server): void {
  const { scripts } = server;
  scripts.flush();
  if (scripts.functions.size === 0) return;
  scripts.flushLibraries();
  const { journal } = server.keyspace.changes;
  if (journal.isRead) journal.line(0, 'FUNCTION').text('FLUSH');
  journal.endUnit();
}

/** A server that was made a replica is a master again, or follows the master it began with. */
export function resetRole({ config, replica }: Server, initial: readonly string[]): void {
  const before = config.changedSince(initial).find(([name]) => name === 'replicaof');
  if (before === undefined) return;
  const [host = '', port = ''] = before[1].split(' ');
  if (host === '') replica.promote();
  else replica.follow(host, Number(port));
}

/** Directives get the values that `Config.texts` has told before. O(directives). */
export function resetConfig({ config }: Server, initial: readonly string[]): void {
  const changed = config.changedSince(initial);
  if (changed.length > 0) config.set(changed);
}

/** What clients have begun is given up: transactions, waits, pauses, MONITOR, tracking, HOTKEYS. */
export function resetClients(server: Server): void {
  server.pause.end();
  server.hotKeys.reset();
  for (const session of [...server.clients.all()]) resetClient(server, session);
}

function resetClient(server: Server, session: Session): void {
  server.blocking.unblock(session, false);
  server.keyspace.changes.watches.forget(session.transaction);
  session.transaction.end();
  server.tracking.disable(session);
  server.monitors.remove(session);
  session.replyMode = 'on';
  session.noEvict = false;
  session.noTouch = false;
}
