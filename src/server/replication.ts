/**
 * Replication put together: the history of the data and its stream, which both parts share, and
 * the parts themselves. A server is a master until it follows one; it may have replicas of its own
 * in either role. As a master it feeds the stream from the journal, as a replica with the bytes of
 * its master's stream, unchanged.
 */
import type { ReplicationPort } from '../commands/ports/replication.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../keyspace/journal.ts';
import { Backlog } from '../replication/backlog.ts';
import {
  type AuxFields,
  ReplicationIdentity,
  type StreamPosition,
} from '../replication/identity.ts';
import { Propagation } from '../replication/propagation.ts';
import type { InfoLine } from './info.ts';
import type { ReplicationMemory } from './memory-figures.ts';
import type { FailoverPart, Following, Links, Roles } from './replication-parts.ts';

export interface ReplicationParts {
  readonly config: Config;
  readonly journal: Journal;
}

export class Replication implements ReplicationPort {
  readonly identity = new ReplicationIdentity();
  readonly propagation: Propagation;
  /** The stream; there from the first replica, or the first sync with a master, on. */
  backlog: Backlog | undefined = undefined;
  /** Set while this server follows a master. */
  following: Following | undefined = undefined;
  /** Who changes the role; the server sets it. */
  declare roles: Roles;
  /** Those who follow this server, and the planned change of roles; the server sets both. */
  declare replicas: Links;
  declare failover: FailoverPart;
  /** What the stream takes of memory. */
  readonly memory: ReplicationMemory;
  private readonly config: Config;

  constructor({ config, journal }: ReplicationParts) {
    this.config = config;
    this.propagation = new Propagation(journal, () => this.replicas.fed());
    this.memory = memoryOf(this);
    config.onChange('repl-backlog-size', () => {
      if (this.backlog !== undefined) this.backlog.size = config.number('repl-backlog-size');
    });
  }

  get isReplica(): boolean {
    return this.following !== undefined;
  }

  get offset(): number {
    return this.identity.offset;
  }

  /** Begins a stream at the present offset, without what was before. */
  startBacklog(): Backlog {
    const backlog = new Backlog(this.identity, this.config.number('repl-backlog-size'));
    this.backlog = backlog;
    this.replicas.restartTtl();
    this.emit();
    return backlog;
  }

  /** The stream ends here. Nobody may read it any more. */
  dropBacklog(): void {
    this.backlog = undefined;
    this.emit();
  }

  /** The role or the backlog has changed: effects go into the stream if they are to. */
  emit(): void {
    const { backlog, propagation } = this;
    if (backlog === undefined || this.isReplica) propagation.close();
    else propagation.open(backlog);
  }

  /** Bytes of the master's stream have been applied: they go on as they are. O(bytes). */
  feed(buf: Uint8Array, from: number, end: number): void {
    this.backlog!.feed(buf, from, end);
    this.replicas.fed();
  }

  /** A file was loaded at start that says where in a history its data is. */
  loaded(position: StreamPosition): void {
    const { following, identity } = this;
    if (following !== undefined) following.loaded(position);
    else {
      identity.restart(position);
      this.startBacklog();
    }
  }

  /**
   * The data is another one, and no effect has told of it: replicas get all of it. A replica's own
   * is its master's matter.
   */
  dataReplaced(): void {
    if (this.backlog === undefined || this.isReplica) return;
    this.identity.renew();
    this.replicas.disconnectAll();
    this.dropBacklog();
  }

  /** DEBUG CHANGE-REPL-ID. */
  changeReplicationId(): void {
    this.identity.renew();
  }

  /** What an RDB file written now says of the stream; nothing when there is none. */
  auxFields(): AuxFields {
    const { following, identity, propagation } = this;
    if (following !== undefined) {
      const db = following.streamDb;
      return db === undefined ? [] : identity.auxFields(db);
    }
    return this.backlog === undefined ? [] : identity.auxFields(propagation.selectedDb);
  }

  /** INFO replication. */
  infoLines(): InfoLine[] {
    const { backlog, failover, following, identity, replicas } = this;
    return [
      ['role', following === undefined ? 'master' : 'slave'],
      ...(following?.infoLines() ?? []),
      ...replicas.infoLines(),
      ['master_failover_state', failover.state],
      ['master_replid', identity.replid],
      ['master_replid2', identity.replid2],
      ['master_repl_offset', identity.offset],
      ['second_repl_offset', identity.secondOffset],
      ['repl_backlog_active', backlog === undefined ? 0 : 1],
      ['repl_backlog_size', this.config.number('repl-backlog-size')],
      ['repl_backlog_first_byte_offset', backlog?.firstOffset ?? 0],
      ['repl_backlog_histlen', backlog?.length ?? 0],
    ];
  }
}

/** The stream's memory: the backlog proper, and what lagging replicas hold it to. */
function memoryOf(replication: Replication): ReplicationMemory {
  const total = () => replication.backlog?.memoryBytes ?? 0;
  const size = () => replication.backlog?.size ?? 0;
  return {
    get backlog() {
      return Math.min(total(), size());
    },
    get buffers() {
      return total();
    },
    get owed() {
      return replication.replicas.count === 0 ? 0 : Math.max(0, total() - size());
    },
    get backlogSize() {
      return size();
    },
  };
}
