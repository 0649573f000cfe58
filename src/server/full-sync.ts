/**
 * Full copies of the data for replicas: who waits for one, when a snapshot begins for them, and
 * how its bytes get to them. Two forms, as redis-server 7.0.15 has them:
 *
 *     $EOF:<mark> <RDB bytes> <mark>      straight from the snapshot's thread to the sockets
 *     $<length> <RDB bytes>               a save to the RDB file, which is then sent
 *
 * The snapshot and the offset of the stream are of the same moment, and from that byte on the
 * stream is kept for each of them. Nothing is held in memory but what the sockets have not taken:
 * the thread gets on as the slowest replica takes, the file is read as its replica takes.
 */
import type { Config } from '../config/config.ts';
import type { RunningSnapshot } from '../persistence/snapshot/snapshot-writer.ts';
import type { ReplicaPeer } from '../replication/replica-peer.ts';
import type { Session } from '../session/session.ts';
import { randomBytes } from '../util/crypto.ts';
import { FileTransfer } from './file-transfer.ts';
import type { LogLevel } from './log.ts';
import type { Output } from './output.ts';
import type { Persistence } from './persistence.ts';
import { nameOf } from './replica-name.ts';
import type { Replication } from './replication.ts';

/** Pieces of a snapshot that are on their way at once. */
const PIECES = 4;
const MARK_LENGTH = 40;
const NEWLINE = Buffer.from('\n');
const couldNotSave = Buffer.from("-ERR BGSAVE failed, replication can't continue\r\n");

export interface FullSyncParts {
  readonly config: Config;
  readonly replication: Replication;
  readonly persistence: Persistence;
  readonly output: Output;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
  /** A replica has all data; false when it is not to follow the stream, but to end. */
  readonly online: (session: Session) => void;
}

/** A snapshot being made for replicas. */
interface Snapshot {
  readonly running: RunningSnapshot;
  readonly members: Set<Session>;
  /** Ends the data of the first form; undefined in the second one. */
  readonly mark: Buffer | undefined;
  /** Pieces that were handed over and are not granted anew yet. */
  pieces: number;
}

export class FullSync {
  private readonly parts: FullSyncParts;
  private readonly waiting = new Set<Session>();
  private snapshot: Snapshot | undefined = undefined;
  private readonly files = new Map<Session, FileTransfer>();
  /** When each receiver last took something. */
  private readonly tookMs = new Map<Session, number>();
  /** Whether the RDB file is there for replicas only (rdb-del-sync-files). */
  private fileIsOurs = false;

  constructor(parts: FullSyncParts) {
    this.parts = parts;
  }

  /** Puts a replica in line. It gets its data when the turn has ended, at the earliest. */
  add(session: Session): void {
    const { config, log, now } = this.parts;
    const peer = peerOf(session);
    peer.phase = 'waitStart';
    peer.waitingSinceMs = now();
    if (this.attach(session, peer)) return;
    this.waiting.add(session);
    const delayed =
      config.bool('repl-diskless-sync') &&
      config.number('repl-diskless-sync-delay') > 0 &&
      peer.takesMarkedData;
    if (this.snapshot !== undefined) log('notice', 'Waiting for the next snapshot for SYNC');
    else if (delayed) log('notice', 'Delay next snapshot for diskless SYNC');
  }

  /** A save to the file is being made for another replica that wants the same: it does for both. */
  private attach(session: Session, peer: ReplicaPeer): boolean {
    const { snapshot } = this;
    if (snapshot === undefined || snapshot.mark !== undefined) return false;
    for (const member of snapshot.members) {
      const other = peerOf(member);
      if (!peer.understands(other) || !peer.wantsSame(other)) continue;
      if (other.rdbOnly && !peer.rdbOnly) continue;
      if (!peer.rdbOnly) peer.cursor = other.cursor?.clone();
      snapshot.members.add(session);
      this.begin(session, peer, other.snapshotOffset);
      this.parts.log('notice', `Waiting for end of save for SYNC of ${nameOf(session)}`);
      return true;
    }
    return false;
  }

  /** The replica is gone. */
  forget(session: Session): void {
    this.waiting.delete(session);
    this.tookMs.delete(session);
    this.files.get(session)?.close();
    this.files.delete(session);
    const { snapshot } = this;
    if (snapshot?.members.delete(session) !== true) return;
    if (snapshot.mark === undefined) return;
    if (snapshot.members.size > 0) this.grant();
    else {
      this.parts.log('notice', 'Last replica of a diskless transfer is gone: giving it up');
      snapshot.running.cancel();
    }
  }

