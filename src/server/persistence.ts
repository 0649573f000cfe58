/**
 * What is on the disk, and when: snapshots (SAVE, BGSAVE, save points, the one at the end), the
 * append-only file and its rewrites. Files and their formats are those of `src/persistence`;
 * loading is in `loading.ts`.
 *
 * One snapshot is written at a time; what else is asked for meanwhile is refused or scheduled, as
 * redis-server 7.0.15 does with its child processes, whose texts and rules these are.
 */
import path from 'node:path';
import type { PersistencePort } from '../commands/ports/persistence.ts';
import type { Config } from '../config/config.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { type AofEvent, AppendOnlyFile, type SyncPolicy } from '../persistence/aof/append-only.ts';
import { type CommandFileOptions, saveCommandFile } from '../persistence/aof/command-file.ts';
import { type FileSystem, makeLastingDirectory, nodeFiles } from '../persistence/files.ts';
import type { RdbSource, RdbWriteOptions } from '../persistence/rdb/file-writer.ts';
import { saveRdbFile } from '../persistence/rdb/save-file.ts';
import type { StreamJob } from '../persistence/snapshot/snapshot-messages.ts';
import {
  type RunningSnapshot,
  type SnapshotTaker,
  SnapshotWriter,
  savedDatabases,
} from '../persistence/snapshot/snapshot-writer.ts';
import { CommandError } from '../util/errors.ts';
import { setImmediate } from '../util/timers.ts';
import type { LogLevel } from './log.ts';
import type { Output } from './output.ts';
import { RewriteLimit } from './rewrite-limit.ts';
import { REDIS_VERSION } from './version.ts';

/** After a failed save no save point is tried for so long. */
const RETRY_SECONDS = 5;
/** Attempts to append again after a full sync. */
const RESTARTS_MAX = 10;
const saveInProgress = new CommandError('ERR Background save already in progress');
const otherInProgress = new CommandError(
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in " +
    'order to schedule a BGSAVE whenever possible.',
);
const rewriteInProgress = new CommandError(
  'ERR Background append only file rewriting already in progress',
);
const rewriteFailed = new CommandError(
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
);
const notAppending = new CommandError(
  'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
);
const saveFailed = new CommandError('ERR');

/** Function libraries, which are saved with the data. */
export interface SavedFunctions {
  /** Source texts of all libraries. */
  sources(): readonly Uint8Array[];
  /**
   * Adds a library, in the place of one with its name where `replace` says so; throws an Error that
   * says what is wrong with it.
   */
  load(code: Uint8Array, replace?: boolean): void;
  clear(): void;
}

export interface PersistenceOptions {
  readonly config: Config;
  readonly keyspace: Keyspace;
  readonly output: Output;
  readonly functions: SavedFunctions;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
  /** Whether a unit of effects is half done (EXEC, a long script): no snapshot may begin. */
  readonly isTorn: () => boolean;
  /** Bytes of used memory. */
  readonly usedMemory: () => number;
  /** What an RDB file written now says of the stream of replication. */
  readonly streamPosition: () => RdbWriteOptions['aux'];
  /** Ends the process: what clients have been told cannot be kept. */
  readonly onFatal: () => void;
  /** Told why commands that write are refused; undefined when they are not. */
  readonly onHealth: (refusal: CommandError | undefined) => void;
  /** Something took so long, by the name that LATENCY has for it. */
  readonly took?: (event: AofEvent, ms: number) => void;
  /** The disk, for tests; not used by the snapshot's thread. */
  readonly files?: FileSystem | undefined;
  /** Takes snapshots in another way than by a thread (tests with a disk of their own). */
  readonly snapshots?: SnapshotTaker | undefined;
}

/** How the base of append-only files is written (aof-use-rdb-preamble). */
type BaseForm = 'rdb' | 'commands';

interface Job {
  readonly kind: 'save' | 'rewrite';
  readonly running: RunningSnapshot;
  readonly startedMs: number;
  /** Keys that there were. */
  readonly keys: number;
}

/** How saves of one kind have gone. */
export class SaveRecord {
  succeeded = true;
  /** Seconds that the last one took, -1 before the first. */
  lastSeconds = -1;
  /** Most bytes that the last one held in addition to the data. */
  lastHeldBytes = 0;
  /** Number of successful ones. */
  count = 0;
}

