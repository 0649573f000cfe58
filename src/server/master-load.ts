/**
 * The data of a full sync on its way into the databases, in one of three ways:
 *
 *     file    into a file, which takes the place of the RDB file and is loaded then
 *     direct  as it comes, into databases that were emptied before
 *     staged  as it comes, into databases of its own, which replace the others when all is there
 *
 * Until the first change of the present data nothing is lost by a transfer that fails; after it,
 * none is left: half of a master's data must never be taken for all of it.
 * Source: repl-diskless-load of redis-server 7.0.15.
 */
import path from 'node:path';
import type { Config } from '../config/config.ts';
import type { Db } from '../keyspace/db.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import {
  type OpenFile,
  type SystemError,
  uninterrupted,
  writeFully,
} from '../persistence/files.ts';
import { RdbFileReader, type RdbReadOptions } from '../persistence/rdb/file-reader.ts';
import { RdbFileLoader } from '../persistence/rdb/load-file.ts';
import { latin1 } from '../util/latin1.ts';
import { setImmediate, setTimeout } from '../util/timers.ts';
import type { Gates } from './gates.ts';
import { type LoadProgress, noteEmpty } from './loading.ts';
import type { Log } from './log.ts';
import type { Persistence } from './persistence.ts';

/** Bytes written to the file between two syncs. */
const SYNC_BYTES = 8 * 1024 * 1024;
/** How often it looks whether it may go on. */
const WAIT_MS = 2;
/** Elements of the old data that are freed at a time. */
const FREES_PER_STEP = 4096;
/** Bytes loaded at a time where each key is waited for. */
const SLOW_PIECE_BYTES = 1024;

export type LoadMode = 'file' | 'direct' | 'staged';

export interface MasterLoadParts {
  readonly config: Config;
  readonly keyspace: Keyspace;
  readonly persistence: Persistence;
  readonly gates: Gates;
  readonly progress: LoadProgress;
  readonly now: () => number;
  readonly log: Log['write'];
  /** Whether a script is half done: nothing may change then. */
  readonly isBusy: () => boolean;
  /** The present data is about to go, and with it what depends on it. */
  readonly beforeReplace: () => void;
  /** The data is another one: whoever waits for a key looks again. */
  readonly afterReplace: () => void;
}

export interface MasterLoadOptions {
  readonly mode: LoadMode;
  /** Bytes that come, -1 when nobody knows. */
  readonly total: number;
  /** Whether the old data is served while staged data comes. */
  readonly servesOld: boolean;
}

export class MasterLoad {
  /** Database that is selected in the stream after this data. */
  streamDb = 0;
  private readonly parts: MasterLoadParts;
  private readonly options: MasterLoadOptions;
  private reader: RdbFileReader | undefined = undefined;
  private staged: Db[] | undefined = undefined;
  private libraries: Buffer[] = [];
  private file: OpenFile | undefined = undefined;
  private readonly filePath: string;
  private unsynced = 0;
  /** Whether the present data is the old one still. */
  private isOldThere = true;
  private isOver = false;

  /** Begins: the first bytes come next. Throws SystemError. */
  constructor(parts: MasterLoadParts, options: MasterLoadOptions) {
    this.parts = parts;
    this.options = options;
    const { persistence, now } = parts;
    const name = `temp-${Math.floor(now() / 1000)}.${process.pid}.rdb`;
    this.filePath = path.join(persistence.directory, name);
    const { mode } = options;
    if (mode === 'file') this.openFile();
    else this.openReader(mode === 'staged');
  }

  /** Whether clients are told that the server loads. */
  get isLoading(): boolean {
    return this.parts.gates.isLoading && !this.isOver;
  }

