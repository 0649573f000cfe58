/**
 * What DEBUG does to the server itself.
 */
import type { DebugPort } from '../commands/ports/debug.ts';
import type { Config } from '../config/config.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { CommandError } from '../util/errors.ts';
import type { Cron } from './cron.ts';
import type { Loader } from './loading.ts';
import type { LogLevel } from './log.ts';
import type { Barrier, Output } from './output.ts';
import type { Persistence } from './persistence.ts';
import type { Replication } from './replication.ts';
import type { Scripting } from './scripting.ts';
import type { Upkeep } from './upkeep.ts';

/** What the tools work on. */
export interface DebugParts {
  readonly config: Config;
  readonly cron: Cron;
  readonly output: Output;
  readonly scripts: Scripting;
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
  private readonly config: Config;
  private readonly cron: Cron;
  private readonly output: Output;
  private readonly scripts: Scripting;
  private readonly upkeep: Upkeep;
  private readonly replication: Replication;
  private readonly keyspace: Keyspace;
  private readonly persistence: Persistence;
  private readonly loader: Loader;
  private readonly log: (level: LogLevel, message: string) => void;

  constructor(parts: DebugParts) {
    this.config = parts.config;
    this.cron = parts.cron;
    this.output = parts.output;
    this.scripts = parts.scripts;
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

  allowAllInScripts(allowed: boolean): void {
    this.scripts.allowsAll = allowed;
  }

  pauseCron(paused: boolean): void {
    this.cron.isPaused = paused;
  }

  sleepBeforeAof(micros: number): void {
    const { aof } = this.persistence;
    if (aof === undefined) return;
    this.output.barrier = micros > 0 ? this.slowed(aof, micros / 1000) : aof;
  }

  private slowed(aof: Barrier, ms: number): Barrier {
    return {
      prepare: () => {
        const before = aof.written;
        aof.prepare();
        if (aof.written !== before) this.sleep(ms);
      },
      get written() {
        return aof.written;
      },
      get safe() {
        return aof.safe;
      },
    };
  }

  rewriteWholeConfig(): void {
    this.config.rewrite(undefined, true);
  }

  changeReplicationId(): void {
    this.replication.changeReplicationId();
  }
}
