/**
 * Brings the data from the disk at start, in slices between which the event loop goes on: clients
 * are told that the server is loading, and how far it has come. With `appendonly` it is the
 * append-only files that count, else the RDB file. The same is done at once, without slices, for
 * DEBUG RELOAD.
 *
 * Source: order, texts and what is refused as redis-server 7.0.15.
 */
import path from 'node:path';
import type { Config } from '../config/config.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { AppendOnlyFile } from '../persistence/aof/append-only.ts';
import { AofError, AofFileLoader, type AofTarget } from '../persistence/aof/load.ts';
import { Manifest, ManifestError } from '../persistence/aof/manifest.ts';
import { writeManifest } from '../persistence/aof/manifest-file.ts';
import { makeLastingDirectory } from '../persistence/files.ts';
import { RdbFileLoader, type RdbLoadOptions } from '../persistence/rdb/load-file.ts';
import { PositionReader, type StreamPosition } from '../replication/identity.ts';
import { dataFilesOf, type FileForm, formOf } from '../tools/file-form.ts';
import { jsonSteps } from '../tools/json-lines.ts';
import { JsonReader } from '../tools/json-reader.ts';
import { latin1, printable } from '../util/latin1.ts';
import { monotonicMs, setImmediate, setTimeout } from '../util/timers.ts';
import type { LogLevel } from './log.ts';
import type { Persistence } from './persistence.ts';

/** Time between two lines of progress in the log. */
const PROGRESS_MS = 5000;

const RDB_ADVICE =
  'Nothing was changed. "respite check rdb FILE" tells what is wrong; with the file moved away the ' +
  'server starts empty.';

/** The data cannot be had, and the server must not start without it. The log has said why. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
  /** Whether the log says what to do about it. */
  readonly isAdvised: boolean;

  constructor(message: string, isAdvised = false) {
    super(message);
    this.isAdvised = isAdvised;
  }
}

/** Keys without elements that the log names; a file may be full of them. */
const EMPTY_NAMED_MAX = 10;
/** What it shows of a name. */
const EMPTY_NAME_BYTES = 200;

/** Counts a key that is left out because its collection has no elements, and says so. */
export function noteEmpty(
  progress: LoadProgress,
  key: Uint8Array,
  log: (level: LogLevel, message: string) => void,
): void {
  if (progress.keysEmpty++ >= EMPTY_NAMED_MAX) return;
  const name = printable(key.subarray(0, EMPTY_NAME_BYTES));
  log('warning', `Loading RDB: skipping empty key: ${name}`);
}

/** How far a load has come, for INFO. */
export class LoadProgress {
  isLoading = false;
  /** Whether the old data is served meanwhile (repl-diskless-load swapdb). */
  isAsync = false;
  startedMs = 0;
  total = 0;
  /** Bytes of files that are done. */
  done = 0;
  /** Bytes of the present file. */
  offset = 0;
  keysLoaded = 0;
  keysExpired = 0;
  /** Keys left out because their collections had no elements. */
  keysEmpty = 0;

  get loaded(): number {
    return this.done + this.offset;
  }
}

export interface LoaderOptions {
  readonly config: Config;
  readonly keyspace: Keyspace;
  readonly persistence: Persistence;
  readonly target: AofTarget;
  /** Told where in a history of replication the data is that an RDB file brought at start. */
  readonly onPosition: (position: StreamPosition) => void;
  /** Whether a master will say which keys have expired. */
  readonly isReplica: () => boolean;
  /** Whether an RDB file that is there is loaded at start. */
  readonly loadsData: boolean;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

/** One piece after the other; whoever runs it decides when the next one comes. */
type Steps = Generator<void, void, void>;

/** Bytes of a slice where each key is waited for. */
const SLOW_PIECE_BYTES = 512;

export class Loader {
  readonly progress = new LoadProgress();
  private readonly config: Config;
  private readonly keyspace: Keyspace;
  private readonly persistence: Persistence;
  private readonly target: AofTarget;
  private readonly onPosition: (position: StreamPosition) => void;
  private readonly isReplica: () => boolean;
  private readonly loadsData: boolean;
  private readonly now: () => number;
  private readonly log: (level: LogLevel, message: string) => void;

