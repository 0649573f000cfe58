/** Moments of all data, kept and put back. */
import type { KeyspaceMark, SharedKeyspace } from '../keyspace/keyspace.ts';
import type { Server } from '../server/server.ts';
import type { SharedSnapshot, StateSnapshot } from './state-types.ts';

/** What is posted to other threads. */
interface Shared extends SharedSnapshot {
  readonly data: SharedKeyspace;
}

export class ServerSnapshot implements StateSnapshot {
  readonly server: Server;
  private readonly mark: KeyspaceMark;
  private shared: Shared | undefined;
  private disposed = false;

  constructor(server: Server) {
    this.server = server;
    // What is being freed would be freed anew after each restore.
    while (server.keyspace.freeGarbage(10_000));
    this.mark = server.keyspace.mark();
  }

  get keys(): number {
    return this.mark.keys;
  }

  share(): SharedSnapshot {
    if (this.shared !== undefined) return this.shared;
    this.check();
    const data = this.server.keyspace.share(this.mark);
    this.shared = { respite: 'snapshot', data };
    return this.shared;
  }

  /** Puts the data of its server back. */
  restore(): void {
    this.check();
    const { blocking, keyspace } = this.server;
    keyspace.rewind(this.mark);
    keyspace.changes.journal.endUnit();
    blocking.serve();
    void this.server.dataReplaced().catch(() => {});
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.mark.arena.snapshot.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private check(): void {
    if (this.disposed) throw new Error('the snapshot is disposed of');
  }
}

/** The data a server begins with. */
export function sharedOf(from: StateSnapshot | SharedSnapshot): SharedKeyspace {
  const shared = 'share' in from ? from.share() : from;
  if (!('data' in shared)) throw new TypeError('from: no snapshot of a server');
  return (shared as Shared).data;
}
