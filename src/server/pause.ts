/**
 * CLIENT PAUSE: which commands wait for its end, and whose. A pause under way is never shortened
 * nor made weaker (redis-server 7.0.15). FAILOVER and SHUTDOWN hold writes back themselves, and
 * CLIENT UNPAUSE does not end that.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { PauseMode } from '../commands/ports/clients.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { clearTimeout, setImmediate, setTimeout, TIMER_MAX_MS } from '../util/timers.ts';

const { commits: COMMITS } = Flag;
const WRITES = Flag.write | Flag.may_replicate;

export class Pause {
  /** Until when commands wait, ms since the epoch; 0 when not paused. */
  untilMs = 0;
  private mode: PauseMode = 'all';
  /** Until when those wait that CLIENT PAUSE holds back. */
  private clientUntilMs = 0;
  private clientMode: PauseMode = 'all';
  /** Who holds writes back apart from clients. */
  private holders = 0;
  private timer: NodeJS.Timeout | undefined = undefined;
  /** Whose requests wait, first come first. */
  private readonly waiting = new Set<Session>();
  private readonly now: () => number;
  private readonly resume: (session: Session) => void;

  /** `resume` runs the requests that a session's pause has held back. */
  constructor(now: () => number, resume: (session: Session) => void) {
    this.now = now;
    this.resume = resume;
  }

  /** Clients whose requests wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Whether a command must wait; `flags` are its own, or less when it writes nothing. */
  holds(session: Session, command: Command, flags: number): boolean {
    if (session.isOnlooker || session.appliesEffects) return false;
    return this.concerns(session, command, flags);
  }

  /** As `holds`, of a command that comes from a master: a replica that is paused stands still. */
  holdsEffect(session: Session, command: Command): boolean {
    return this.untilMs !== 0 && this.concerns(session, command, command.flagBits);
  }

  private concerns(session: Session, command: Command, flags: number): boolean {
    if (this.mode === 'all') return true;
    const queued = (command.flagBits & COMMITS) !== 0 ? session.transaction.flagBits : 0;
    return ((flags | queued) & WRITES) !== 0;
  }

  /** Keeps a request, whose arguments are copied, until the pause ends. */
  hold(session: Session, args: Args): void {
    session.postponed.push(args.copy());
    this.waiting.add(session);
  }

  /** Suspends commands until `untilMs` (wall clock). */
  begin(untilMs: number, mode: PauseMode): void {
    if (this.clientUntilMs === 0 || mode === 'all') this.clientMode = mode;
    this.clientUntilMs = Math.max(this.clientUntilMs, untilMs);
    this.update();
    this.startTimer();
  }

  /** Holds writes back until `releaseWrites`. */
  holdWrites(): void {
    this.holders++;
    this.update();
  }

  /** Ends what `holdWrites` began. */
  releaseWrites(): void {
    this.holders--;
    this.update();
    this.resumeSoon();
  }

  private startTimer(): void {
    const left = Math.min(this.clientUntilMs - this.now(), TIMER_MAX_MS);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), left + 1);
    this.timer.unref();
  }

  /** What holds of both pauses together. */
  private update(): void {
    const { clientMode, clientUntilMs, holders } = this;
    this.untilMs = holders > 0 ? Number.POSITIVE_INFINITY : clientUntilMs;
    this.mode = clientUntilMs === 0 ? 'write' : clientMode;
  }

  /** Ends the clients' pause. */
  end(): void {
    this.clientUntilMs = 0;
    this.update();
    clearTimeout(this.timer);
    this.resumeSoon();
  }

  /** Not now: the command that asks is still being run. */
  private resumeSoon(): void {
    setImmediate(() => this.resumeAll());
  }

  /** The server ends. */
  stop(): void {
    clearTimeout(this.timer);
  }

  /** The session has ended. */
  forget(session: Session): void {
    this.waiting.delete(session);
  }

  /**
   * Ends a pause whose time has come. The timer calls it, and the cron where the clock may jump.
   */
  check(): void {
    if (this.clientUntilMs === 0) return;
    if (this.now() >= this.clientUntilMs) {
      this.clientUntilMs = 0;
      this.update();
      this.resumeAll();
    } else this.startTimer();
  }

  private resumeAll(): void {
    const sessions = [...this.waiting];
    this.waiting.clear();
    for (const session of sessions) this.resume(session);
  }
}