  constructor(options: LoaderOptions) {
    this.config = options.config;
    this.keyspace = options.keyspace;
    this.persistence = options.persistence;
    this.target = options.target;
    this.onPosition = options.onPosition;
    this.isReplica = options.isReplica;
    this.loadsData = options.loadsData;
    this.now = options.now;
    this.log = options.log;
  }

  /**
   * Loads what is there and has effects appended from now on, if wanted. Throws LoadError. The
   * event loop goes on meanwhile.
   */
  async start(): Promise<void> {
    const aof = this.config.bool('appendonly') ? this.openAof() : undefined;
    if (aof !== undefined) await this.inSlices(this.aofSteps(aof));
    else if (this.loadsData) await this.inSlices(this.rdbSteps());
    const { persistence } = this;
    if (aof !== undefined) this.goOn(aof);
    persistence.isReady = true;
    persistence.configure();
  }

  /** Loads the RDB file at once, into what is there. Throws. */
  reloadRdb(replace: boolean): void {
    this.atOnce(this.rdbFile(this.persistence.rdbPath, this.rdbOptions(false, replace)));
  }

  /** Loads the append-only files at once; nobody is told of it as effects. Throws LoadError. */
  reloadAof(aof: AppendOnlyFile): void {
    const { journal } = this.keyspace.changes;
    const { isRead } = journal;
    journal.isRead = false;
    try {
      this.atOnce(this.aofSteps(aof));
    } finally {
      journal.isRead = isRead;
    }
  }

  /**
   * Replaces all data by what a file holds, in slices. Throws what is wrong with the file; an RDB
   * file that is wrong leaves the data as it was, any other one leaves none.
   */
  async replace(file: string): Promise<void> {
    const steps = this.replaceSteps(file, formOf(this.persistence.files, file));
    try {
      await this.inSlices(steps);
    } catch (error) {
      if (!(error instanceof AofError)) throw error;
      throw new Error(`${error.file}: ${error.message}, at byte ${error.offset}`);
    }
    this.log('notice', `Data replaced by that of ${file}`);
  }

  private *replaceSteps(file: string, form: FileForm): Steps {
    if (form === 'rdb') {
      yield* this.stagedRdb(file);
      return;
    }
    this.keyspace.flush(this.keyspace.dbs.keys());
    this.persistence.functions.clear();
    let isWhole = false;
    try {
      if (form === 'json') yield* this.jsonFile(file);
      else yield* this.commandFiles(file, form);
      isWhole = true;
    } finally {
      if (!isWhole) this.keyspace.flush(this.keyspace.dbs.keys());
    }
  }

  /** Into databases of its own, which take the place of the present ones at the end. */
  private *stagedRdb(file: string): Steps {
    const { keyspace } = this;
    const { functions } = this.persistence;
    const staged = keyspace.stage();
    const libraries: Uint8Array[] = [];
    let isWhole = false;
    try {
      yield* this.rdbFile(file, {
        ...this.rdbOptions(false, false),
        database: (index) => staged[index],
        onFunction: (code) => libraries.push(Buffer.from(code)),
      });
      isWhole = true;
    } finally {
      if (!isWhole) for (const db of staged) db.drop();
    }
    keyspace.replaceAll(staged);
    functions.clear();
    for (const code of libraries) functions.load(code);
  }

  private *commandFiles(file: string, form: 'aof' | 'manifest'): Steps {
    const { files } = this.persistence;
    const names = form === 'manifest' ? dataFilesOf(files, file) : [file];
    const { keyspace, target, progress } = this;
    this.begin(0);
    keyspace.expiryEnabled = false;
    try {
      for (const [i, name] of names.entries()) {
        const rdb = this.rdbOptions(true, false);
        const isLast = i === names.length - 1;
        const loader = new AofFileLoader({
          files,
          path: name,
          space: keyspace,
          target,
          rdb,
          isLast,
        });
        progress.total += loader.bytes;
        try {
          while (loader.step()) {
            progress.offset = loader.offset;
            yield;
          }
        } finally {
          loader.close();
        }
        progress.done += loader.bytes;
        progress.offset = 0;
      }
    } finally {
      keyspace.expiryEnabled = true;
      this.end();
    }
  }