  /** Bytes that were handed over arrived. Throws what is wrong with them. */
  data(buf: Uint8Array, from: number, to: number): void {
    const { file, reader } = this;
    const { progress } = this.parts;
    if (file !== undefined) {
      writeFully(file, buf.subarray(from, to));
      this.unsynced += to - from;
      if (this.unsynced < SYNC_BYTES) return;
      uninterrupted(() => file.syncData());
      this.unsynced = 0;
      return;
    }
    let used = 0;
    this.keepingExpired(() => {
      used = reader!.feed(buf, from, to);
    });
    progress.offset = reader!.offset;
    progress.keysLoaded = reader!.keys;
    if (used < to - from) throw new Error('bytes follow the end of the data');
  }

  /** All bytes are there. `done` is told how it went, now or in a later turn. */
  finish(done: (error: Error | undefined) => void): void {
    if (this.options.mode === 'file') this.loadFile(done);
    else {
      const error = this.attempt(() => {
        this.reader!.end();
        if (this.staged !== undefined) this.swap(this.staged);
      });
      this.conclude(error);
      done(error);
    }
  }

  /** The data does not come to its end. */
  abort(): void {
    this.conclude(new Error('aborted'));
  }

  // ---- straight into databases ---------------------------------------------------------------

  private openReader(isStaged: boolean): void {
    const { gates, keyspace } = this.parts;
    const { options } = this;
    if (isStaged) this.staged = keyspace.stage();
    const dbs = this.staged ?? keyspace.dbs;
    gates.isLoading = !options.servesOld;
    gates.isLoadingAsync = options.servesOld;
    if (!isStaged) this.empty();
    this.beginProgress(Math.max(0, options.total));
    const bytes = options.total < 0 ? Number.POSITIVE_INFINITY : options.total;
    const readOptions = this.readOptions((index) => dbs[index], isStaged);
    this.reader = new RdbFileReader(keyspace, { ...readOptions, bytes });
  }

  private swap(staged: readonly Db[]): void {
    const { keyspace, persistence } = this.parts;
    this.beforeReplace();
    keyspace.replaceAll(staged);
    this.staged = undefined;
    persistence.functions.clear();
    for (const code of this.libraries) persistence.functions.load(code);
  }

  // ---- by way of a file ----------------------------------------------------------------------

  private openFile(): void {
    const { files } = this.parts.persistence;
    removeIfThere(() => files.unlink(this.filePath));
    this.file = uninterrupted(() => files.open(this.filePath, 'new'));
  }

  private loadFile(done: (error: Error | undefined) => void): void {
    const { keyspace, persistence } = this.parts;
    let loader: RdbFileLoader | undefined;
    const end = (error: Error | undefined) => {
      loader?.close();
      this.conclude(error);
      done(error);
    };
    const error = this.attempt(() => {
      this.placeFile();
      this.parts.gates.isLoading = true;
      this.empty();
      const options = this.readOptions((index) => keyspace.dbs[index], false);
      const { files, rdbPath } = persistence;
      const pieceBytes = this.keyDelayUs === 0 ? undefined : SLOW_PIECE_BYTES;
      loader = new RdbFileLoader(files, rdbPath, keyspace, options, pieceBytes);
      this.beginProgress(loader.bytes);
    });
    if (error !== undefined) {
      end(error);
      return;
    }
    let keys = 0;
    const step = () => {
      // The link was lost meanwhile, and nobody wants the data any more.
      if (this.isOver) {
        loader?.close();
        return;
      }
      if (this.parts.isBusy()) {
        setTimeout(step, WAIT_MS);
        return;
      }
      if (this.freesFirst()) {
        setImmediate(step);
        return;
      }
      let more = false;
      const failure = this.attempt(() => {
        this.keepingExpired(() => {
          more = loader!.step();
        });
        const { progress } = this.parts;
        progress.offset = loader!.offset;
        progress.keysLoaded = loader!.reader.keys;
      });
      if (failure !== undefined || !more) {
        end(failure);
        return;
      }
      const waitMs = ((loader!.reader.keys - keys) * this.keyDelayUs) / 1000;
      keys = loader!.reader.keys;
      if (waitMs > 0) setTimeout(step, waitMs);
      else setImmediate(step);
    };
    setImmediate(step);
  }