export class Persistence implements PersistencePort {
  readonly notAppending = notAppending;
  readonly files: FileSystem;
  readonly saves = new SaveRecord();
  readonly rewrites = new SaveRecord();
  readonly functions: SavedFunctions;
  /** The append-only file while `appendonly` is on. */
  aof: AppendOnlyFile | undefined = undefined;
  lastSaveSeconds: number;
  saveScheduled = false;
  rewriteScheduled = false;
  /** Snapshots that were begun, those for replicas counted: what Redis forks for. */
  snapshotCount = 0;
  /** False until the data of the disk is loaded: no save before. */
  isReady = false;
  private readonly config: Config;
  private readonly keyspace: Keyspace;
  private readonly output: Output;
  private readonly now: () => number;
  private readonly log: (level: LogLevel, message: string) => void;
  private readonly isTorn: () => boolean;
  private readonly usedMemory: () => number;
  private readonly streamPosition: () => RdbWriteOptions['aux'];
  private readonly onFatal: () => void;
  private readonly took: PersistenceOptions['took'];
  private readonly onHealth: (refusal: CommandError | undefined) => void;
  private readonly writer: SnapshotTaker;
  private readonly rewriteLimit = new RewriteLimit();
  private job: Job | undefined = undefined;
  /** Whether a master's data is being loaded. */
  private isHeld = false;
  /** Whether nothing is appended: a full sync has not succeeded yet. */
  private isAofHeld = false;
  /** How often appending is still tried to be switched on after that. */
  private restartsLeft = 0;
  /** When a save was last begun, Unix seconds. */
  private lastTrySeconds = 0;
  /** `save` as pairs of seconds and changes. */
  private savePoints: readonly (readonly [seconds: number, changes: number])[] = [];

  constructor(options: PersistenceOptions) {
    this.config = options.config;
    this.keyspace = options.keyspace;
    this.output = options.output;
    this.functions = options.functions;
    this.now = options.now;
    this.log = options.log;
    this.isTorn = options.isTorn;
    this.usedMemory = options.usedMemory;
    this.streamPosition = options.streamPosition;
    this.onFatal = options.onFatal;
    this.took = options.took;
    this.onHealth = options.onHealth;
    this.files = options.files ?? nodeFiles;
    this.writer = options.snapshots ?? new SnapshotWriter(options.keyspace);
    this.lastSaveSeconds = Math.floor(options.now() / 1000);
  }

  // ---- configuration -------------------------------------------------------------------------

  /** Takes over the directives; again whenever one changes. Throws CommandError when it cannot. */
  configure(): void {
    const { config } = this;
    const numbers = config.string('save').split(' ').filter(Boolean).map(Number);
    this.savePoints = numbers.flatMap((n, i) =>
      i % 2 === 0 ? [[n, numbers[i + 1]!] as const] : [],
    );
    this.noteHealth();
    if (!this.isReady) return;
    const wantsAof = config.bool('appendonly') && !this.isAofHeld;
    if (wantsAof !== (this.aof !== undefined)) this.switchAppendOnly();
    this.configureAof();
  }

  private configureAof(): void {
    const { aof, config } = this;
    if (aof === undefined) return;
    aof.policy = config.string('appendfsync') as SyncPolicy;
    aof.stamps = config.bool('aof-timestamp-enabled');
    aof.keepsHistory = config.bool('aof-disable-auto-gc');
    aof.syncsWait = config.bool('no-appendfsync-on-rewrite') && this.job !== undefined;
    // Another policy may let more through.
    this.output.release();
  }

  get directory(): string {
    return this.config.path('dir');
  }

  get rdbPath(): string {
    return path.join(this.directory, this.config.path('dbfilename'));
  }

  /** Directory of the append-only files. */
  get aofDirectory(): string {
    return path.join(this.directory, this.config.path('appenddirname'));
  }

  // ---- PersistencePort -----------------------------------------------------------------------

  save(): void {
    if (this.job?.kind === 'save') throw saveInProgress;
    if (!this.saveNow()) throw saveFailed;
  }

