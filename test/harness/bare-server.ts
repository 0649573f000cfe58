/**
 * A server without sockets over a disk of the test's own, whose clock stands still and whose cron
 * the test turns: for tests that need thousands of starts. Snapshots are of the moment they were
 * asked for and written when the test says so.
 */
import { datasetDigest } from '../../src/commands/server/digest.ts';
import { Config } from '../../src/config/config.ts';
import { FrozenKeyspace } from '../../src/keyspace/frozen-keyspace.ts';
import type { Keyspace } from '../../src/keyspace/keyspace.ts';
import { saveCommandFile } from '../../src/persistence/aof/command-file.ts';
import type { FileSystem } from '../../src/persistence/files.ts';
import { saveRdbFile } from '../../src/persistence/rdb/save-file.ts';
import {
  RunningSnapshot,
  SnapshotError,
  type SnapshotTaker,
  savedDatabases,
} from '../../src/persistence/snapshot/snapshot-writer.ts';
import { Replay } from '../../src/server/replay.ts';
import { Server, type ServerHooks } from '../../src/server/server.ts';
import { Args } from '../../src/util/args.ts';

/** Takes snapshots in this thread; `finish` writes the one under way. */
export class HeldSnapshots implements SnapshotTaker {
  private readonly keyspace: Keyspace;
  private readonly files: FileSystem;
  private write: ((failure?: string) => void) | undefined;

  constructor(keyspace: Keyspace, files: FileSystem) {
    this.keyspace = keyspace;
    this.files = files;
  }

  start(job: Parameters<SnapshotTaker['start']>[0]): RunningSnapshot {
    const { keyspace, files } = this;
    const snapshot = keyspace.snapshot();
    const databases = savedDatabases(keyspace);
    const { nowMs } = keyspace;
    const done = new Promise<{ keys: number; bytes: number; heldBytes: number }>(
      (resolve, reject) => {
        this.write = (failure) => {
          try {
            if (failure !== undefined) throw new Error(failure);
            const { tools } = FrozenKeyspace.open(snapshot.description());
            const source = { tools, databases, functions: job.functions, nowMs };
            const save = job.form === 'rdb' ? saveRdbFile : saveCommandFile;
            const { keys, bytes } = save(files, source, job.options);
            resolve({ keys, bytes, heldBytes: 0 });
          } catch (error) {
            reject(new SnapshotError((error as Error).message));
          }
          snapshot.release();
        };
      },
    );
    return new RunningSnapshot(done, new Int32Array(new SharedArrayBuffer(12)), () => 0);
  }

  stream(): RunningSnapshot {
    throw new SnapshotError('nobody replicates a server without sockets');
  }

  /** Writes the snapshot under way, or has it fail; the server knows when this resolves. */
  async finish(failure?: string): Promise<void> {
    const { write } = this;
    this.write = undefined;
    write?.(failure);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  get isUnderWay(): boolean {
    return this.write !== undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class BareServer {
  readonly server: Server;
  readonly logged: string[] = [];
  /** Set by the way that ends the process. */
  exitCode: number | undefined = undefined;
  nowMs = 1_700_000_000_000;
  snapshots!: HeldSnapshots;
  private readonly replay: Replay;

  constructor(
    files: FileSystem,
    directives: Readonly<Record<string, string>> = {},
    hooks: ServerHooks = {},
  ) {
    const config = new Config();
    config.loadPairs([['dir', '/'], ['save', ''], ...Object.entries(directives)]);
    this.server = new Server(config, {
      log: (line) => this.logged.push(line),
      now: () => this.nowMs,
      random: () => 0.5,
      exit: (code) => {
        this.exitCode ??= code;
      },
      files,
      snapshots: (keyspace) => {
        this.snapshots = new HeldSnapshots(keyspace, files);
        return this.snapshots;
      },
      ...hooks,
    });
    const { acl, commands, executor, keyspace } = this.server;
    const failed = (command: string, error: string) => {
      throw new Error(`${command} failed: ${error}`);
    };
    this.replay = new Replay(commands, executor, keyspace, acl.unrestricted, failed);
  }

  /** Loads what is there, as a start does. */
  start(): Promise<void> {
    return this.server.loader.start();
  }

  get aof() {
    const { aof } = this.server.persistence;
    if (aof === undefined) throw new Error('AOF is off');
    return aof;
  }

  /** Runs commands, one a line, their words between blanks. */
  run(...lines: string[]): void {
    for (const line of lines) this.replay.apply([Args.of(...line.split(' '))], 1);
  }

  /** A tick of the cron, this much later. */
  tick(ms = 100): void {
    this.nowMs += ms;
    this.server.persistence.tick(this.nowMs);
  }

  set(name: string, value: string): void {
    this.server.config.set([[name, value]]);
  }

  digest(): string {
    return datasetDigest(this.server.keyspace);
  }

  /** Throws all data away, unnoticed by the files. */
  empty(): void {
    const { keyspace } = this.server;
    keyspace.flush(keyspace.dbs.keys());
    while (keyspace.freeGarbage(100_000));
  }
}

/** Loads what disks hold, one after the other, into one server. */
export class Inspector {
  private files: FileSystem | undefined;
  private readonly bare: BareServer;

  constructor(directives: Readonly<Record<string, string>> = {}) {
    const current = (): FileSystem => this.files!;
    this.bare = new BareServer(
      {
        open: (name, mode) => current().open(name, mode),
        rename: (from, to) => current().rename(from, to),
        unlink: (name) => current().unlink(name),
        syncDirectory: (name) => current().syncDirectory(name),
        list: (name) => current().list(name),
        makeDirectory: (name) => current().makeDirectory(name),
        exists: (name) => current().exists(name),
      },
      { appendonly: 'yes', ...directives },
    );
  }

  /** Digest of what the append-only files hold. Throws what a start would throw. */
  aofDigest(files: FileSystem): string {
    const { bare } = this;
    this.files = files;
    bare.empty();
    bare.logged.length = 0;
    bare.server.loader.reloadAof(bare.server.persistence.makeAof());
    return bare.digest();
  }

  /** Digest of what the RDB file holds. */
  rdbDigest(files: FileSystem): string {
    const { bare } = this;
    this.files = files;
    bare.empty();
    bare.server.loader.reloadRdb(false);
    return bare.digest();
  }

  get log(): string {
    return this.bare.logged.join('\n');
  }
}
