/**
 * A disk that fails on demand: it passes every call on to the real one until the n-th, which fails
 * with an error, once or for good, or writes less than it was asked to.
 */
import {
  type FileSystem,
  nodeFiles,
  type OpenFile,
  type OpenMode,
  type SystemError,
} from '../../../src/persistence/files.ts';

export interface Fault {
  /** The call that fails, counted from 1. */
  readonly call: number;
  /** The error's name, or that a write is short. */
  readonly code: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EINTR' | 'short';
  /** Whether all later calls of that kind fail, too. */
  readonly forGood: boolean;
}

export class FaultyFiles implements FileSystem {
  /** Calls made so far, by their names. */
  readonly calls: string[] = [];
  /** Files that are open. */
  open_ = 0;
  private readonly fault: Fault | undefined;
  private failing: string | undefined;

  constructor(fault?: Fault) {
    this.fault = fault;
  }

  open(path: string, mode: OpenMode): OpenFile {
    this.count('open');
    const file = nodeFiles.open(path, mode);
    this.open_++;
    return {
      write: (bytes, position) => {
        if (this.count('write') && bytes.length > 1) {
          return file.write(bytes.subarray(0, bytes.length >> 1), position);
        }
        return file.write(bytes, position);
      },
      read: (buf, from, to, position) => {
        this.count('read');
        return file.read(buf, from, to, position);
      },
      size: () => file.size(),
      truncate: (bytes) => {
        this.count('truncate');
        file.truncate(bytes);
      },
      sync: () => {
        this.count('sync');
        file.sync();
      },
      syncData: () => {
        this.count('syncData');
        file.syncData();
      },
      syncLater: (done) => file.syncLater(done),
      close: () => {
        this.open_--;
        file.close();
        this.count('close');
      },
    };
  }

  rename(from: string, to: string): void {
    this.count('rename');
    nodeFiles.rename(from, to);
  }

  unlink(path: string): void {
    // Clean-up must not hide what went wrong: it is not made to fail.
    nodeFiles.unlink(path);
  }

  syncDirectory(path: string): void {
    this.count('syncDirectory');
    nodeFiles.syncDirectory(path);
  }

  list(path: string): string[] {
    return nodeFiles.list(path);
  }

  makeDirectory(path: string): void {
    nodeFiles.makeDirectory(path);
  }

  exists(path: string): boolean {
    return nodeFiles.exists(path);
  }

  /** Counts a call; throws when it is to fail, answers true when it is to be short. */
  private count(name: string): boolean {
    this.calls.push(name);
    const { fault } = this;
    if (fault === undefined) return false;
    const now = this.calls.length === fault.call;
    if (now && fault.forGood) this.failing = name;
    if (!now && this.failing !== name) return false;
    if (fault.code === 'short') return true;
    const error: SystemError = new Error(`${fault.code}: made to fail, ${name}`);
    error.code = fault.code;
    throw error;
  }
}
