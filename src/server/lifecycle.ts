/**
 * Who this server is and how it ends: ids, versions, saves, SHUTDOWN.
 *
 * It closes nothing itself: `close` is the server's.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { LifecyclePort, ShutdownRequest } from '../commands/ports/lifecycle.ts';
import { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';
import { REDIS_VERSION } from './version.ts';

/** What the lifecycle needs of the server that has it. */
export interface LifecycleOptions {
  /** Wall clock, ms since the epoch. */
  readonly startedAtMs: number;
  readonly log: (level: LogLevel, message: string) => void;
  /** Closes everything; resolves when all is gone. */
  readonly close: () => Promise<void>;
  /** Ends the process, where the embedder gave a way to. */
  readonly exit: ((code: number) => void) | undefined;
}

export class Lifecycle implements LifecyclePort {
  readonly version = REDIS_VERSION;
  readonly runId = randomBytes(20).toString('hex');
  replicationId = randomBytes(20).toString('hex');
  readonly startedAtMs: number;
  lastSaveSeconds: number;
  /** Path of the pid file that was written, empty when none was. */
  pidFile = '';
  private readonly log: (level: LogLevel, message: string) => void;
  private readonly close: () => Promise<void>;
  private readonly exit: ((code: number) => void) | undefined;

  constructor({ startedAtMs, log, close, exit }: LifecycleOptions) {
    this.startedAtMs = startedAtMs;
    this.lastSaveSeconds = Math.floor(startedAtMs / 1000);
    this.log = log;
    this.close = close;
    this.exit = exit;
  }

  changeReplicationId(): void {
    this.replicationId = randomBytes(20).toString('hex');
  }

  shutdown(request: ShutdownRequest): void {
    if (request.abort) throw new CommandError('ERR No shutdown in progress.');
    this.log('warning', 'User requested shutdown...');
    void this.stop(0);
  }

  /** Closes everything, then ends the process where the embedder gave a way to. */
  async stop(code: number): Promise<void> {
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
