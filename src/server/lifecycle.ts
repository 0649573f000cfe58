/**
 * Who this server is and how it ends: ids, versions, SHUTDOWN.
 *
 * It closes nothing itself: `close` is the server's.
 */
import { rmSync } from 'node:fs';
import type { LifecyclePort, ShutdownRequest } from '../commands/ports/lifecycle.ts';
import type { SessionPort } from '../commands/ports/session.ts';
import type { Session } from '../session/session.ts';
import { randomBytes } from '../util/crypto.ts';
import { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';
import type { ShutdownWait } from './shutdown-wait.ts';
import type { Manager } from './supervisor.ts';

/** What the lifecycle needs of the server that has it. */
export interface LifecycleOptions {
  /** The Redis version that clients are told. */
  readonly version: string;
  readonly tellsSmallLists: boolean;
  readonly tellsActiveTimes: boolean;
  /** Wall clock, ms since the epoch. */
  readonly startedAtMs: number;
  readonly log: (level: LogLevel, message: string) => void;
  /** Brings the data to the disk for the end; false when it could not, and nobody insists. */
  readonly finish: (save: ShutdownRequest['save'], force: boolean) => boolean;
  /** Closes everything; resolves when all is gone. */
  readonly close: () => Promise<void>;
  /** Ends the process, where the embedder gave a way to. */
  readonly exit: ((code: number) => void) | undefined;
}

const noShutdown = new CommandError('ERR No shutdown in progress.');
const shutdownFailed = new CommandError('ERR Errors trying to SHUTDOWN. Check logs.');

export class Lifecycle implements LifecyclePort {
  /** What clients are told. */
  readonly version: string;
  readonly tellsSmallLists: boolean;
  readonly tellsActiveTimes: boolean;
  readonly runId = randomBytes(20).toString('hex');
  readonly startedAtMs: number;
  /** The service manager that watches the process; INFO shows it. */
  supervisedBy: Manager = 'no';
  /** Called when the process is about to end. */
  onStopping: (() => void) | undefined = undefined;
  /** The replicas that SHUTDOWN waits for; set while the server is built. */
  wait!: ShutdownWait;
  /** Whether the server ends, or waits for its replicas to do so. */
  isEnding = false;
  /** What the end that is waited for is to do. */
  private request: ShutdownRequest | undefined = undefined;
  /** What a signal has asked for; the next tick begins it, unless SHUTDOWN ABORT comes first. */
  private asked: ShutdownRequest | undefined = undefined;
  /** Path of the pid file that was written, empty when none was. */
  pidFile = '';
  private readonly log: (level: LogLevel, message: string) => void;
  private readonly finish: LifecycleOptions['finish'];
  private readonly close: () => Promise<void>;
  private readonly exit: ((code: number) => void) | undefined;

  constructor({
    version,
    tellsSmallLists,
    tellsActiveTimes,
    startedAtMs,
    log,
    finish,
    close,
    exit,
  }: LifecycleOptions) {
    this.version = version;
    this.tellsSmallLists = tellsSmallLists;
    this.tellsActiveTimes = tellsActiveTimes;
    this.startedAtMs = startedAtMs;
    this.log = log;
    this.finish = finish;
    this.close = close;
    this.exit = exit;
  }

  shutdown(request: ShutdownRequest): boolean {
    if (request.abort) {
      if (!this.wait.isRunning && this.asked === undefined) throw noShutdown;
      this.log('notice', 'Shutdown manually aborted.');
      this.goOn();
      return false;
    }
    if (this.wait.isRunning) return true;
    if (!this.begin(request)) throw shutdownFailed;
    return this.wait.isRunning;
  }

  /** Ends the server, or has it wait for its replicas; false when it goes on after all. */
  private begin(request: ShutdownRequest): boolean {
    this.log('warning', 'User requested shutdown...');
    this.isEnding = true;
    this.request = request;
    return (!request.now && this.wait.begin()) || this.end();
  }

  /** Begins an orderly end at the next tick of the cron, as redis-server does for a signal. */
  shutdownSoon(request: ShutdownRequest): void {
    this.isEnding = true;
    this.asked = request;
  }

  awaitEnd(session: SessionPort): void {
    this.wait.add(session as Session);
  }

  awaitNoMore(session: SessionPort): void {
    this.wait.remove(session as Session);
  }

  /** Called by the cron: a signal has come, or replicas have everything that are waited for. */
  tick(): void {
    const { asked } = this;
    this.asked = undefined;
    // What fails is in the log, and the server goes on.
    if (asked !== undefined && !this.wait.isRunning) this.begin(asked);
    if (this.wait.isOver()) this.end();
  }

  /** Ends the server; false when the data could not be saved, and it goes on. */
  private end(): boolean {
    const { save, force } = this.request!;
    this.wait.tell();
    if (!this.finish(save, force)) {
      this.log('warning', 'Errors trying to shut down the server: the lines above tell which.');
      this.goOn();
      return false;
    }
    void this.stop(0);
    return true;
  }

  private goOn(): void {
    this.isEnding = false;
    this.asked = undefined;
    this.wait.giveUp(shutdownFailed);
  }

  /** Closes everything, then ends the process where the embedder gave a way to. */
  async stop(code: number): Promise<void> {
    this.onStopping?.();
    await this.close();
    if (this.pidFile !== '') {
      this.log('notice', 'Removing the pid file.');
      rmSync(this.pidFile, { force: true });
    }
    this.log('warning', 'respite is now ready to exit, bye bye...');
    this.exit?.(code);
  }

  /** Data may be half changed: nobody is served any more. */
  dieDamaged(): void {
    this.log('warning', 'The data may be damaged: stopping rather than serving it.');
    this.exit?.(1);
    void this.close();
  }
}
