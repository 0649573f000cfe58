/**
 * Replication put together: the history of the data and its stream, which both parts share, and
 * the parts themselves. A server is a master until it follows one; it may have replicas of its own
 * in either role. As a master it feeds the stream from the journal, as a replica with the bytes of
 * its master's stream, unchanged.
 */
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

/** This server's part as a replica, as the other parts see it; there while it has a master. */
export interface Following {
  /** Whether the link is up: data received, stream flowing. */
  readonly isUp: boolean;
  /** Database selected in the master's stream, for an RDB file; undefined when none is known. */
  readonly streamDb: number | undefined;
  /** A file was loaded that says where in a history its data is. */
  loaded(position: StreamPosition): void;
  /** INFO's lines that follow `role:slave`. */
  infoLines(): readonly InfoLine[];
}

/** This server's part as the one who has replicas. */
export interface Replicas {
  readonly count: number;
  /** There are more bytes in the stream. */
  fed(): void;
  /** Ends all links: who is there continues with the next request, if it may. */
  disconnectAll(): void;
  /** INFO's lines about them. */
  infoLines(): readonly InfoLine[];
}

export interface ReplicationParts {
  readonly config: Config;
  readonly journal: Journal;
}

export class Replication {
  readonly identity = new ReplicationIdentity();
  readonly propagation: Propagation;
  /** The stream; there from the first replica, or the first sync with a master, on. */
  backlog: Backlog | undefined = undefined;
  /** Set while this server follows a master. */
  following: Following | undefined = undefined;
  /** Those who follow this server. */
  replicas: Replicas | undefined = undefined;
  private readonly config: Config;

  constructor({ config, journal }: ReplicationParts) {
    this.config = config;
    this.propagation = new Propagation(journal, () => this.replicas?.fed());
    config.onChange('repl-backlog-size', () => {
      if (this.backlog !== undefined) this.backlog.size = config.number('repl-backlog-size');
    });
  }

  get isReplica(): boolean {
    return this.following !== undefined;
  }

  /** Begins a stream at the present offset, without what was before. */
  startBacklog(): Backlog {
    const backlog = new Backlog(this.identity, this.config.number('repl-backlog-size'));
    this.backlog = backlog;
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
    this.replicas?.fed();
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
    const { backlog, following, identity, replicas } = this;
    return [
      ['role', following === undefined ? 'master' : 'slave'],
      ...(following?.infoLines() ?? []),
      ...(replicas?.infoLines() ?? [['connected_slaves', 0] as const]),
      ['master_failover_state', 'no-failover'],
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
