/**
 * The append-only file: every effect is written to the end of an incremental file, and synced as
 * `appendfsync` says. It is a reader of the journal and the barrier of output: no reply leaves
 * before the effects that it may reveal are written, and with `always` synced.
 *
 * Several files make up the data (`manifest.ts`): a base and incremental files after it. A rewrite
 * begins another incremental file in the very turn in which the data is frozen; when the new base
 * is there, the manifest names base and that file, and the ones before are history.
 *
 * Invariants, so that what is left after a crash at any moment is a beginning of the history: a
 * manifest names only files whose names are on the disk already; a file is whole and synced before
 * a manifest names another one after it; a number is never used again for a file that a manifest
 * on the disk may name.
 *
 * Writing happens in this thread, once a turn; syncing in another one, one sync at a time, so that
 * the syncs of all clients that wait are one. A write that fails is cut back to the last whole one
 * and tried again, writes of clients are refused meanwhile; with `always` the process must end, for
 * what clients have seen may be lost. After a failed sync nothing is known of what the file holds:
 * effects go to a temporary file then, as when AOF is switched on, and only a new base ends the
 * refusal.
 *
 * Sources: behaviour of redis-server 7.0.15 (aof.c), with the write before the reply in all
 * policies.
 */
import path from 'node:path';
import type { EffectUnit, JournalReader } from '../../keyspace/journal.ts';
import { Target } from '../../keyspace/journal.ts';
import { monotonicMs } from '../../util/timers.ts';
import {
  type FileSystem,
  makeLastingDirectory,
  type OpenFile,
  type SystemError,
  systemText,
  uninterrupted,
} from '../files.ts';
import { EffectEncoder } from './effect-encoder.ts';
import { Manifest } from './manifest.ts';
import { readManifest, UnsyncedManifest, writeManifest } from './manifest-file.ts';

export type SyncPolicy = 'always' | 'everysec' | 'no';

/** The incremental file while there is no base for it. */
const TEMPORARY_INCR = 'temp-appendonly.aof.incr';
/** Time between two syncs with `everysec`. */
const SYNC_PERIOD_MS = 1000;
/** A sync that takes longer holds writes up: counted in aof_delayed_fsync. */
const SLOW_SYNC_MS = 2000;
/** Bytes that may wait for the end of the turn. */
const WAITING_BYTES = 16 * 1024 * 1024;
/** A failed write is tried again, and logged, once in this time. */
const RETRY_MS = 1000;

/** What holds up commands while it happens. */
export type AofEvent = 'aof-write' | 'aof-fsync-always';

export interface AppendOnlyOptions {
  readonly files: FileSystem;
  /** Directory of the files; made when missing. */
  readonly directory: string;
  /** appendfilename: the beginning of their names. */
  readonly name: string;
  /** Wall clock in ms. */
  readonly now: () => number;
  readonly log: (level: 'notice' | 'warning', message: string) => void;
  /** Something took so long, by the name that LATENCY has for it. */
  readonly took?: (event: AofEvent, ms: number) => void;
  /** Has `prepare` called before this turn of the event loop ends. */
  readonly wake: () => void;
  /** `safe` has grown. */
  readonly onSafe: () => void;
  /** Clients may have seen what is lost: the process must end. */
  readonly onFatal: () => void;
  /** The file cannot be relied on any more: a rewrite into other files is needed. */
  readonly onUnreliable: () => void;
}

export class AppendOnlyFile implements JournalReader {
  /** appendfsync. */
  policy: SyncPolicy = 'everysec';
  /** no-appendfsync-on-rewrite while a child of Redis would run: syncs wait. */
  syncsWait = false;
  /** aof-timestamp-enabled. */
  stamps = false;
  /** aof-disable-auto-gc: files of the history stay. */
  keepsHistory = false;
  manifest: Manifest;
  /** Bytes of the base when it was made or loaded; what growth is measured by. */
  baseBytes = 0;
  /** Bytes of all files that are no history. */
  currentBytes = 0;
  /** Why writes fail at present, else undefined. */
  lastError: string | undefined = undefined;
  /** Syncs that held writes up. */
  delayedSyncs = 0;
  private readonly options: AppendOnlyOptions;
  private readonly encoder = new EffectEncoder(Target.file);
  private file: OpenFile | undefined = undefined;
  /** Bytes of the present incremental file that are whole lines. */
  private fileBytes = 0;
  /** Positions, in bytes of effects since the start: encoded, written to the file, synced. */
  private encoded = 0;
  private flushed = 0;
  private synced = 0;
  /** The file that another thread syncs at present. */
  private syncingFile: OpenFile | undefined = undefined;
  private syncStartedMs = 0;
  private lastSyncMs = 0;
  private lastAttemptMs = 0;
  /** The files of the manifest lack something: clients are refused until there is a new base. */
  private isUnreliable = false;
  /** Nothing is known of the present file: it is neither written to nor synced any more. */
  private isBroken = false;
  private isClosed = false;
  /** Files that a manifest on the disk may name while ours does not. */
  private orphans: string[] = [];
  /** Whether the present file is in no manifest yet. */
  isTemporary = false;

