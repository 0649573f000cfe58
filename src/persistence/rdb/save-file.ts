/**
 * Saves a file with all data so that under its name there is always a whole one: a temporary file
 * is written and synced, takes the name in one step, and the directory is synced. Whatever fails,
 * the temporary file goes and the old file stays.
 *
 * It blocks: for SAVE, or in a worker thread.
 */
import path from 'node:path';
import { type FileSystem, type OpenFile, uninterrupted, writeFully } from '../files.ts';
import { RdbFileWriter, type RdbSource, type RdbWriteOptions } from './file-writer.ts';
import type { Sink } from './output.ts';
import { SaveDelay } from './save-delay.ts';

/** Bytes between two syncs while writing (rdb-save-incremental-fsync). */
const SYNC_BYTES = 4 * 1024 * 1024;

export interface FileOptions {
  /** Directory and name of the file. */
  readonly directory: string;
  readonly name: string;
  /** Name of the temporary file; what is under it is of a save that was killed, and is removed. */
  readonly temporaryName: string;
  /** rdb-save-incremental-fsync: the disk is kept busy all along, not at the end only. */
  readonly incrementalSync: boolean;
  /** Microseconds to wait for each key (rdb-key-save-delay). */
  readonly keyDelayUs?: number;
  /** Asked now and then, with what was written so far: true gives up with `SaveCancelled`. */
  readonly isCancelled?: (progress: SaveProgress) => boolean;
}

export interface SaveOptions extends FileOptions, RdbWriteOptions {}

export interface SaveProgress {
  readonly keys: number;
  readonly bytes: number;
  /** The RDB version, as far as is known. */
  readonly version: number;
}

/** Writes all data in one form, some keys at a time. */
export interface FileForm extends SaveProgress {
  /** Writes what comes before the keys. */
  begin(): void;
  /** Writes some keys. Returns whether there are more. */
  step(): boolean;
  end(): void;
  /** After the end: bytes to be put in the place of written ones, each at a position. */
  corrections(): readonly (readonly [bytes: Uint8Array, position: number])[];
}

/** Somebody did not want the file any more. */
export class SaveCancelled extends Error {
  override readonly name = 'SaveCancelled';

  constructor() {
    super('the save was cancelled');
  }
}

/** Writes an RDB file and puts it in its place. Throws SystemError or SaveCancelled. O(data). */
export function saveRdbFile(
  files: FileSystem,
  source: RdbSource,
  options: SaveOptions,
): SaveProgress {
  return saveFile(files, options, (sink) => new RdbFileWriter(source, options, sink));
}

/** Writes a file of any form and puts it in its place. Throws as `saveRdbFile`. O(data). */
export function saveFile(
  files: FileSystem,
  options: FileOptions,
  make: (sink: Sink) => FileForm,
): SaveProgress {
  const { directory, name, temporaryName } = options;
  const temporary = path.join(directory, temporaryName);
  removeIfThere(files, temporary);
  const file = uninterrupted(() => files.open(temporary, 'new'));
  let progress: SaveProgress;
  try {
    progress = writeAndClose(file, options, make);
    uninterrupted(() => files.rename(temporary, path.join(directory, name)));
  } catch (error) {
    removeIfThere(files, temporary);
    throw error;
  }
  uninterrupted(() => files.syncDirectory(directory));
  return progress;
}

function writeAndClose(
  file: OpenFile,
  options: FileOptions,
  make: (sink: Sink) => FileForm,
): SaveProgress {
  let progress: SaveProgress;
  try {
    progress = writeAll(file, options, make);
    uninterrupted(() => file.sync());
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
  // Closed on failure too: a second attempt could close a file that another thread has opened.
  file.close();
  return progress;
}

/** Writes a form's bytes to a new file, without the last sync. */
function writeAll(
  file: OpenFile,
  options: FileOptions,
  make: (sink: Sink) => FileForm,
): SaveProgress {
  let unsynced = 0;
  const writer = make((bytes) => {
    writeFully(file, bytes);
    unsynced += bytes.length;
    if (!options.incrementalSync || unsynced < SYNC_BYTES) return;
    uninterrupted(() => file.syncData());
    unsynced = 0;
  });
  const isCancelled = () => options.isCancelled?.(writer) === true;
  const delay = new SaveDelay(options.keyDelayUs ?? 0, isCancelled);
  writer.begin();
  let more = true;
  while (more) {
    if (isCancelled()) throw new SaveCancelled();
    more = writer.step();
    delay.wrote(writer.keys);
  }
  if (isCancelled()) throw new SaveCancelled();
  writer.end();
  for (const [bytes, position] of writer.corrections()) writeFully(file, bytes, position);
  return { keys: writer.keys, bytes: writer.bytes, version: writer.version };
}

function closeQuietly(file: OpenFile): void {
  try {
    file.close();
  } catch {
    // The error that led here is the one to be told.
  }
}

function removeIfThere(files: FileSystem, name: string): void {
  try {
    uninterrupted(() => files.unlink(name));
  } catch {
    // Not there, or not to be removed: then it cannot be made either, which is told.
  }
}