  bgsave(schedule: boolean, nested: boolean): 'started' | 'scheduled' {
    if (this.job?.kind === 'save') throw saveInProgress;
    if (this.job !== undefined || nested) {
      if (!schedule && !nested) throw otherInProgress;
      this.saveScheduled = true;
      return 'scheduled';
    }
    if (!this.startSave()) throw saveFailed;
    return 'started';
  }

  bgrewriteaof(nested: boolean): 'started' | 'scheduled' {
    if (this.job?.kind === 'rewrite') throw rewriteInProgress;
    if (this.job !== undefined || nested) {
      this.rewriteScheduled = true;
      this.rewriteLimit.reset();
      return 'scheduled';
    }
    if (!this.startRewrite()) throw rewriteFailed;
    return 'started';
  }

  allFlushed(): void {
    if (this.job?.kind === 'save') this.cancel();
    if (this.isReady && this.savePoints.length > 0) this.saveNow();
  }

  get fileMark(): number | undefined {
    return this.aof?.written;
  }

  isOnDisk(mark: number): boolean {
    return this.aof !== undefined && this.aof.onDisk >= mark;
  }

  // ---- figures -------------------------------------------------------------------------------

  isRunning(kind: Job['kind']): boolean {
    return this.job?.kind === kind;
  }

  /** Seconds since the snapshot of a kind that is being written was begun; -1 when none is. */
  runningSeconds(kind: Job['kind']): number {
    const { job } = this;
    return job?.kind === kind ? Math.floor((this.now() - job.startedMs) / 1000) : -1;
  }

  /** What the snapshot under way has written and holds; zeros when there is none. */
  get progress(): { keys: number; total: number; heldBytes: number; heldBytesMax: number } {
    const { job } = this;
    if (job === undefined) return { keys: 0, total: 0, heldBytes: 0, heldBytesMax: 0 };
    const { keys, heldBytes, heldBytesMax } = job.running;
    return { keys, total: job.keys, heldBytes, heldBytesMax };
  }

  get rewriteFailures(): number {
    return this.rewriteLimit.failures;
  }

  /** Tells the gates whether writes are refused, whenever that may have changed. */
  private noteHealth(): void {
    this.onHealth(this.writeRefusal());
  }

  private writeRefusal(): CommandError | undefined {
    if (
      !this.saves.succeeded &&
      this.savePoints.length > 0 &&
      this.config.bool('stop-writes-on-bgsave-error')
    ) {
      return misconfSnapshot;
    }
    const error = this.aof?.lastError;
    if (error === undefined) return undefined;
    return new CommandError(`MISCONF Errors writing to the AOF file: ${error}`);
  }

  // ---- now and then --------------------------------------------------------------------------

  /** Saves and rewrites that are due; called by the cron. */
  tick(nowMs: number): void {
    this.aof?.tick(nowMs);
    this.noteHealth();
    if (!this.isReady || this.job !== undefined || this.isTorn() || this.isHeld) return;
    if (this.restartsLeft > 0) this.restartAppendOnly();
    const nowSeconds = Math.floor(nowMs / 1000);
    const mayTry = this.saves.succeeded || nowSeconds - this.lastTrySeconds > RETRY_SECONDS;
    if (this.rewriteScheduled && !this.rewriteLimit.holds(nowMs)) this.startRewrite();
    else if (this.saveScheduled && mayTry) this.startSave();
    else if (mayTry && this.isSaveDue(nowSeconds)) this.startSave();
    else if (this.isRewriteDue(nowMs)) this.startRewrite();
  }

  private isSaveDue(nowSeconds: number): boolean {
    const { dirty } = this.keyspace.changes;
    for (const [seconds, changes] of this.savePoints) {
      if (dirty < changes || nowSeconds - this.lastSaveSeconds <= seconds) continue;
      this.log('notice', `${changes} changes in ${seconds} seconds. Saving...`);
      return true;
    }
    return false;
  }

  private isRewriteDue(nowMs: number): boolean {
    const { aof, config } = this;
    const percentage = config.number('auto-aof-rewrite-percentage');
    if (aof === undefined || percentage === 0 || this.rewriteLimit.holds(nowMs)) return false;
    if (aof.currentBytes <= config.number('auto-aof-rewrite-min-size')) return false;
    const growth = Math.floor((aof.currentBytes * 100) / Math.max(1, aof.baseBytes)) - 100;
    if (growth < percentage) return false;
    this.log('notice', `Starting automatic rewriting of AOF on ${growth}% growth`);
    return true;
  }

