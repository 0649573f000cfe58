/**
 * The one door to the disk: everything that is written to be there after a crash goes through
 * `FileSystem`, so that a test can put a disk of its own in its place: one that fails at the n-th
 * call, writes less than asked, or loses what was not synced.
 *
 * A write may be short and a call may be interrupted: `writeFully` is for those who want all or an
 * error. After a failed `sync` nothing is known about what was written before: whoever sees one
 * must not sync again and believe it, but write a new file.
 *
 * Calls block, in a worker or for SAVE; `syncLater` is for an event loop that must go on.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { getSystemErrorMap } from 'node:util';

/** An error of the system, as Node throws it: `code` is its name, such as ENOSPC. */
export type SystemError = NodeJS.ErrnoException;

export interface OpenFile {
  /** Writes at the end of what was written, or at a position; how many bytes were, at least 1. */
  write(bytes: Uint8Array, position?: number): number;
  /** Reads at a position into `buf[from .. to)`; how many bytes came, 0 at the end. */
  read(buf: Uint8Array, from: number, to: number, position: number): number;
  /** Bytes in the file. */
  size(): number;
  /** Cuts the file off, or lengthens it with zeros. */
  truncate(bytes: number): void;
  /** Returns once everything written is on the disk. */
  sync(): void;
  /** As `sync`, without the file's times. */
  syncData(): void;
  /** As `syncData`, in another thread; `done` is told of the failure, if any. */
  syncLater(done: (error: SystemError | undefined) => void): void;
  close(): void;
}

/**
 * How a file is opened: read; new, which must not exist; append, made when missing; read and write.
 */
export type OpenMode = 'read' | 'new' | 'append' | 'update';

export interface FileSystem {
  /** Opens a file; made ones are readable by all that the umask lets. Throws SystemError. */
  open(path: string, mode: OpenMode): OpenFile;
  /** Puts a file in the place of another one, at once or not at all. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  unlink(path: string): void;
  /** Makes renames, removals and new files of a directory last. */
  syncDirectory(path: string): void;
  /** Names in a directory, in no order. */
  list(path: string): string[];
  /** Makes a directory unless it is there. */
  makeDirectory(path: string): void;
  /** Whether there is something of that name. */
  exists(path: string): boolean;
}

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  // Exclusive: a symbolic link that somebody put there is not followed.
  new: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  append: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND,
  update: constants.O_RDWR,
};
const FILE_MODE = 0o644;

class NodeFile implements OpenFile {
  private readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  write(bytes: Uint8Array, position?: number): number {
    return writeSync(this.fd, bytes, 0, bytes.length, position ?? null);
  }

  read(buf: Uint8Array, from: number, to: number, position: number): number {
    return readSync(this.fd, buf, from, to - from, position);
  }

  size(): number {
    return fstatSync(this.fd).size;
  }

  truncate(bytes: number): void {
    ftruncateSync(this.fd, bytes);
  }

  sync(): void {
    fsyncSync(this.fd);
  }

  syncData(): void {
    fdatasyncSync(this.fd);
  }

  syncLater(done: (error: SystemError | undefined) => void): void {
    fdatasync(this.fd, (error) => done(error ?? undefined));
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The real one. */
export const nodeFiles: FileSystem = {
  open: (path, mode) => new NodeFile(openSync(path, FLAGS[mode], FILE_MODE)),
  rename: renameSync,
  unlink: unlinkSync,
  syncDirectory(path) {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  list: (path) => readdirSync(path),
  makeDirectory(path) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  },
  exists: (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
};

/** Writes all of some bytes, however little a call takes. Throws SystemError. */
export function writeFully(file: OpenFile, bytes: Uint8Array, position?: number): void {
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const at = position === undefined ? undefined : position + done;
    done += uninterrupted(() => file.write(rest, at));
  }
}

/** Calls again what a signal has interrupted. */
export function uninterrupted<T>(call: () => T): T {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if ((error as SystemError).code !== 'EINTR') throw error;
    }
  }
}

/** Makes a directory, where missing, that is still there after a crash. Throws SystemError. */
export function makeLastingDirectory(files: FileSystem, directory: string): void {
  if (files.exists(directory)) return;
  uninterrupted(() => files.makeDirectory(directory));
  uninterrupted(() => files.syncDirectory(path.dirname(directory)));
}

/** Texts of strerror(3) where Node has other words. */
const texts: Readonly<Record<string, string>> = {
  EIO: 'Input/output error',
  EDQUOT: 'Disk quota exceeded',
  EROFS: 'Read-only file system',
};

/** What the system calls an error, as redis-server shows it: `No space left on device`. */
export function systemText(error: SystemError): string {
  const known = texts[error.code ?? ''];
  if (known !== undefined) return known;
  const [, text] = getSystemErrorMap().get(error.errno ?? 0) ?? [];
  return text === undefined ? error.message : text[0]!.toUpperCase() + text.slice(1);
}
