/**
 * What DEBUG does to the server itself.
 */
import type { DebugPort } from '../commands/ports/debug.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { CommandError } from '../util/errors.ts';
import type { Loader } from './loading.ts';
import type { LogLevel } from './log.ts';
import type { Persistence } from './persistence.ts';
import type { Replication } from './replication.ts';
import type { Upkeep } from './upkeep.ts';

/** What the tools work on. */
export interface DebugParts {
  readonly upkeep: Upkeep;
  readonly replication: Replication;
  readonly keyspace: Keyspace;
  readonly persistence: Persistence;
  readonly loader: Loader;
  readonly log: (level: LogLevel, message: string) => void;
}

const saveFailed = new CommandError('ERR');
const reloadFailed = new CommandError('ERR Error trying to load the RDB dump, check server logs.');
const loadAofFailed = new CommandError(
  'ERR Error trying to load the AOF files, check server logs.',
);

export class DebugTools implements DebugPort {
  private readonly upkeep: Upkeep;
  private readonly replication: Replication;
  private readonly keyspace: Keyspace;
  private readonly persistence: Persistence;
  private readonly loader: Loader;
  private readonly log: (level: LogLevel, message: string) => void;

  constructor(parts: DebugParts) {
    this.upkeep = parts.upkeep;
    this.replication = parts.replication;
    this.keyspace = parts.keyspace;
    this.persistence = parts.persistence;
    this.loader = parts.loader;
    this.log = parts.log;
  }

  reload({ save, flush, replace }: Parameters<DebugPort['reload']>[0]): void {
    if (save && !this.persistence.saveNow()) throw saveFailed;
    if (flush) this.empty();
    try {
      this.loader.reloadRdb(replace);
    } catch (error) {
      this.log('warning', `Error loading the RDB file: ${String(error)}`);
      throw reloadFailed;
    }
    this.log('warning', 'DB reloaded by DEBUG RELOAD');
  }

  loadAof(): void {
    const { persistence } = this;
    const aof = persistence.aof ?? persistence.makeAof();
    aof.prepare();
    this.empty();
    try {
      this.loader.reloadAof(aof);
    } catch (error) {
      this.log('warning', `Error loading the AOF files: ${String(error)}`);
      throw loadAofFailed;
    }
    this.log('warning', 'Append Only File loaded by DEBUG LOADAOF');
  }

  private empty(): void {
    this.keyspace.flush(this.keyspace.dbs.keys());
    this.persistence.functions.clear();
  }

  setActiveExpire(enabled: boolean): void {
    this.upkeep.activeExpire = enabled;
  }

  sleep(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  changeReplicationId(): void {
    this.replication.changeReplicationId();
  }
}