  // ---- snapshots -----------------------------------------------------------------------------

  /** Saves without leaving the turn. Returns whether it succeeded; why not is logged. */
  saveNow(): boolean {
    const { dirty } = this.keyspace.changes;
    try {
      const options = { ...this.rdbOptions('temp'), ...this.saveOptions() };
      saveRdbFile(this.files, this.liveSource(), options);
    } catch (error) {
      this.log('warning', `Error saving DB on disk: ${messageOf(error)}`);
      return false;
    }
    this.log('notice', 'DB saved on disk');
    this.saved(dirty);
    return true;
  }

  private startSave(): boolean {
    const { dirty } = this.keyspace.changes;
    const nowMs = this.now();
    this.saveScheduled = false;
    this.lastTrySeconds = Math.floor(nowMs / 1000);
    const options = { ...this.rdbOptions('temp-bg'), ...this.saveOptions() };
    const begun = this.begin('save', 'rdb', options);
    if (begun === undefined) {
      this.saves.succeeded = false;
      this.noteHealth();
      return false;
    }
    this.log('notice', 'Background saving started');
    begun.running.done.then(
      ({ heldBytes }) => {
        this.ended(this.saves, begun, heldBytes);
        this.log('notice', 'Background saving terminated with success');
        this.saved(dirty);
      },
      (error) => {
        this.ended(this.saves, begun, begun.running.heldBytesMax);
        if (begun.running.isCancelled) return;
        this.saves.succeeded = false;
        this.noteHealth();
        this.log('warning', `Background saving error: ${messageOf(error)}`);
      },
    );
    return true;
  }

  /**
   * Saves the data of this moment, or of a later one when a snapshot is being written, in the
   * background. Resolves when the file is in its place; rejects with what went wrong.
   */
  async saveSoon(): Promise<void> {
    const job = await this.whenIdle(() => (this.startSave() ? this.job : undefined));
    if (job === undefined) throw new Error('the save could not begin: the log says why');
    await job.running.done;
  }

  /** As `saveSoon`, into a file of its own; save points and INFO know nothing of it. */
  async saveTo(file: string): Promise<void> {
    const job = await this.whenIdle(() =>
      this.begin('save', 'rdb', {
        ...this.rdbOptions('temp-copy'),
        ...this.saveOptions(),
        directory: path.dirname(path.resolve(file)),
        name: path.basename(file),
      }),
    );
    if (job === undefined) throw new Error('the save could not begin: the log says why');
    try {
      await job.running.done;
    } finally {
      if (this.job === job) this.job = undefined;
      this.configureAof();
    }
  }

  /**
   * The data is another one, and no effect has told of it: the append-only file begins anew with
   * it. Resolves when its base is there; at once without one.
   */
  async renewAppendOnly(): Promise<void> {
    if (this.aof === undefined) return;
    this.stopAppendOnly();
    await this.whenIdle(() => this.startAppendOnly());
    await this.job?.running.done;
    if (!this.rewrites.succeeded) throw new Error('the append-only file could not be made anew');
  }

  /**
   * Does something once no snapshot is being written and no script half done. Nothing comes between
   * the look and the deed: of two who wait for the same snapshot one goes on waiting.
   */
  private async whenIdle<T>(act: () => T): Promise<T> {
    while (this.job !== undefined || this.isTorn()) {
      const { job } = this;
      const waits = job === undefined ? nextTick() : job.running.done.catch(() => {});
      await waits;
    }
    return act();
  }

  private saved(dirty: number): void {
    this.keyspace.changes.saved(dirty);
    this.lastSaveSeconds = Math.floor(this.now() / 1000);
    this.saves.succeeded = true;
    this.saves.count++;
    this.noteHealth();
  }

  private begin(
    kind: Job['kind'],
    form: BaseForm,
    options: Parameters<SnapshotTaker['start']>[0]['options'],
  ): Job | undefined {
    const functions = this.functions.sources();
    return this.beginJob(kind, () => this.writer.start({ form, options, functions }));
  }