  /** key-load-delay: microseconds to wait for each key, for tests. */
  private get keyDelayUs(): number {
    return Math.max(0, this.parts.config.number('key-load-delay'));
  }

  /** Unless it may lie beside the new data for a while, the old data is freed first. */
  private freesFirst(): boolean {
    const { config, keyspace } = this.parts;
    if (!keyspace.hasGarbage || config.bool('replica-lazy-flush')) return false;
    keyspace.freeGarbage(FREES_PER_STEP);
    return true;
  }

  /** The file is whole: it takes the place of the RDB file. Throws SystemError. */
  private placeFile(): void {
    const { persistence } = this.parts;
    const { files } = persistence;
    const file = this.file!;
    try {
      uninterrupted(() => file.sync());
    } finally {
      this.file = undefined;
      file.close();
    }
    persistence.cancelSave();
    uninterrupted(() => files.rename(this.filePath, persistence.rdbPath));
    uninterrupted(() => files.syncDirectory(persistence.directory));
  }

  // ---- both ----------------------------------------------------------------------------------

  private beforeReplace(): void {
    this.isOldThere = false;
    this.parts.keyspace.ownExpiry?.clear();
    this.parts.beforeReplace();
  }

  private empty(): void {
    const { keyspace, persistence } = this.parts;
    this.beforeReplace();
    keyspace.flush(keyspace.dbs.keys());
    persistence.functions.clear();
  }

  private readOptions(
    database: (index: number) => Db | undefined,
    isStaged: boolean,
  ): Omit<RdbReadOptions, 'bytes'> {
    const { config, persistence } = this.parts;
    return {
      database,
      // The master says when they go.
      keepExpired: true,
      replace: false,
      checksum: config.bool('rdbchecksum'),
      checkOnly: false,
      onAux: (name, value) => {
        if (latin1(name, 0, name.length) !== 'repl-stream-db') return;
        const db = Number(latin1(value, 0, value.length));
        if (database(db) !== undefined) this.streamDb = db;
      },
      onEmpty: (key) => noteEmpty(this.parts.progress, key, this.parts.log),
      onFunction: (code) => {
        if (isStaged) this.libraries.push(Buffer.from(code));
        else persistence.functions.load(code);
      },
    };
  }

  /** Takes data in: what has expired in it is as good as any other. */
  private keepingExpired(take: () => void): void {
    const { keyspace } = this.parts;
    keyspace.expiryEnabled = false;
    try {
      take();
    } finally {
      keyspace.expiryEnabled = true;
    }
  }

  private beginProgress(total: number): void {
    const { progress, now } = this.parts;
    progress.isLoading = true;
    progress.isAsync = this.options.servesOld;
    progress.startedMs = now();
    progress.total = total;
    progress.done = 0;
    progress.offset = 0;
    progress.keysLoaded = 0;
    progress.keysExpired = 0;
    progress.keysEmpty = 0;
  }

  private attempt(run: () => void): Error | undefined {
    try {
      run();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** It is over: what is half done is given up, the data is all there or gone. */
  private conclude(error: Error | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    const { gates, keyspace, persistence, progress } = this.parts;
    this.reader?.close();
    if (this.staged !== undefined) for (const db of this.staged) db.drop();
    if (this.file !== undefined) {
      const { file } = this;
      removeIfThere(() => file.close());
      removeIfThere(() => persistence.files.unlink(this.filePath));
    }
    if (error !== undefined && !this.isOldThere) {
      keyspace.flush(keyspace.dbs.keys());
      persistence.functions.clear();
    }
    progress.isLoading = false;
    progress.isAsync = false;
    gates.isLoading = false;
    gates.isLoadingAsync = false;
    if (this.isOldThere) return;
    keyspace.changes.saved(keyspace.changes.dirty);
    this.parts.afterReplace();
  }
}

/** For what is given up anyway: it may be gone, or never have been there. */
function removeIfThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if ((error as SystemError).code === undefined) throw error;
  }
}