  /** The replica has taken all it was sent. Returns whether it is still getting its data. */
  drained(session: Session): boolean {
    if (this.tookMs.has(session)) this.tookMs.set(session, this.parts.now());
    const file = this.files.get(session);
    if (file !== undefined) {
      file.proceed();
      return true;
    }
    if (this.snapshot?.members.has(session) !== true) return false;
    this.grant();
    return true;
  }

  /** Called by the cron. */
  tick(): void {
    this.beginIfDue();
    this.removeFile();
  }

  /** Once a second: signs of life for those who wait, and the end of those who take nothing. */
  everySecond(nowMs: number, timeoutMs: number): void {
    const { output } = this.parts;
    for (const session of this.waiting) output.stream(session, NEWLINE, 0, 1);
    const { snapshot } = this;
    if (snapshot !== undefined && snapshot.mark === undefined) {
      for (const session of snapshot.members) output.stream(session, NEWLINE, 0, 1);
    }
    for (const [session, tookMs] of this.tookMs) {
      if (session.connection.unsentBytes === 0) this.tookMs.set(session, nowMs);
      else if (nowMs - tookMs > timeoutMs) {
        this.parts.log('warning', `Disconnecting timedout replica (full sync): ${nameOf(session)}`);
        session.kill();
      }
    }
  }

  // ---- beginning -----------------------------------------------------------------------------

  /** Begins a snapshot when it is time to. No unit of effects may be half done. */
  beginIfDue(): void {
    const { config, now, persistence } = this.parts;
    if (this.waiting.size === 0 || !persistence.isFree) return;
    const group = this.firstGroup();
    const isMarked = group.every((session) => peerOf(session).takesMarkedData);
    const isDiskless = config.bool('repl-diskless-sync');
    if (isDiskless && isMarked) {
      const most = config.number('repl-diskless-sync-max-replicas');
      const delayMs = config.number('repl-diskless-sync-delay') * 1000;
      const longest = Math.max(...group.map((s) => now() - peerOf(s).waitingSinceMs));
      if (longest < delayMs && (most === 0 || group.length < most)) return;
    }
    const first = peerOf(group[0]!);
    if ((isDiskless || first.isFiltered) && isMarked) this.beginStream(group, first);
    else this.beginFile(group);
  }

  /** Those of the waiting who want the same as the first one. */
  private firstGroup(): Session[] {
    const all = [...this.waiting];
    const first = peerOf(all[0]!);
    return all.filter((session) => peerOf(session).wantsSame(first));
  }

  private beginStream(group: readonly Session[], first: ReplicaPeer): void {
    const { log, output, persistence } = this.parts;
    const parts = { data: first.withData, functions: first.withFunctions };
    const running = persistence.streamForReplicas(parts, (piece) => this.piece(piece));
    if (running === undefined) {
      this.refuse(group);
      return;
    }
    log('notice', 'Background transfer of the data to replicas started');
    const mark = Buffer.from(randomBytes(MARK_LENGTH / 2).toString('hex'), 'latin1');
    const snapshot = { running, members: new Set(group), mark, pieces: 0 };
    this.snapshot = snapshot;
    const { offset } = this.parts.replication.identity;
    for (const session of group) this.join(session, offset);
    const head = Buffer.concat([Buffer.from('$EOF:'), mark, Buffer.from('\r\n')]);
    for (const session of group) output.stream(session, head, 0, head.length);
    running.done.then(
      () => this.streamed(snapshot),
      (error: unknown) => this.failed(snapshot, error),
    );
    // The snapshot may hold what is not on the disk yet, and must not reveal it (the barrier).
    output.whenSafe(() => running.grant(PIECES));
  }

  private beginFile(group: readonly Session[]): void {
    const { config, log, persistence } = this.parts;
    const running = persistence.saveForReplicas();
    if (running === undefined) {
      this.refuse(group);
      return;
    }
    log('notice', 'Starting a save for replicas, with target: disk');
    this.fileIsOurs = config.string('save') === '' && !config.bool('appendonly');
    const snapshot = { running, members: new Set(group), mark: undefined, pieces: 0 };
    this.snapshot = snapshot;
    const { offset } = this.parts.replication.identity;
    for (const session of group) this.join(session, offset);
    running.done.then(
      () => this.saved(snapshot),
      (error: unknown) => this.failed(snapshot, error),
    );
  }