  /** Reads the manifest, if there is one. Throws ManifestError, SystemError. Opens nothing yet. */
  constructor(options: AppendOnlyOptions) {
    this.options = options;
    this.manifest = readManifest(options.files, options.directory, options.name) ?? Manifest.empty;
  }

  // ---- Barrier -----------------------------------------------------------------------------

  /** Position of the effects so far. */
  get written(): number {
    return this.encoded;
  }

  /** Position up to which replies may reveal effects. */
  get safe(): number {
    if (this.policy === 'always') return this.synced;
    // While writing fails clients are refused; what they have been told before cannot be taken
    // back.
    return this.lastError === undefined ? this.flushed : this.encoded;
  }

  /** How far effects are on the disk, whatever the policy is. */
  get onDisk(): number {
    return this.synced;
  }

  /** Writes what was encoded; with `always` has it synced, too. */
  prepare(): void {
    if (this.encoder.length > 0) this.flush();
    if (this.policy === 'always' && this.flushed > this.synced) this.startSync();
  }

  // ---- JournalReader -----------------------------------------------------------------------

  unit(unit: EffectUnit): void {
    const { encoder } = this;
    const before = encoder.length;
    if (this.stamps) encoder.stamp(this.options.now());
    encoder.append(unit);
    if (encoder.length === before) return;
    this.encoded += encoder.length - before;
    if (encoder.length > WAITING_BYTES) this.flush();
    this.options.wake();
  }

  // ---- files -------------------------------------------------------------------------------

  /** Whether effects are being written. */
  get isOpen(): boolean {
    return this.file !== undefined;
  }

  /** Bytes that wait to be written. */
  get bufferBytes(): number {
    return this.encoder.length;
  }

  get isSyncing(): boolean {
    return this.syncingFile !== undefined;
  }

  /**
   * Opens the last incremental file to go on with, or the first one, and removes the history.
   * `bytes` is what was loaded of all files. Throws SystemError.
   */
  open(bytes: number): void {
    this.makeDirectory();
    this.currentBytes = bytes;
    const last = this.manifest.incr.at(-1);
    if (last === undefined) this.beginIncr();
    else {
      // What was read may never have reached the disk, and clients are about to see it.
      this.syncDirectory();
      const file = this.openAppend(last.name);
      this.use(file);
      uninterrupted(() => file.syncData());
    }
    this.removeHistory();
  }

  /**
   * Effects go to a file that no manifest names yet: there is no base for what the data holds now,
   * since AOF is switched on, or the files have failed. The first `adoptBase` makes it count. What
   * waits to be written is dropped, for that base will hold it. Throws SystemError; then nothing
   * has changed.
   */
  beginTemporary(): void {
    this.makeDirectory();
    const file = this.openEmpty(TEMPORARY_INCR);
    this.encoder.clear();
    this.flushed = this.encoded;
    this.synced = this.encoded;
    this.closeFile();
    this.use(file);
    this.isTemporary = true;
    this.options.onSafe();
  }

  /**
   * Begins another incremental file: what comes from now on goes there. Call it in the turn in
   * which the data is frozen, before further effects. Throws SystemError; then nothing has changed.
   */
  beginIncr(): void {
    this.makeDirectory();
    if (this.isTemporary || !this.settle()) {
      this.beginTemporary();
      return;
    }
    const next = this.manifest.withIncr(this.incrName());
    const { name } = next.incr.at(-1)!;
    const file = this.openEmpty(name);
    try {
      this.syncDirectory();
      this.persist(next);
    } catch (error) {
      closeQuietly(file);
      this.giveUp(next, [name], error);
      throw error;
    }
    this.closeFile();
    this.use(file);
  }

  /** Name of the next base; `binary`: it is an RDB file. */
  nextBaseName(binary: boolean): string {
    return `${this.options.name}.${this.manifest.baseSeq + 1}.base.${binary ? 'rdb' : 'aof'}`;
  }

