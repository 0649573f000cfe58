/**
 * What a master knows of a client that is a replica, or is about to become one: what it has said of
 * itself (REPLCONF), how far its copy is, and what it has acknowledged. It moves no byte.
 */
import type { BacklogCursor } from './backlog.ts';

/**
 * How far the copy is. `waitStart`: a snapshot for it has not begun; `waitEnd`: one is being made
 * (and, without a disk, sent); `sendBulk`: a file is being sent; `online`: it has all data and
 * follows the stream. `none`: an ordinary client, so far.
 */
export type ReplicaPhase = 'none' | 'waitStart' | 'waitEnd' | 'sendBulk' | 'online';

/** `state=` in INFO, by phase. */
export const shownPhases: Readonly<Record<ReplicaPhase, string>> = {
  none: '',
  waitStart: 'wait_bgsave',
  waitEnd: 'wait_bgsave',
  sendBulk: 'send_bulk',
  online: 'online',
};

export class ReplicaPeer {
  /** REPLCONF listening-port and ip-address: where it says that it can be reached. */
  listeningPort = 0;
  ipAddress = '';
  /** REPLCONF capa: takes data that ends with a mark; understands an id after +CONTINUE. */
  takesMarkedData = false;
  takesNewIds = false;
  /** REPLCONF rdb-only: wants the data and no stream. */
  rdbOnly = false;
  /** REPLCONF rdb-filter-only: what of the data it wants. */
  withData = true;
  withFunctions = true;
  phase: ReplicaPhase = 'none';
  /** It came by SYNC: it knows no offsets and acknowledges nothing. */
  isOld = false;
  /** Offset of its snapshot. */
  snapshotOffset = 0;
  /** Bytes of the stream that it has applied, as it says, and that are on its disk. */
  ackOffset = 0;
  fsyncedOffset = 0;
  /** When it was last heard of. */
  ackMs = 0;
  /** When it began to wait for its copy. */
  waitingSinceMs = 0;
  /** The stream is held back until its first acknowledgement (it looks for the mark till then). */
  streamsOnAck = false;
  /** Its place in the stream; undefined when it does not follow it. */
  cursor: BacklogCursor | undefined = undefined;

  /** Whether it counts as a replica. */
  get isAttached(): boolean {
    return this.phase !== 'none';
  }

  get isOnline(): boolean {
    return this.phase === 'online';
  }

  /** Bytes of the stream that it has not been sent. They are shared with other replicas. */
  get queuedBytes(): number {
    return this.cursor?.lag ?? 0;
  }

  /** Whether it wants less than everything. */
  get isFiltered(): boolean {
    return !this.withData || !this.withFunctions;
  }

  /** Whether one snapshot serves both. */
  wantsSame(other: ReplicaPeer): boolean {
    return this.withData === other.withData && this.withFunctions === other.withFunctions;
  }

  /** Whether it understands all that `other` does. */
  understands(other: ReplicaPeer): boolean {
    return (
      (this.takesMarkedData || !other.takesMarkedData) && (this.takesNewIds || !other.takesNewIds)
    );
  }

  /** It says how far it is; it never goes back. */
  acknowledge(offset: number, nowMs: number): void {
    this.ackOffset = Math.max(this.ackOffset, offset);
    this.ackMs = nowMs;
  }

  /** It is no replica any more. */
  detach(): void {
    this.phase = 'none';
    this.cursor?.release();
    this.cursor = undefined;
  }
}
