/**
 * The append-only file: every effect is written to the end of an incremental file, and synced as
 * `appendfsync` says. It is a reader of the journal and the barrier of output: no reply leaves
 * before the effects that it may reveal are written, and with `always` synced.
 *
 * Several files make up the data (`manifest.ts`): a base and incremental files after it. A rewrite
 * begins another incremental file in the very turn in which the data is frozen; when the new base
 * is there, the manifest names base and that file, and the ones before are history.
 *
 * Writing happens in this thread, once a turn; syncing in another one, one sync at a time, so that
 * the syncs of all clients that wait are one. A write that fails is cut back to the last whole one
 * and tried again, writes of clients are refused meanwhile; with `always` the process must end, for
 * what clients have seen may be lost. After a failed sync nothing is known of what the file holds:
 * only a rewrite, into other files, ends the refusal.
 *
 * Sources: behaviour of redis-server 7.0.15 (aof.c), with the write before the reply in all
 * policies.
 */
import path from 'node:path';
import type { EffectUnit, JournalReader } from '../../keyspace/journal.ts';
import { Target } from '../../keyspace/journal.ts';
import { type FileSystem, type OpenFile, type SystemError, uninterrupted } from '../files.ts';
import { EffectEncoder } from './effect-encoder.ts';
import { Manifest } from './manifest.ts';
import { readManifest, writeManifest } from './manifest-file.ts';

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