  private *jsonFile(file: string): Steps {
    const reader = new JsonReader(this.keyspace);
    const { progress } = this;
    const open = this.persistence.files.open(file, 'read');
    this.begin(open.size());
    this.keyspace.expiryEnabled = false;
    try {
      for (const offset of jsonSteps(open, reader)) {
        progress.offset = offset;
        progress.keysLoaded = reader.keys;
        yield;
      }
    } finally {
      this.keyspace.expiryEnabled = true;
      open.close();
      this.end();
    }
    for (const code of reader.functions) this.persistence.functions.load(code);
  }

  // ---- what is loaded ------------------------------------------------------------------------

  private *rdbSteps(): Steps {
    const { files, rdbPath } = this.persistence;
    if (!files.exists(rdbPath)) return;
    const startedMs = monotonicMs();
    try {
      yield* this.rdbFile(rdbPath, this.startOptions());
    } catch (error) {
      // Last what redis-server says last: its users' tools look at that line.
      this.log('warning', RDB_ADVICE);
      this.log('warning', `Fatal error loading the DB, check server logs. Exiting: ${text(error)}`);
      throw new LoadError(text(error), true);
    }
    const { keysEmpty, keysLoaded, keysExpired } = this.progress;
    const skipped = keysEmpty === 0 ? '' : `, empty keys skipped: ${keysEmpty}`;
    this.log(
      'notice',
      `Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}${skipped}.`,
    );
    this.log('notice', `DB loaded from disk: ${seconds(startedMs)} seconds`);
  }

  private *rdbFile(file: string, options: RdbLoadOptions): Steps {
    const { files } = this.persistence;
    const pieceBytes = this.keyDelayUs === 0 ? undefined : SLOW_PIECE_BYTES;
    const loader = new RdbFileLoader(files, file, this.keyspace, options, pieceBytes);
    const { progress } = this;
    this.begin(loader.bytes);
    try {
      while (loader.step()) {
        progress.offset = loader.offset;
        progress.keysLoaded = loader.reader.keys;
        yield;
      }
      progress.keysLoaded = loader.reader.keys;
      progress.keysExpired = loader.reader.expired;
    } finally {
      loader.close();
      this.end();
    }
  }

  private *aofSteps(aof: AppendOnlyFile): Steps {
    const { base, incr } = aof.manifest;
    const all = [...(base === undefined ? [] : [base]), ...incr];
    if (all.length === 0) return;
    for (const { name } of all) {
      if (this.persistence.files.exists(aof.pathOf(name))) continue;
      this.log(
        'warning',
        `Unable to obtain the AOF file ${name} length. stat: No such file or directory`,
      );
      throw new LoadError(`missing append-only file ${name}`);
    }
    const startedMs = monotonicMs();
    const { keyspace } = this;
    const sizes = all.map(({ name }) => aof.sizeOf(name));
    this.begin(sizes.reduce((sum, size) => sum + size, 0));
    // What the files say happened at its time: nothing expires on the way.
    keyspace.expiryEnabled = false;
    try {
      for (const [i, file] of all.entries()) {
        const fileStartedMs = monotonicMs();
        // Files after it that are still empty make it no less the last one.
        const isLast = sizes.slice(i + 1).every((size) => size === 0);
        yield* this.aofFile(aof, file.name, isLast);
        this.progress.done += sizes[i]!;
        this.progress.offset = 0;
        const what = `DB loaded from ${file.type} file ${file.name}: ${seconds(fileStartedMs)} seconds`;
        this.log('notice', what);
      }
    } finally {
      keyspace.expiryEnabled = true;
      this.end();
    }
    aof.baseBytes = base === undefined ? 0 : aof.sizeOf(base.name);
    this.log('notice', `DB loaded from append only file: ${seconds(startedMs)} seconds`);
  }