  /**
   * A file in the directory of the append-only files has become the new base, which holds all but
   * the last `keep` incremental files: one, or none where nothing is appended. Throws SystemError;
   * then the old files count.
   */
  adoptBase(temporary: string, binary: boolean, keep: 0 | 1): void {
    if (this.isBroken) throw new Error('the incremental file after it has failed');
    const name = this.nextBaseName(binary);
    const made = [name];
    let next = this.manifest.withBase(name, keep);
    this.rename(temporary, this.pathOf(name));
    try {
      if (this.isTemporary) {
        const incr = this.incrName();
        // Renamed and not counted in, it stays in use; another attempt begins another file.
        this.rename(this.pathOf(TEMPORARY_INCR), this.pathOf(incr));
        next = this.manifest.withBase(name, 0).withIncr(incr);
      }
      this.syncDirectory();
      this.persist(next);
    } catch (error) {
      this.giveUp(next, made, error);
      throw error;
    }
    this.isTemporary = false;
    this.baseBytes = this.sizeOf(name);
    this.currentBytes = this.baseBytes + this.fileBytes;
    this.trust();
    this.removeHistory();
  }

  /** Bytes of a file of the directory. */
  sizeOf(name: string): number {
    const file = uninterrupted(() => this.options.files.open(this.pathOf(name), 'read'));
    try {
      return file.size();
    } finally {
      file.close();
    }
  }

  pathOf(name: string): string {
    return path.join(this.options.directory, name);
  }

  /** Writes and syncs everything, then closes. Returns whether all is on the disk. */
  close(): boolean {
    const { file } = this;
    if (file === undefined) return true;
    this.flush();
    if (!this.isBroken) this.syncNow(file);
    this.closeFile();
    this.isClosed = true;
    this.options.onSafe();
    return this.lastError === undefined;
  }

  /** Syncs that are due, failed writes once more; called by the cron. */
  tick(nowMs: number): void {
    if (this.file === undefined) return;
    if (this.encoder.length > 0) this.flush();
    if (this.policy === 'no' || this.flushed === this.synced) return;
    const due = nowMs - this.lastSyncMs >= SYNC_PERIOD_MS || nowMs < this.lastSyncMs;
    if (this.policy === 'always' || due) this.startSync();
  }

  // ---- writing -----------------------------------------------------------------------------

  private flush(): void {
    const { file, encoder } = this;
    if (file === undefined || encoder.length === 0 || this.isBroken) return;
    const nowMs = this.options.now();
    if (this.lastError !== undefined && nowMs - this.lastAttemptMs < RETRY_MS) return;
    this.lastAttemptMs = nowMs;
    if (this.isSyncing && nowMs - this.syncStartedMs > SLOW_SYNC_MS) this.delayedSyncs++;
    let done = 0;
    const startedMs = monotonicMs();
    try {
      while (done < encoder.length) {
        const rest = encoder.buf.subarray(done, encoder.length);
        done += uninterrupted(() => file.write(rest));
      }
    } catch (error) {
      this.writeFailed(file, done, error as SystemError);
      return;
    }
    this.options.took?.('aof-write', monotonicMs() - startedMs);
    this.fileBytes += done;
    this.currentBytes += done;
    this.flushed = this.encoded;
    encoder.clear();
    if (this.lastError !== undefined && !this.isUnreliable) {
      this.lastError = undefined;
      this.options.log('warning', 'AOF write error looks solved, Redis can write again.');
      this.options.onSafe();
    }
  }

  private writeFailed(file: OpenFile, done: number, error: SystemError): void {
    const { log, onFatal } = this.options;
    const first = this.lastError === undefined;
    this.lastError = systemText(error);
    if (first) log('warning', `Error writing to the AOF file: ${this.lastError}`);
    if (this.policy === 'always') {
      this.isBroken = true;
      log(
        'warning',
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
      );
      onFatal();
      return;
    }
    if (done > 0) this.cutBack(file);
    if (first) this.options.onSafe();
  }

  /** Half a line must not stay: what is written later would follow it. */
  private cutBack(file: OpenFile): void {
    try {
      uninterrupted(() => file.truncate(this.fileBytes));
    } catch (error) {
      const why = systemText(error as SystemError);
      this.options.log('warning', `Could not cut a short write off the AOF file: ${why}`);
      this.distrust();
    }
  }

  // ---- syncing -----------------------------------------------------------------------------

  private startSync(): void {
    const { file } = this;
    if (file === undefined || this.isSyncing || this.isBroken) return;
    if (this.syncsWait && this.policy !== 'always') return;
    const upTo = this.flushed;
    const startedMs = monotonicMs();
    this.syncingFile = file;
    this.syncStartedMs = this.options.now();
    this.lastSyncMs = this.syncStartedMs;
    file.syncLater((error) => {
      this.syncingFile = undefined;
      if (this.policy === 'always') {
        this.options.took?.('aof-fsync-always', monotonicMs() - startedMs);
      }
      // The file was left meanwhile, with a sync of its own; the error may have come to this one.
      if (this.file !== file) closeQuietly(file);
      if (error !== undefined) this.syncFailed(error);
      else if (this.file === file && upTo > this.synced) {
        this.synced = upTo;
        this.options.onSafe();
      }
      if (this.policy === 'always' && this.flushed > this.synced) this.startSync();
    });
  }