export interface AppendOnlyOptions {
  readonly files: FileSystem;
  /** Directory of the files; made when missing. */
  readonly directory: string;
  /** appendfilename: the beginning of their names. */
  readonly name: string;
  /** Wall clock in ms. */
  readonly now: () => number;
  readonly log: (level: 'notice' | 'warning', message: string) => void;
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
  private syncing = false;
  private syncStartedMs = 0;
  private lastSyncMs = 0;
  private lastAttemptMs = 0;
  private isUnreliable = false;
  private isClosed = false;
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
    return this.syncing;
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
    else this.use(this.openAppend(last.name));
    this.removeHistory();
  }

  /**
   * Effects go to a file that no manifest names yet: AOF is switched on, and there is no base for
   * what the data holds now. The first `adoptBase` makes it count. Throws SystemError.
   */
  beginTemporary(): void {
    this.makeDirectory();
    this.leaveFile();
    this.unlinkIfThere(TEMPORARY_INCR);
    this.use(this.openAppend(TEMPORARY_INCR));
    this.isTemporary = true;
  }

  /**
   * Begins another incremental file: what comes from now on goes there. Call it in the turn in
   * which the data is frozen, before further effects. Throws SystemError; then nothing has changed.
   */
  beginIncr(): void {
    if (this.isTemporary) {
      this.beginTemporary();
      return;
    }
    this.makeDirectory();
    const next = this.manifest.withIncr(this.incrName());
    const { name } = next.incr.at(-1)!;
    this.unlinkIfThere(name);
    const file = this.openAppend(name);
    try {
      this.persist(next);
    } catch (error) {
      file.close();
      this.unlinkIfThere(name);
      throw error;
    }
    this.leaveFile();
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
    const { files } = this.options;
    const name = this.nextBaseName(binary);
    const target = this.pathOf(name);
    uninterrupted(() => files.rename(temporary, target));
    try {
      this.persist(this.withBase(name, keep));
    } catch (error) {
      this.unlinkIfThere(name);
      throw error;
    }
    this.isTemporary = false;
    this.baseBytes = this.sizeOf(name);
    this.currentBytes = this.baseBytes + this.fileBytes;
    this.trust();
    this.removeHistory();
  }

  /** The manifest with a new base; a temporary incremental file gets its name. */
  private withBase(name: string, keep: 0 | 1): Manifest {
    if (!this.isTemporary) return this.manifest.withBase(name, keep);
    const incr = this.incrName();
    const { files } = this.options;
    uninterrupted(() => files.rename(this.pathOf(TEMPORARY_INCR), this.pathOf(incr)));
    return this.manifest.withBase(name, 0).withIncr(incr);
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
    if (this.file === undefined) return true;
    this.flush();
    const whole = this.lastError === undefined;
    this.leaveFile();
    this.isClosed = true;
    return whole && this.lastError === undefined;
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
    if (file === undefined || encoder.length === 0 || this.isUnreliable) return;
    const nowMs = this.options.now();
    if (this.lastError !== undefined && nowMs - this.lastAttemptMs < RETRY_MS) return;
    this.lastAttemptMs = nowMs;
    if (this.syncing && nowMs - this.syncStartedMs > SLOW_SYNC_MS) this.delayedSyncs++;
    let done = 0;
    try {
      while (done < encoder.length) {
        const rest = encoder.buf.subarray(done, encoder.length);
        done += uninterrupted(() => file.write(rest));
      }
    } catch (error) {
      this.writeFailed(file, done, error as SystemError);
      return;
    }
    this.fileBytes += done;
    this.currentBytes += done;
    this.flushed = this.encoded;
    encoder.clear();
    if (this.lastError !== undefined) {
      this.lastError = undefined;
      this.options.log('warning', 'AOF write error looks solved, Redis can write again.');
      this.options.onSafe();
    }
  }

  private writeFailed(file: OpenFile, done: number, error: SystemError): void {
    const { log, onFatal } = this.options;
    const first = this.lastError === undefined;
    this.lastError = error.message;
    if (first) log('warning', `Error writing to the AOF file: ${error.message}`);
    if (this.policy === 'always') {
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
      const { message } = error as SystemError;
      this.options.log('warning', `Could not cut a short write off the AOF file: ${message}`);
      this.distrust();
    }
  }

  // ---- syncing -----------------------------------------------------------------------------

  private startSync(): void {
    const { file } = this;
    if (file === undefined || this.syncing || this.isUnreliable) return;
    if (this.syncsWait && this.policy !== 'always') return;
    const upTo = this.flushed;
    this.syncing = true;
    this.syncStartedMs = this.options.now();
    this.lastSyncMs = this.syncStartedMs;
    file.syncLater((error) => {
      this.syncing = false;
      if (this.file !== file) {
        // The file was left meanwhile, with a sync of its own.
        file.close();
        return;
      }
      if (error !== undefined) this.syncFailed(error);
      else if (upTo > this.synced) {
        this.synced = upTo;
        this.options.onSafe();
        if (this.policy === 'always' && this.flushed > this.synced) this.startSync();
      }
    });
  }

  private syncFailed(error: SystemError): void {
    const { log, onFatal } = this.options;
    log('warning', `Can't persist AOF for fsync error: ${error.message}`);
    this.lastError = error.message;
    if (this.policy === 'always') {
      log('warning', "AOF fsync policy is 'always'. Exiting...");
      onFatal();
      return;
    }
    this.distrust();
  }

  private distrust(): void {
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

  // ---- inside ------------------------------------------------------------------------------

  private makeDirectory(): void {
    uninterrupted(() => this.options.files.makeDirectory(this.options.directory));
  }

  private openAppend(name: string): OpenFile {
    return uninterrupted(() => this.options.files.open(this.pathOf(name), 'append'));
  }

  private use(file: OpenFile): void {
    this.file = file;
    this.fileBytes = file.size();
    this.encoder.restart();
  }

  /** Has what is in the present file on the disk, and closes it. */
  private leaveFile(): void {
    const { file } = this;
    if (file === undefined) return;
    this.flush();
    this.file = undefined;
    try {
      if (!this.isUnreliable) uninterrupted(() => file.syncData());
      this.synced = this.flushed;
    } catch (error) {
      const { message } = error as SystemError;
      this.options.log('warning', `Can't persist AOF for fsync error: ${message}`);
      this.lastError = message;
      if (this.policy === 'always' && !this.isClosed) this.options.onFatal();
    }
    // While a sync is under way in another thread, its end closes the file.
    if (!this.syncing) file.close();
    this.options.onSafe();
  }

  private persist(manifest: Manifest): void {
    const { files, directory, name } = this.options;
    writeManifest(files, directory, name, manifest);
    this.manifest = manifest;
  }

  private incrName(): string {
    return `${this.options.name}.${this.manifest.incrSeq + 1}.incr.aof`;
  }

  /** Removes what is no longer needed. A failure leaves it there for the next time. */
  private removeHistory(): void {
    const { history } = this.manifest;
    if (history.length === 0 || this.keepsHistory) return;
    for (const { name } of history) this.unlinkIfThere(name);
    try {
      this.persist(this.manifest.withoutHistory());
    } catch (error) {
      const { message } = error as SystemError;
      this.options.log('warning', `Could not take old files out of the AOF manifest: ${message}`);
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