  private *aofFile(aof: AppendOnlyFile, name: string, isLast: boolean): Steps {
    const { keyspace, target, progress } = this;
    const file = aof.pathOf(name);
    let loader: AofFileLoader | undefined;
    try {
      loader = new AofFileLoader({
        files: this.persistence.files,
        path: file,
        space: keyspace,
        target,
        rdb: this.rdbOptions(true, false),
        isLast,
      });
      while (loader.step()) {
        progress.offset = loader.offset;
        yield;
      }
    } catch (error) {
      this.aofFailed(error, file, isLast);
    } finally {
      loader?.close();
    }
  }

  /** A file that ends too early is cut back if that is wanted; anything else ends the start. */
  private aofFailed(error: unknown, file: string, isLast: boolean): void {
    const name = path.basename(file);
    if (!(error instanceof AofError)) {
      this.log('warning', `Error reading the append only file ${name}: ${text(error)}`);
      throw new LoadError(text(error));
    }
    if (!error.isTruncated) {
      this.log(
        'warning',
        `${error.message} ${name} (byte ${error.offset}): make a backup of your AOF file, then ` +
          'use respite check aof --fix',
      );
      throw new LoadError(error.message, true);
    }
    if (!isLast) {
      // redis-server cuts it off nevertheless, and the next start has a gap in its data.
      const where = `${name}, byte ${error.offset}`;
      this.log('warning', `Fatal error: the truncated file is not the last file (${where})`);
      throw new LoadError(error.message);
    }
    if (!this.config.bool('aof-load-truncated')) {
      this.log(
        'warning',
        `${error.message} ${name} (byte ${error.offset}). You can make a backup of the file and ` +
          'use respite check aof --fix, or set aof-load-truncated to yes and start again.',
      );
      throw new LoadError(error.message, true);
    }
    this.cutBack(file, error.offset);
  }

  private cutBack(file: string, offset: number): void {
    const { files } = this.persistence;
    const name = path.basename(file);
    this.log('warning', `!!! Warning: short read while loading the AOF file ${name}!!!`);
    this.log('warning', `Truncating the AOF ${name} at offset ${offset}`);
    try {
      const open = files.open(file, 'update');
      try {
        open.truncate(offset);
        open.sync();
      } finally {
        open.close();
      }
    } catch (error) {
      this.log('warning', `Error truncating the AOF file ${name}: ${text(error)}`);
      throw new LoadError(text(error));
    }
    this.log('warning', `AOF ${name} loaded anyway because aof-load-truncated is enabled`);
  }

  private rdbOptions(keepExpired: boolean, replace: boolean): RdbLoadOptions {
    const { dbs } = this.keyspace;
    return {
      database: (index) => dbs[index],
      keepExpired,
      replace,
      checksum: this.config.bool('rdbchecksum'),
      checkOnly: false,
      onAux: (name, value) =>
        this.aux(latin1(name, 0, name.length), latin1(value, 0, value.length)),
      onEmpty: (key) => noteEmpty(this.progress, key, this.log),
      onFunction: (code) => this.persistence.functions.load(code, replace),
    };
  }

  /** As at start: the file may say where in a history of replication its data is. */
  private startOptions(): RdbLoadOptions {
    const options = this.rdbOptions(this.isReplica(), false);
    const reader = new PositionReader();
    let told = false;
    return {
      ...options,
      onAux: (name, value) => {
        options.onAux?.(name, value);
        reader.add(latin1(name, 0, name.length), latin1(value, 0, value.length));
        const { position } = reader;
        if (told || position === undefined) return;
        told = true;
        this.onPosition(position);
      },
      onExpired: (dbIndex, key) => this.tellExpired(dbIndex, key),
    };
  }

  /** Those who follow our history still have the key. */
  private tellExpired(dbIndex: number, key: Uint8Array): void {
    const { journal } = this.keyspace.changes;
    if (!journal.isRead) return;
    journal.line(dbIndex, journal.removalOfExpired).bytes(key, 0, key.length);
    journal.endUnit();
  }

  private aux(name: string, value: string): void {
    if (name === 'redis-ver') this.log('notice', `Loading RDB produced by version ${value}`);
    else if (name === 'ctime') {
      const age = Math.max(0, Math.floor(this.now() / 1000) - Number(value));
      this.log('notice', `RDB age ${age} seconds`);
    } else if (name === 'used-mem') {
      const megabytes = (Number(value) / (1024 * 1024)).toFixed(2);
      this.log('notice', `RDB memory usage when created ${megabytes} Mb`);
    }
  }

