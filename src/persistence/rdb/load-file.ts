/**
 * Loads an RDB file in slices: between two of them an event loop can go on. Reads block, as a rule
 * for less time than decoding takes.
 */
import type { Values } from '../../keyspace/values.ts';
import { type FileSystem, type OpenFile, uninterrupted } from '../files.ts';
import { RdbFileReader, type RdbReadOptions } from './file-reader.ts';

/** Bytes read at a time. */
const PIECE_BYTES = 256 * 1024;

/** What a load is told; the file's length is found. */
export type RdbLoadOptions = Omit<RdbReadOptions, 'bytes'>;

export class RdbFileLoader {
  readonly reader: RdbFileReader;
  /** Bytes of the file. */
  readonly bytes: number;
  private readonly file: OpenFile;
  private readonly piece: Buffer;
  private position = 0;

  /** Opens a file. Throws SystemError. */
  constructor(
    files: FileSystem,
    path: string,
    space: Values,
    options: RdbLoadOptions,
    pieceBytes = PIECE_BYTES,
  ) {
    this.piece = Buffer.allocUnsafe(pieceBytes);
    this.file = uninterrupted(() => files.open(path, 'read'));
    try {
      this.bytes = this.file.size();
      this.reader = new RdbFileReader(space, { ...options, bytes: this.bytes });
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  /** Bytes dealt with. At the end: where what follows the RDB begins, if anything does. */
  get offset(): number {
    return this.reader.offset;
  }

  /**
   * Loads a piece of the file. Returns whether there is more. Throws RdbFileError,
   * SystemError, ArenaFullError; then what was loaded is still there. Ends by `close` in any case.
   */
  step(): boolean {
    const { file, piece, reader } = this;
    const count = uninterrupted(() => file.read(piece, 0, piece.length, this.position));
    if (count === 0) {
      reader.end();
      return false;
    }
    this.position += count;
    reader.feed(piece, 0, count);
    return !reader.isDone;
  }

  /** Closes the file; what was half read is freed. */
  close(): void {
    this.reader.close();
    this.file.close();
  }
}

/**
 * Loads a whole file without a pause; `onProgress` is told of the bytes dealt with. Throws as
 * `RdbFileLoader.step`. O(bytes).
 */
export function loadRdbFile(
  files: FileSystem,
  path: string,
  space: Values,
  options: RdbLoadOptions,
  onProgress?: (offset: number, bytes: number) => void,
): RdbFileReader {
  const loader = new RdbFileLoader(files, path, space, options);
  try {
    while (loader.step()) onProgress?.(loader.offset, loader.bytes);
  } finally {
    loader.close();
  }
  return loader.reader;
}