  private beginJob(kind: Job['kind'], start: () => RunningSnapshot): Job | undefined {
    const { keyspace } = this;
    try {
      const running = start();
      const keys = keyspace.dbs.reduce((sum, db) => sum + db.size, 0);
      const job = { kind, running, startedMs: this.now(), keys };
      this.job = job;
      this.snapshotCount++;
      this.configureAof();
      return job;
    } catch (error) {
      this.log('warning', `Can't save in background: ${messageOf(error)}`);
      return undefined;
    }
  }

  private ended(record: SaveRecord, job: Job, heldBytes: number): void {
    record.lastSeconds = Math.floor((this.now() - job.startedMs) / 1000);
    record.lastHeldBytes = heldBytes;
    if (this.job === job) this.job = undefined;
    this.configureAof();
  }

  /** Gives up a save under way: its data is about to be replaced. */
  cancelSave(): void {
    if (this.job?.kind === 'save') this.cancel();
  }

  /** The data is about to be replaced by a master's: nothing is saved or appended until then. */
  holdForSync(): void {
    this.cancel();
    this.isHeld = true;
    this.isAofHeld = true;
    this.stopAppendOnly();
  }

  /** A master's data is there, or none is left: saves may be made again. */
  syncLoaded(): void {
    this.isHeld = false;
  }

  /** A master's data is whole, or this server has none any more: appending begins anew. */
  resumeAfterSync(): void {
    if (!this.isAofHeld) return;
    this.isHeld = false;
    this.isAofHeld = false;
    this.restartsLeft = RESTARTS_MAX;
    this.restartAppendOnly();
  }

  /** Tries to append again; after a failure the cron tries some more times. */
  private restartAppendOnly(): void {
    if (this.aof !== undefined || !this.isReady || !this.config.bool('appendonly')) {
      this.restartsLeft = 0;
      return;
    }
    this.restartsLeft--;
    try {
      this.startAppendOnly();
      this.restartsLeft = 0;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.log('warning', 'Failed enabling the AOF after successful master synchronization!');
    }
  }

  // ---- for replicas --------------------------------------------------------------------------

  /** Whether a snapshot can begin now. */
  get isFree(): boolean {
    return this.isReady && !this.isHeld && this.job === undefined && !this.isTorn();
  }

  /** Saves the data of this moment to the RDB file; undefined when that could not begin. */
  saveForReplicas(): RunningSnapshot | undefined {
    return this.startSave() ? this.job?.running : undefined;
  }

  /** Hands the data of this moment over as an RDB file; undefined when that could not begin. */
  streamForReplicas(
    parts: { readonly data: boolean; readonly functions: boolean },
    take: (piece: Uint8Array) => void,
  ): RunningSnapshot | undefined {
    const functions = parts.functions ? this.functions.sources() : [];
    const job: StreamJob = {
      form: 'stream',
      keyDelayUs: this.config.number('rdb-key-save-delay'),
      options: this.saveOptions(),
      withoutData: !parts.data,
    };
    const begun = this.beginJob('save', () => this.writer.stream({ ...job, functions }, take));
    if (begun === undefined) return undefined;
    const end = () => this.ended(new SaveRecord(), begun, 0);
    begun.running.done.then(end, end);
    return begun.running;
  }

  /** Gives the snapshot under way up, as SHUTDOWN and FLUSHALL do. */
  cancel(): void {
    this.job?.running.cancel();
  }

  // ---- append-only file ----------------------------------------------------------------------

  /** A handle on the append-only files of the configured directory; opens nothing. */
  makeAof(): AppendOnlyFile {
    const aof = new AppendOnlyFile({
      files: this.files,
      directory: this.aofDirectory,
      name: this.config.path('appendfilename'),
      now: this.now,
      log: this.log,
      took: (event, ms) => this.took?.(event, ms),
      wake: () => this.output.endTurn(),
      onSafe: () => {
        this.noteHealth();
        this.output.release();
      },
      onFatal: this.onFatal,
      onUnreliable: () => {
        this.rewriteScheduled = true;
      },
    });
    return aof;
  }

  /** Effects go to these files from now on. */
  attach(aof: AppendOnlyFile): void {
    this.aof = aof;
    this.configureAof();
    this.keyspace.changes.journal.add(aof);
    this.output.barrier = aof;
  }