  private syncFailed(error: SystemError): void {
    const { log, onFatal } = this.options;
    this.lastError = systemText(error);
    log('warning', `Can't persist AOF for fsync error: ${this.lastError}`);
    if (this.isClosed) return;
    if (this.policy === 'always') {
      this.isBroken = true;
      log('warning', "AOF fsync policy is 'always'. Exiting...");
      onFatal();
      return;
    }
    this.distrust();
  }

  private distrust(): void {
    this.isBroken = true;
    this.isUnreliable = true;
    this.options.onSafe();
    this.options.onUnreliable();
  }

  /** The files in use are others now, all of them whole. */
  private trust(): void {
    if (!this.isUnreliable) return;
    this.isUnreliable = false;
    this.lastError = undefined;
  }

  /**
   * Has all effects so far in the present file, and on the disk: another one may follow it. Returns
   * false when the file has failed. Throws when writes fail at present.
   */
  private settle(): boolean {
    const { file } = this;
    if (file === undefined) return !this.isUnreliable;
    this.flush();
    if (!this.isBroken && this.encoder.length > 0) throw new Error(this.lastError);
    if (!this.isBroken) this.syncNow(file);
    return !this.isBroken;
  }

  private syncNow(file: OpenFile): void {
    try {
      uninterrupted(() => file.syncData());
      this.synced = this.flushed;
      this.options.onSafe();
    } catch (error) {
      this.syncFailed(error as SystemError);
    }
  }

  // ---- inside ------------------------------------------------------------------------------

  private makeDirectory(): void {
    makeLastingDirectory(this.options.files, this.options.directory);
  }

  private openAppend(name: string): OpenFile {
    return uninterrupted(() => this.options.files.open(this.pathOf(name), 'append'));
  }

  /**
   * Opens a new file. What is left under its name, which no manifest names, is removed rather than
   * cut off: until a sync, what was cut off may come back.
   */
  private openEmpty(name: string): OpenFile {
    this.unlinkIfThere(name);
    return this.openAppend(name);
  }

  private use(file: OpenFile): void {
    this.file = file;
    this.isBroken = false;
    this.fileBytes = file.size();
    this.encoder.restart();
  }

  private closeFile(): void {
    const { file } = this;
    this.file = undefined;
    // While another thread syncs the file, the end of that closes it.
    if (file !== undefined && file !== this.syncingFile) closeQuietly(file);
  }

  private persist(manifest: Manifest): void {
    const { files, directory, name } = this.options;
    writeManifest(files, directory, name, manifest);
    this.manifest = manifest;
  }

  /** A manifest could not be put in its place: what was made for it goes as soon as it may. */
  private giveUp(manifest: Manifest, made: readonly string[], error: unknown): void {
    if (error instanceof UnsyncedManifest) {
      this.manifest = this.manifest.numberedAs(manifest);
      this.orphans.push(...made);
      return;
    }
    for (const name of made) this.unlinkIfThere(name);
  }

  private rename(from: string, to: string): void {
    uninterrupted(() => this.options.files.rename(from, to));
  }

  private syncDirectory(): void {
    uninterrupted(() => this.options.files.syncDirectory(this.options.directory));
  }

  private incrName(): string {
    return `${this.options.name}.${this.manifest.incrSeq + 1}.incr.aof`;
  }

  /** Removes what is no longer needed. A failure leaves it there for the next time. */
  private removeHistory(): void {
    const { orphans } = this;
    this.orphans = [];
    for (const name of orphans) this.unlinkIfThere(name);
    const { history } = this.manifest;
    if (history.length === 0 || this.keepsHistory) return;
    for (const { name } of history) this.unlinkIfThere(name);
    const next = this.manifest.withoutHistory();
    try {
      this.persist(next);
    } catch (error) {
      // Either manifest will do.
      if (error instanceof UnsyncedManifest) this.manifest = next;
      const why = systemText(error as SystemError);
      this.options.log('warning', `Could not take old files out of the AOF manifest: ${why}`);
    }
  }

  private unlinkIfThere(name: string): void {
    try {
      uninterrupted(() => this.options.files.unlink(this.pathOf(name)));
    } catch {
      // Not there, or it stays: no reader looks at what no manifest names.
    }
  }
}

/** A file that is no longer needed: whether closing it fails makes no difference. */
function closeQuietly(file: OpenFile): void {
  try {
    file.close();
  } catch {
    // The descriptor is gone in any case.
  }
}
