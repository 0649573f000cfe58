/**
 * Saves an RDB file so that under its name there is always a whole one: a temporary file is
 * written and synced, takes the name in one step, and the directory is synced. Whatever fails, the
 * temporary file goes and the old file stays.
 *
 * It blocks: for SAVE, or in a worker thread.
 */
import path from 'node:path';
import { type FileSystem, type OpenFile, uninterrupted, writeFully } from '../files.ts';
import { RdbFileWriter, type RdbSource, type RdbWriteOptions } from './file-writer.ts';

/** Bytes between two syncs while writing (rdb-save-incremental-fsync). */
const SYNC_BYTES = 4 * 1024 * 1024;

export interface SaveOptions extends RdbWriteOptions {
  /** Directory and name of the file. */
  readonly directory: string;
  readonly name: string;
  /** Name of the temporary file; what is under it is of a save that was killed, and is removed. */
  readonly temporaryName: string;
  /** rdb-save-incremental-fsync: the disk is kept busy all along, not at the end only. */
  readonly incrementalSync: boolean;
  /** Asked now and then, with what was written so far: true gives up with `SaveCancelled`. */
  readonly isCancelled?: (progress: SaveProgress) => boolean;
}

export interface SaveProgress {
  readonly keys: number;
  readonly bytes: number;
  /** The RDB version, as far as is known. */
  readonly version: number;
}

/** Somebody did not want the file any more. */
export class SaveCancelled extends Error {
  override readonly name = 'SaveCancelled';

  constructor() {
    super('the save was cancelled');
  }
}

/** Writes a file and puts it in its place. Throws SystemError or SaveCancelled. O(data). */
export function saveRdbFile(
  files: FileSystem,
  source: RdbSource,
  options: SaveOptions,
): SaveProgress {
  const { directory, name, temporaryName } = options;
  const temporary = path.join(directory, temporaryName);
  removeIfThere(files, temporary);
  const file = uninterrupted(() => files.open(temporary, 'new'));
  let progress: SaveProgress;
  try {
    progress = writeAndClose(file, source, options);
    uninterrupted(() => files.rename(temporary, path.join(directory, name)));
  } catch (error) {
    removeIfThere(files, temporary);
    throw error;
  }
  uninterrupted(() => files.syncDirectory(directory));
  return progress;
}

function writeAndClose(file: OpenFile, source: RdbSource, options: SaveOptions): SaveProgress {
  let progress: SaveProgress;
  try {
    progress = writeRdb(file, source, options);
    uninterrupted(() => file.sync());
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
  // Closed on failure too: a second attempt could close a file that another thread has opened.
  file.close();
  return progress;
}

/** Writes an RDB file's bytes to a new file, without the last sync. */
function writeRdb(file: OpenFile, source: RdbSource, options: SaveOptions): SaveProgress {
  let unsynced = 0;
  const writer = new RdbFileWriter(source, options, (bytes) => {
    writeFully(file, bytes);
    unsynced += bytes.length;
    if (!options.incrementalSync || unsynced < SYNC_BYTES) return;
    uninterrupted(() => file.syncData());
    unsynced = 0;
  });
  writer.begin();
  do {
    if (options.isCancelled?.(writer) === true) throw new SaveCancelled();
  } while (writer.step());
  writer.end();
  if (writer.version !== options.version) {
    const footer = writer.fixedFooter();
    writeFully(file, writer.fixedHeader(), 0);
    writeFully(file, footer, writer.bytes - footer.length);
  }
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