  /** Makes a base of the present data where the files have none (a first start). */
  makeFirstBase(aof: AppendOnlyFile): void {
    const form = this.baseForm();
    const name = aof.nextBaseName(form === 'rdb');
    this.log('notice', `Creating AOF base file ${name} on server start`);
    makeLastingDirectory(this.files, this.aofDirectory);
    const options = { ...this.baseOptions(), ...this.writeOptions([['aof-base', '1']]) };
    const save = form === 'rdb' ? saveRdbFile : saveCommandFile;
    save(this.files, this.liveSource(), options);
    aof.adoptBase(path.join(this.aofDirectory, this.baseOptions().name), form === 'rdb', 0);
  }

  private switchAppendOnly(): void {
    if (this.aof !== undefined) this.stopAppendOnly();
    else this.startAppendOnly();
  }

  /** AOF is switched on while running: counted in once a first rewrite has made its base. */
  private startAppendOnly(): void {
    const aof = this.makeAof();
    try {
      aof.beginTemporary();
    } catch (error) {
      this.log('warning', `Can't open the append-only file: ${messageOf(error)}`);
      throw new CommandError('ERR Unable to turn on AOF. Check server logs.');
    }
    this.attach(aof);
    // In a transaction or script its base would hold one half of it, and the file the whole.
    if (this.job !== undefined || this.isTorn()) {
      const why = this.job === undefined ? 'in a transaction' : 'during another background save';
      this.log(
        'notice',
        `AOF was enabled ${why}. An AOF background was scheduled to start when possible.`,
      );
      this.rewriteScheduled = true;
    } else if (!this.startRewrite()) {
      this.stopAppendOnly();
      throw new CommandError('ERR Unable to turn on AOF. Check server logs.');
    }
  }

  private stopAppendOnly(): void {
    const { aof } = this;
    if (aof === undefined) return;
    if (this.job?.kind === 'rewrite') {
      // redis-server's users look for these words; what it calls a child is a thread here.
      this.log('notice', 'Killing running AOF rewrite child: the append-only file is turned off');
      this.cancel();
    }
    this.keyspace.changes.journal.remove(aof);
    aof.close();
    this.aof = undefined;
    this.rewriteScheduled = false;
    this.output.barrier = undefined;
    this.output.release();
  }

  private startRewrite(): boolean {
    const { aof } = this;
    this.rewriteScheduled = false;
    const target = aof ?? this.makeAof();
    try {
      makeLastingDirectory(this.files, this.aofDirectory);
      if (aof !== undefined) aof.beginIncr();
    } catch (error) {
      this.log('warning', `Can't rewrite the append-only file: ${messageOf(error)}`);
      this.rewriteLimit.failed(this.now());
      this.rewrites.succeeded = false;
      return false;
    }
    const options = { ...this.baseOptions(), ...this.writeOptions([['aof-base', '1']]) };
    const form = this.baseForm();
    const begun = this.begin('rewrite', form, options);
    if (begun === undefined) {
      this.rewriteFailed(aof, 'no snapshot could be begun');
      return false;
    }
    this.log('notice', 'Background append only file rewriting started');
    begun.running.done.then(
      ({ heldBytes }) => {
        this.ended(this.rewrites, begun, heldBytes);
        this.rewritten(target, aof, form);
      },
      (error) => {
        this.ended(this.rewrites, begun, begun.running.heldBytesMax);
        if (begun.running.isCancelled) return;
        this.rewriteFailed(aof, messageOf(error));
      },
    );
    return true;
  }

  /** A base is there: `target` adopts it, unless AOF was switched since, when it was `before`. */
  private rewritten(
    target: AppendOnlyFile,
    before: AppendOnlyFile | undefined,
    form: BaseForm,
  ): void {
    const temporary = path.join(this.aofDirectory, this.baseOptions().name);
    if (this.aof !== before) {
      this.removeIfThere(temporary);
      return;
    }
    try {
      target.adoptBase(temporary, form === 'rdb', before === undefined ? 0 : 1);
    } catch (error) {
      this.removeIfThere(temporary);
      this.rewriteFailed(before, messageOf(error));
      return;
    }
    this.rewrites.succeeded = true;
    this.rewrites.count++;
    this.rewriteLimit.reset();
    this.log('notice', 'Background AOF rewrite finished successfully');
  }

  private removeIfThere(file: string): void {
    try {
      this.files.unlink(file);
    } catch {
      // It was renamed, or never made.
    }
  }

