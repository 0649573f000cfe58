/**
 * Loads append-only files in slices: the base, which may begin with an RDB file, then the
 * incremental files in their order. Commands are handed to `apply`; what they do is not this
 * module's matter.
 *
 * The last file may end in the middle of a command or of a transaction, where writing was cut off:
 * then it is cut back to the last whole one, if that is wanted (aof-load-truncated). Anything else
 * that is wrong is an AofError, which says where.
 * Source: behaviour of redis-server 7.0.15.
 */
import { constants } from 'node:buffer';
import type { Values } from '../../keyspace/values.ts';
import { ParseResult, RequestParser } from '../../resp/request-parser.ts';
import { Args } from '../../util/args.ts';
import { type FileSystem, type OpenFile, uninterrupted } from '../files.ts';
import { RdbFileLoader, type RdbLoadOptions } from '../rdb/load-file.ts';

/** Bytes read at a time. */
const PIECE_BYTES = 256 * 1024;
/** Commands read ahead at most. */
const BATCH_MAX = 64;
const RDB_MAGIC = 'REDIS';
const HASH = 35; // #

/** What is wrong with an append-only file, and at which byte. */
export class AofError extends Error {
  override readonly name = 'AofError';
  readonly file: string;
  readonly offset: number;
  /** Whether the file merely ends too early. */
  readonly isTruncated: boolean;

  constructor(message: string, file: string, offset: number, isTruncated = false) {
    super(message);
    this.file = file;
    this.offset = offset;
    this.isTruncated = isTruncated;
  }
}

/** Runs the commands of a file. */
export interface AofTarget {
  /** A file begins: database 0 is selected. */
  begin(): void;
  /** Runs up to `count` commands, in order. Throws on one that does not exist: UnknownCommand. */
  apply(batch: readonly Args[], count: number): void;
  /** Whether a transaction is open: MULTI has come, EXEC has not. */
  readonly isInTransaction: boolean;
  /** Gives an open transaction up. */
  discard(): void;
}

/** A command of a file that this server does not have. */
export class UnknownCommand extends Error {
  /** Its place in the batch. */
  readonly at: number;

  constructor(name: string, at: number) {
    super(`Unknown command '${name}' reading the append only file`);
    this.at = at;
  }
}

export interface AofFileOptions {
  readonly files: FileSystem;
  readonly path: string;
  readonly space: Values;
  readonly target: AofTarget;
  /** How an RDB file at its beginning is read. */
  readonly rdb: RdbLoadOptions;
  /** Whether it is the last file: its end may be missing. */
  readonly isLast: boolean;
}

/** Loads one file. */
export class AofFileLoader {
  /** Bytes of the file. */
  readonly bytes: number;
  private readonly options: AofFileOptions;
  private readonly file: OpenFile;
  private readonly piece = Buffer.allocUnsafe(PIECE_BYTES);
  private readonly parser = new RequestParser({ maxBulkBytes: constants.MAX_LENGTH });
  private readonly batch: Args[] = Array.from({ length: BATCH_MAX }, () => new Args());
  private readonly ends = new Float64Array(BATCH_MAX);
  private rdb: RdbFileLoader | undefined = undefined;
  private position = 0;
  /** End of the last whole command outside a transaction: what comes after may be cut off. */
  private wholeTo = 0;
  /** End of the last command or note that was read; what is wrong begins there. */
  private readTo = 0;

  /** Opens a file. Throws SystemError. */
  constructor(options: AofFileOptions) {
    this.options = options;
    const { files, path, space, rdb, target } = options;
    target.begin();
    this.file = uninterrupted(() => files.open(path, 'read'));
    this.bytes = this.file.size();
    const magic = Buffer.alloc(RDB_MAGIC.length);
    uninterrupted(() => this.file.read(magic, 0, magic.length, 0));
    if (magic.toString('latin1') === RDB_MAGIC) {
      this.rdb = new RdbFileLoader(files, path, space, rdb);
    }
  }

  /** Bytes dealt with. */
  get offset(): number {
    return this.rdb?.offset ?? this.position - this.parser.bufferedBytes;
  }

  /**
   * Loads a piece. Returns whether there is more. Throws AofError, RdbFileError, SystemError. Ends
   * by `close` in any case.
   */
  step(): boolean {
    if (this.rdb !== undefined) {
      if (this.rdb.step()) return true;
      this.position = this.rdb.offset;
      this.wholeTo = this.position;
      this.readTo = this.position;
      this.rdb.close();
      this.rdb = undefined;
      return this.position < this.bytes;
    }
    const { file, piece } = this;
    const count = uninterrupted(() => file.read(piece, 0, piece.length, this.position));
    if (count === 0) {
      this.end();
      return false;
    }
    this.position += count;
    this.parser.push(piece, 0, count);
    this.runCommands();
    this.parser.detach();
    return true;
  }

  close(): void {
    const { target } = this.options;
    if (target.isInTransaction) target.discard();
    this.rdb?.close();
    this.file.close();
  }

  private runCommands(): void {
    const { ends } = this;
    const { target } = this.options;
    for (;;) {
      const before = this.readTo;
      const count = this.readBatch();
      if (count === 0) return;
      const wasInTransaction = target.isInTransaction;
      try {
        target.apply(this.batch, count);
      } catch (error) {
        if (!(error instanceof UnknownCommand)) throw error;
        const offset = error.at === 0 ? before : ends[error.at - 1]!;
        throw new AofError(error.message, this.options.path, offset);
      }
      if (!target.isInTransaction) this.wholeTo = ends[count - 1]!;
      // The last one was MULTI: what is in front of it is whole.
      else if (!wasInTransaction && count > 1) this.wholeTo = ends[count - 2]!;
      for (let i = 0; i < count; i++) this.batch[i]!.release();
    }
  }

  /** Reads commands ahead, up to the end of a transaction's state that `wholeTo` must note. */
  private readBatch(): number {
    const { parser, batch } = this;
    let n = 0;
    while (n < BATCH_MAX) {
      const args = batch[n]!;
      const linesBefore = parser.linesOutsideArrays;
      const result = parser.next(args);
      const lines = parser.linesOutsideArrays - linesBefore;
      if (lines > 0) {
        // A line that begins with # is a note (#TS:seconds); no other belongs here.
        const isNote = result === ParseResult.request && args.buf[args.off[0]!] === HASH;
        if (lines > 1 || !isNote) throw this.badFormat();
        this.readTo = this.position - parser.bufferedBytes;
        continue;
      }
      if (result === ParseResult.more) break;
      if (result === ParseResult.error) throw this.badFormat();
      this.readTo = this.position - parser.bufferedBytes;
      this.ends[n] = this.readTo;
      n++;
      // A transaction is run command by command, so that its beginning is known.
      if (args.is(0, 'MULTI') || args.is(0, 'EXEC')) break;
    }
    return n;
  }

  private end(): void {
    const { target, path, isLast } = this.options;
    const inTransaction = target.isInTransaction;
    if (inTransaction) target.discard();
    if (this.parser.bufferedBytes === 0 && !inTransaction) return;
    const what = isLast
      ? 'Unexpected end of file reading the append only file'
      : 'Unexpected end of file, and it is not the last one';
    throw new AofError(what, path, this.wholeTo, true);
  }

  private badFormat(): AofError {
    const message = 'Bad file format reading the append only file';
    return new AofError(message, this.options.path, this.readTo);
  }
}
