/**
 * MIGRATE's other half: brings keys to another server while their client waits, and writes of all
 * clients are held back so that nothing of it changes. A key is removed only when the target has
 * said that it has it, and the key is still what was sent: those who are not held back (a master,
 * the program around an embedded server) may have changed it.
 *
 * Login and database come first, and keys when the target has agreed: redis-server 7.0.15 sends all
 * at once, so that keys get into a database they were not meant for when one of these is refused.
 * What answers in another language than RESP has nothing. Else as 7.0.15: one attempt more on a
 * connection that turned out to be closed, connections kept for 10 seconds, texts of errors.
 */
import type { SecureContext } from 'node:tls';
import type {
  MigratingKey,
  Migration,
  MigrationOutcome,
  MigrationsPort,
} from '../commands/ports/migrations.ts';
import type { SessionPort } from '../commands/ports/session.ts';
import type { Config } from '../config/config.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Watcher } from '../keyspace/watches.ts';
import { encodeRequest } from '../replication/requests.ts';
import type { Session } from '../session/session.ts';
import { CommandError } from '../util/errors.ts';
import { clearTimeout, setImmediate, setTimeout, TIMER_MAX_MS } from '../util/timers.ts';
import type { Blocking } from './blocking.ts';
import { MigrationTarget, type TargetEvents } from './migration-target.ts';
import type { Pause } from './pause.ts';

/** How long a connection is kept for the next migration to the same target. */
const KEPT_MS = 10_000;
/** How many are kept. */
const KEPT_MAX = 64;
const PORT_MAX = 65_535;
/** Time between two looks at whether a script that takes long has ended. */
const BUSY_MS = 5;

const notConnected = new CommandError('IOERR error or timeout connecting to the client');
const notSent = new CommandError('IOERR error or timeout writing to target instance');
const notAnswered = new CommandError('IOERR error or timeout reading to target instance');
const changedMeanwhile = new CommandError(
  'ERR Keys that changed while they were sent were not removed here',
);

export interface MigrationsParts {
  readonly config: Config;
  readonly keyspace: Keyspace;
  readonly blocking: Blocking;
  readonly pause: Pause;
  /** Whether a script is half done: data must stay as it is. */
  readonly isBusy: () => boolean;
  /** What connections of our own are encrypted with. Throws where nothing makes it. */
  readonly context: () => SecureContext;
}

/** A connection that waits for the next migration. */
interface Kept {
  readonly target: MigrationTarget;
  readonly timer: NodeJS.Timeout;
}

export class Migrations implements MigrationsPort {
  private readonly parts: MigrationsParts;
  private readonly running = new Map<SessionPort, Transfer>();
  private readonly kept = new Map<string, Kept>();

  constructor(parts: MigrationsParts) {
    this.parts = parts;
  }

  /** Connections that wait for the next migration. */
  get keptCount(): number {
    return this.kept.size;
  }

  start(session: SessionPort, migration: Migration): void {
    const { keyspace, pause } = this.parts;
    const db = keyspace.dbs[session.dbIndex]!;
    const keys = migration.keys.map((key) => ({ ...key, watcher: new KeyWatcher() }));
    for (const { name, watcher } of keys) keyspace.changes.watches.add(watcher, db, name);
    pause.holdWrites();
    const transfer = new Transfer(migration, keys, {
      open: (user, anew) => this.open(migration, user, anew),
      keep: (target) => this.keep(migration, target),
      done: () => this.proceed(session as Session),
    });
    this.running.set(session, transfer);
    // Not now: the command has yet to block.
    setImmediate(() => transfer.begin());
  }

  outcome(session: SessionPort): MigrationOutcome {
    return this.running.get(session)!.outcome();
  }

  end(session: SessionPort): void {
    const transfer = this.running.get(session);
    if (transfer === undefined) return;
    this.running.delete(session);
    transfer.stop();
    for (const { watcher } of transfer.keys) this.parts.keyspace.changes.watches.forget(watcher);
    this.parts.pause.releaseWrites();
  }

  /** The server ends: no connection stays open. */
  close(): void {
    for (const transfer of this.running.values()) transfer.stop();
    for (const { target, timer } of this.kept.values()) {
      clearTimeout(timer);
      target.destroy();
    }
    this.kept.clear();
  }

  /** Has the session's command end, as soon as data may change. */
  private proceed(session: Session): void {
    if (!this.running.has(session)) return;
    if (this.parts.isBusy()) setTimeout(() => this.proceed(session), BUSY_MS);
    else this.parts.blocking.proceed(session);
  }

  // ---- connections ---------------------------------------------------------------------------

  /** A connection for a migration: one that was kept unless it must be a new one. */
  private open(migration: Migration, user: TargetEvents, anew: boolean): MigrationTarget {
    const name = nameOf(migration);
    const kept = this.kept.get(name);
    if (kept !== undefined) {
      clearTimeout(kept.timer);
      this.kept.delete(name);
      if (!anew) {
        kept.target.user = user;
        return kept.target;
      }
      kept.target.destroy();
    }
    const { config, context } = this.parts;
    const { host, port } = migration;
    const tls = config.bool('tls-cluster') ? context() : undefined;
    return new MigrationTarget({ host, port, sourceAddress: '', tls }, user);
  }

  private keep(migration: Migration, target: MigrationTarget): void {
    const name = nameOf(migration);
    const drop = () => {
      if (this.kept.get(name)?.target === target) this.kept.delete(name);
      clearTimeout(timer);
      target.destroy();
    };
    const timer = setTimeout(drop, KEPT_MS);
    timer.unref();
    target.user = undefined;
    target.onIdleEnd = drop;
    for (const [oldest, { target: other, timer: its }] of this.kept) {
      if (this.kept.size < KEPT_MAX) break;
      clearTimeout(its);
      other.destroy();
      this.kept.delete(oldest);
    }
    this.kept.set(name, { target, timer });
  }
}