  private rewriteFailed(aof: AppendOnlyFile | undefined, why: string): void {
    this.rewrites.succeeded = false;
    this.rewriteLimit.failed(this.now());
    this.log('warning', `Background AOF rewrite terminated with an error: ${why}`);
    // Without its first base the file counts for nothing: try again.
    if (aof?.isTemporary === true) this.rewriteScheduled = true;
  }

  // ---- the end -------------------------------------------------------------------------------

  /**
   * Brings the data to the disk for the end: `save` as SHUTDOWN has it. Returns false when it could
   * not, and the server had better go on.
   */
  finish(save: 'default' | 'save' | 'nosave', force: boolean): boolean {
    if (this.aof?.isTemporary === true) {
      const how = force ? ' Exit anyway.' : " can't exit.";
      this.log('warning', `Writing initial AOF,${how}`);
      if (!force) return false;
    }
    this.cancel();
    let whole = true;
    const wantsSave = save === 'save' || (save === 'default' && this.savePoints.length > 0);
    if (wantsSave && this.isReady) {
      this.log('notice', 'Saving the final RDB snapshot before exiting.');
      if (!this.saveNow()) {
        this.log('warning', "Error trying to save the DB, can't exit.");
        whole = false;
      }
    }
    return whole || force;
  }

  /** Writes what the append-only file still lacks, and ends the threads. */
  async close(): Promise<void> {
    this.cancel();
    const { aof } = this;
    if (aof !== undefined) {
      this.log('notice', 'Calling fsync() on the AOF file.');
      this.keyspace.changes.journal.remove(aof);
      aof.close();
      this.aof = undefined;
      this.output.release();
    }
    await this.writer.close();
  }

  // ---- options -------------------------------------------------------------------------------

  /** The data as it is now, for a save that does not leave the turn. */
  private liveSource(): RdbSource {
    const { keyspace } = this;
    return {
      tools: keyspace.tools,
      databases: savedDatabases(keyspace),
      functions: this.functions.sources(),
      nowMs: this.now(),
    };
  }

  private rdbOptions(prefix: string) {
    return {
      directory: this.directory,
      name: this.config.path('dbfilename'),
      temporaryName: `${prefix}-${process.pid}.rdb`,
      incrementalSync: this.config.bool('rdb-save-incremental-fsync'),
      keyDelayUs: this.config.number('rdb-key-save-delay'),
    };
  }

  private baseForm(): BaseForm {
    return this.config.bool('aof-use-rdb-preamble') ? 'rdb' : 'commands';
  }

  private baseOptions() {
    return {
      directory: this.aofDirectory,
      name: `temp-rewriteaof-bg-${process.pid}.aof`,
      temporaryName: `temp-rewriteaof-${process.pid}.aof`,
      incrementalSync: this.config.bool('aof-rewrite-incremental-fsync'),
      keyDelayUs: this.config.number('rdb-key-save-delay'),
    };
  }

  /** Options of an RDB file that is no base of an append-only file. */
  private saveOptions(): RdbWriteOptions & CommandFileOptions {
    return this.writeOptions([...this.streamPosition(), ['aof-base', '0']]);
  }

  private writeOptions(more: RdbWriteOptions['aux']): RdbWriteOptions & CommandFileOptions {
    const { config } = this;
    const policy = config.string('maxmemory-policy');
    return {
      compress: config.bool('rdbcompression'),
      checksum: config.bool('rdbchecksum'),
      version: config.number('rdb-version'),
      access: policy.endsWith('-lfu') ? 'lfu' : /-lr[um]$/.test(policy) ? 'lru' : 'none',
      lfuDecayMinutes: config.number('lfu-decay-time'),
      stamp: config.bool('aof-timestamp-enabled'),
      aux: [
        ['redis-ver', REDIS_VERSION],
        ['redis-bits', '64'],
        ['ctime', String(Math.floor(this.now() / 1000))],
        ['used-mem', String(this.usedMemory())],
        ...more,
      ],
    };
  }
}

/** A turn of the event loop. */
function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const misconfSnapshot = new CommandError(
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to " +
    'disk. Commands that may modify the data set are disabled, because this instance is ' +
    'configured to report errors during writes if RDB snapshotting fails ' +
    '(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB ' +
    'error.',
);

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
