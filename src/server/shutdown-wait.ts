/**
 * SHUTDOWN with replicas: writes are held back until each of them has acknowledged all of the
 * stream, `shutdown-timeout` seconds at most, so that no acknowledged write is lost with the master
 * where a replica takes over. Clients that asked for the end wait for it.
 *
 * Source: redis-server 7.0.15, except that CLIENT UNBLOCK crashes it.
 */
import type { Config } from '../config/config.ts';
import type { Session } from '../session/session.ts';
import type { CommandError } from '../util/errors.ts';
import type { Blocking } from './blocking.ts';
import type { LogLevel } from './log.ts';
import type { Pause } from './pause.ts';
import { nameOf } from './replica-name.ts';
import type { Replication } from './replication.ts';

export interface ShutdownWaitParts {
  readonly config: Config;
  readonly replication: Replication;
  readonly pause: Pause;
  readonly blocking: Blocking;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

export class ShutdownWait {
  private readonly parts: ShutdownWaitParts;
  /** When replicas are waited for no longer, ms; 0 while no end is under way. */
  private untilMs = 0;
  private readonly sessions = new Set<Session>();

  constructor(parts: ShutdownWaitParts) {
    this.parts = parts;
  }

  get isRunning(): boolean {
    return this.untilMs > 0;
  }

  /** Time that is left, ms. */
  get leftMs(): number {
    return Math.max(0, this.untilMs - this.parts.now());
  }

  /** Begins to wait; false when there is nothing to wait for. */
  begin(): boolean {
    const { config, log, now, pause } = this.parts;
    const seconds = config.number('shutdown-timeout');
    if (seconds === 0 || this.lagging().length === 0) return false;
    log('notice', 'Waiting for replicas before shutting down.');
    this.untilMs = now() + seconds * 1000;
    pause.holdWrites();
    return true;
  }

  /** The session has asked for the end; it is blocked. */
  add(session: Session): void {
    this.sessions.add(session);
  }

  /** It does not wait any longer. */
  remove(session: Session): void {
    this.sessions.delete(session);
  }

  /** Whether the wait is over: all replicas have everything, or it has taken too long. */
  isOver(): boolean {
    return this.isRunning && (this.leftMs === 0 || this.lagging().length === 0);
  }

  /** Says which replicas are behind at the end. */
  tell(): void {
    const { log, replication } = this.parts;
    const behind = this.lagging();
    const { offset } = replication.identity;
    for (const session of behind) {
      const lag = offset - session.replica!.ackOffset;
      log('warning', `Lagging replica ${nameOf(session)} reported offset ${lag} behind master.`);
    }
    const { count } = replication.replicas;
    if (count === 0) return;
    log('notice', `${count - behind.length} of ${count} replicas are in sync when shutting down.`);
  }

  /** The server goes on: who waits for its end is told so. */
  giveUp(error: CommandError): void {
    const { blocking, pause } = this.parts;
    if (this.isRunning) pause.releaseWrites();
    this.untilMs = 0;
    for (const session of this.sessions) blocking.fail(session, error.line);
    this.sessions.clear();
  }

  private lagging(): Session[] {
    const { identity, replicas } = this.parts.replication;
    const all = [...replicas.all()];
    return all.filter(({ replica }) => replica!.ackOffset !== identity.offset);
  }
}