  /** The snapshot of this moment is for the replica: from here on the stream is kept for it. */
  private join(session: Session, offset: number): void {
    const { replication } = this.parts;
    const peer = peerOf(session);
    this.waiting.delete(session);
    if (!peer.rdbOnly) peer.cursor = replication.backlog?.cursorAtEnd();
    replication.propagation.forgetDb();
    this.begin(session, peer, offset);
  }

  private begin(session: Session, peer: ReplicaPeer, offset: number): void {
    const { now, output, replication } = this.parts;
    peer.phase = 'waitEnd';
    peer.snapshotOffset = offset;
    this.tookMs.set(session, now());
    if (peer.isOld) return;
    const line = Buffer.from(`+FULLRESYNC ${replication.identity.replid} ${offset}\r\n`, 'latin1');
    output.stream(session, line, 0, line.length);
  }

  private refuse(group: readonly Session[]): void {
    const { log, output } = this.parts;
    log('warning', 'BGSAVE for replication failed');
    for (const session of group) {
      output.stream(session, couldNotSave, 0, couldNotSave.length);
      session.connection.end();
      this.forget(session);
    }
  }

  // ---- straight to the sockets ---------------------------------------------------------------

  private piece(piece: Uint8Array): void {
    const { snapshot } = this;
    if (snapshot === undefined) return;
    snapshot.pieces++;
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (const session of snapshot.members) {
      this.parts.output.stream(session, bytes, 0, bytes.length);
    }
    this.grant();
  }

  /** Lets the thread go on when all have taken what came. */
  private grant(): void {
    const { snapshot } = this;
    if (snapshot === undefined || snapshot.pieces === 0) return;
    for (const session of snapshot.members) if (session.connection.unsentBytes > 0) return;
    const { pieces } = snapshot;
    snapshot.pieces = 0;
    snapshot.running.grant(pieces);
  }

  private streamed(snapshot: Snapshot): void {
    const { log, online, output } = this.parts;
    this.snapshot = undefined;
    const mark = snapshot.mark!;
    for (const session of snapshot.members) {
      output.stream(session, mark, 0, mark.length);
      this.tookMs.delete(session);
      log('notice', `Streamed the data to replica ${nameOf(session)}: waiting for its ACK`);
      peerOf(session).streamsOnAck = true;
      online(session);
    }
    this.beginIfDue();
  }

  private failed(snapshot: Snapshot, error: unknown): void {
    if (this.snapshot === snapshot) this.snapshot = undefined;
    const why = error instanceof Error ? error.message : String(error);
    for (const session of [...snapshot.members]) {
      this.parts.log('warning', `SYNC of ${nameOf(session)} failed: ${why}`);
      session.kill();
    }
  }

  // ---- by a file -----------------------------------------------------------------------------

  private saved(snapshot: Snapshot): void {
    const { files, rdbPath } = this.parts.persistence;
    this.snapshot = undefined;
    for (const session of [...snapshot.members]) {
      let transfer: FileTransfer;
      try {
        transfer = new FileTransfer(files.open(rdbPath, 'read'), session, this.parts.output, () =>
          this.sent(session),
        );
      } catch (error) {
        this.parts.log('warning', `SYNC failed. Can't open the RDB file: ${String(error)}`);
        session.kill();
        continue;
      }
      peerOf(session).phase = 'sendBulk';
      this.files.set(session, transfer);
      this.parts.output.whenSafe(() => transfer.begin());
    }
    this.beginIfDue();
  }

  /** The file has been handed to the socket, or could not be read. */
  private sent(session: Session): void {
    const isWhole = this.files.get(session)?.isWhole === true;
    this.files.delete(session);
    this.tookMs.delete(session);
    if (isWhole) this.parts.online(session);
    else session.kill();
  }

  /** rdb-del-sync-files: where nothing is to be on the disk, the file goes when all have it. */
  private removeFile(): void {
    const { config, log, persistence } = this.parts;
    if (!this.fileIsOurs || this.files.size > 0 || this.waiting.size > 0) return;
    if (this.snapshot !== undefined) return;
    this.fileIsOurs = false;
    if (!config.bool('rdb-del-sync-files')) return;
    if (config.string('save') !== '' || config.bool('appendonly')) return;
    log('notice', 'Removing the RDB file used to feed replicas in a persistence-less instance');
    try {
      persistence.files.unlink(persistence.rdbPath);
    } catch {
      // Somebody else has removed it.
    }
  }
}

function peerOf(session: Session): ReplicaPeer {
  return session.replica!;
}