/** Whose connections may be used for a migration: who is logged in there must be the same. */
function nameOf({ host, port, login }: Migration): string {
  return JSON.stringify([host, port, ...login]);
}

/** Notices that a key changes. */
class KeyWatcher implements Watcher {
  broken = false;
  watches: Watcher['watches'] = [];
  watchBytes = 0;
}

interface SentKey extends MigratingKey {
  readonly watcher: KeyWatcher;
}

interface TransferHooks {
  /** A connection to the target, or one that is being made; throws where none can be. */
  open(user: TargetEvents, anew: boolean): MigrationTarget;
  /** The connection is of use to the next one. */
  keep(target: MigrationTarget): void;
  /** All is over; `outcome` tells how it went. */
  done(): void;
}

/** One MIGRATE on its way. */
class Transfer implements TargetEvents {
  readonly keys: readonly SentKey[];
  private readonly migration: Migration;
  private readonly hooks: TransferHooks;
  private target: MigrationTarget | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private mayRetry = true;
  private isOver = false;
  /** Replies to login and database that have not come; keys are sent after them. */
  private greetings = 0;
  /** Keys that the target has answered. */
  private answered = 0;
  private readonly arrived: SentKey[] = [];
  private error: CommandError | undefined = undefined;

  constructor(migration: Migration, keys: readonly SentKey[], hooks: TransferHooks) {
    this.migration = migration;
    this.keys = keys;
    this.hooks = hooks;
  }

  begin(): void {
    const { host, port } = this.migration;
    if (this.isOver) return;
    if (host === '' || port < 0) this.finish(notConnected);
    else if (port === 0 || port > PORT_MAX) this.finish(notSent);
    else this.attempt(false);
  }

  outcome(): MigrationOutcome {
    const whole = this.arrived.filter(({ watcher }) => !watcher.broken);
    const isLess = whole.length < this.arrived.length;
    return {
      arrived: whole.map(({ argument }) => argument),
      error: this.error ?? (isLess ? changedMeanwhile : undefined),
    };
  }

  /** Nobody waits for it any longer. */
  stop(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.target?.destroy();
    this.target = undefined;
  }

  private attempt(anew: boolean): void {
    this.startTimer();
    try {
      this.target = this.hooks.open(this, anew);
    } catch {
      // The directives of TLS make no context; the log has told why.
      this.finish(notConnected);
      return;
    }
    if (this.target.isConnected) this.greet();
  }

  /** Logs in and selects the database, where that is to be done. */
  private greet(): void {
    const { login, database } = this.migration;
    const target = this.target!;
    const requests: Buffer[] = [];
    if (login.length > 0) requests.push(encodeRequest(['AUTH', ...login]));
    if (target.database !== database) {
      requests.push(encodeRequest(['SELECT', database]));
    }
    this.greetings = requests.length;
    if (requests.length === 0) this.sendKeys();
    else target.send(requests);
  }

  private sendKeys(): void {
    this.target!.database = this.migration.database;
    this.target!.send(this.keys.map(({ request }) => request));
  }

  // ---- TargetEvents --------------------------------------------------------------------------

  connected(): void {
    this.startTimer();
    this.greet();
  }

  progressed(): void {
    this.startTimer();
  }

  replied(line: string): void {
    this.startTimer();
    const isError = line.startsWith('-');
    if (!isError && !line.startsWith('+')) {
      this.target!.destroy();
      this.finish(notAnswered);
      return;
    }
    if (isError) {
      this.error ??= new CommandError(`ERR Target instance replied with error: ${line.slice(1)}`);
    }
    if (this.greetings > 0) {
      this.greetings--;
      if (this.greetings > 0) return;
      if (this.error === undefined) this.sendKeys();
      else this.finish(this.error);
      return;
    }
    if (!isError) this.arrived.push(this.keys[this.answered]!);
    this.answered++;
    if (this.answered === this.keys.length) this.finish(this.error);
  }

  closed(reason: string): void {
    const target = this.target!;
    const isLookup = /^(ENOTFOUND|EAI_|ENETUNREACH)/.test(reason);
    if (!target.isConnected && isLookup) this.finish(notConnected);
    else if (this.mayRetry && this.answered === 0 && this.error === undefined) {
      this.mayRetry = false;
      this.attempt(true);
    } else this.finish(this.error ?? this.failure(target));
  }

  private failure(target: MigrationTarget): CommandError {
    return target.isConnected && !target.hasUnsent ? notAnswered : notSent;
  }

  private startTimer(): void {
    clearTimeout(this.timer);
    const ms = Math.min(this.migration.timeoutMs, TIMER_MAX_MS);
    this.timer = setTimeout(() => this.timedOut(), ms);
  }

  private timedOut(): void {
    const target = this.target!;
    target.destroy();
    if (!target.isConnected) this.finish(notConnected);
    else this.finish(this.error ?? this.failure(target));
  }

  private finish(error: CommandError | undefined): void {
    if (this.isOver) return;
    const { target } = this;
    this.isOver = true;
    this.error = error;
    clearTimeout(this.timer);
    this.target = undefined;
    if (target?.isClosed === false) {
      // What was refused may have changed what is selected.
      if (error !== undefined) target.database = '';
      this.hooks.keep(target);
    }
    this.hooks.done();
  }
}