  // ---- append-only files at start ------------------------------------------------------------

  private openAof(): AppendOnlyFile {
    const { persistence } = this;
    try {
      this.adoptOldFile();
      return persistence.makeAof();
    } catch (error) {
      const what = error instanceof ManifestError ? 'AOF manifest' : 'append-only files';
      this.log('warning', `Fatal error reading the ${what}: ${text(error)}`);
      throw new LoadError(text(error));
    }
  }

  /** A single append-only file of Redis before 7.0 becomes the base of the new layout. */
  private adoptOldFile(): void {
    const { aofDirectory, directory, files } = this.persistence;
    const name = this.config.path('appendfilename');
    const old = path.join(directory, name);
    if (!files.exists(old)) return;
    const manifest = path.join(aofDirectory, `${name}.manifest`);
    if (files.exists(manifest) && !this.isInterrupted(name)) return;
    this.log('notice', `Successfully migrated an old-style AOF configuration (${name})`);
    makeLastingDirectory(files, aofDirectory);
    const base = { name, seq: 1, type: 'base' as const };
    writeManifest(files, aofDirectory, name, new Manifest(base, [], []));
    files.rename(old, path.join(aofDirectory, name));
    files.syncDirectory(aofDirectory);
    files.syncDirectory(directory);
  }

  /** Whether an earlier upgrade has written the manifest, and no more. */
  private isInterrupted(name: string): boolean {
    const { aofDirectory, files } = this.persistence;
    return !files.exists(path.join(aofDirectory, name)) && !this.hasOtherFiles(name);
  }

  private hasOtherFiles(name: string): boolean {
    const { base, incr } = this.persistence.makeAof().manifest;
    return incr.length > 0 || base?.name !== name;
  }

  /** The data is there: what comes next is appended. */
  private goOn(aof: AppendOnlyFile): void {
    const { persistence } = this;
    try {
      const { base, incr } = aof.manifest;
      let bytes = 0;
      for (const { name } of [...(base === undefined ? [] : [base]), ...incr]) {
        bytes += aof.sizeOf(name);
      }
      if (base === undefined && incr.length === 0) persistence.makeFirstBase(aof);
      aof.open(bytes === 0 ? aof.baseBytes : bytes);
    } catch (error) {
      this.log('warning', `Can't open the append-only file: ${text(error)}`);
      throw new LoadError(text(error));
    }
    persistence.attach(aof);
  }

  // ---- slices --------------------------------------------------------------------------------

  private begin(total: number): void {
    const { progress } = this;
    if (progress.isLoading) return;
    progress.isLoading = true;
    progress.startedMs = this.now();
    progress.total = total;
    progress.done = 0;
    progress.offset = 0;
  }

  private end(): void {
    const { changes } = this.keyspace;
    this.progress.isLoading = false;
    changes.saved(changes.dirty);
  }

  /** key-load-delay: microseconds to wait for each key, for tests. */
  private get keyDelayUs(): number {
    return Math.max(0, this.config.number('key-load-delay'));
  }

  private async inSlices(steps: Steps): Promise<void> {
    const { progress } = this;
    let toldMs = monotonicMs();
    let keys = progress.keysLoaded;
    while (steps.next().done !== true) {
      const waitMs = ((progress.keysLoaded - keys) * this.keyDelayUs) / 1000;
      keys = progress.keysLoaded;
      await new Promise<void>((resolve) => {
        if (waitMs > 0) setTimeout(resolve, waitMs);
        else setImmediate(resolve);
      });
      if (monotonicMs() - toldMs < PROGRESS_MS) continue;
      toldMs = monotonicMs();
      const { loaded, total } = this.progress;
      this.log('notice', `Loading: ${((loaded * 100) / Math.max(1, total)).toFixed(1)} %`);
    }
  }

  private atOnce(steps: Steps): void {
    while (steps.next().done !== true);
  }
}

function seconds(sinceMs: number): string {
  return ((monotonicMs() - sinceMs) / 1000).toFixed(3);
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
