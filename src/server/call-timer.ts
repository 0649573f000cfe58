/**
 * The one place where the time of calls is taken, for INFO commandstats, latency histograms, the
 * slow log and the latency monitor. Reading the clock costs a sixth of a small command that comes
 * in a pipeline, so not every one of those is timed alone:
 *
 * - A call that may take long, a call by itself and a call between others are timed alone.
 * - Equal brief commands in a row are timed in groups of 17 to 32, and one after each group alone.
 *   Its time stands in the histogram for all of the group; the sum of the times is exact.
 * - When a group took long, the next 4096 calls are timed alone: the slow log must name the one.
 *
 * Calls that run as part of another one (EXEC, scripts) are timed one after the other, with one
 * look at the clock each; their time is part of the outer one's, too.
 */
import type { Command } from '../commands/command-table.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { monotonicMs } from '../util/timers.ts';

/** Who wants to know of calls' times. */
export interface CallWatch {
  /** Whether histograms are kept. */
  readonly keepsHistograms: boolean;
  /** Whether every call is to be timed alone. */
  readonly isPrecise: boolean;
  /** Calls and groups that took at least so long are told of, ms; may be Infinity. */
  readonly noticeMs: number;
  /** `calls` equal calls took `ms` together; session and arguments are those of the last one. */
  noticed(session: Session, command: Command, args: Args, ms: number, calls: number): void;
  /** As `noticed`, of a call that a script made. */
  noticedInScript(session: Session, command: Command, args: Args, ms: number): void;
}

const GROUP_MIN = 17;
/** Group sizes are GROUP_MIN plus up to this, so that not always the same place is looked at. */
const GROUP_MASK = 15;
/** Calls timed alone after a group that took long. */
const ALERT_CALLS = 4096;

export class CallTimer {
  private readonly watch: CallWatch;
  /** The command being timed, undefined between two. */
  private command: Command | undefined = undefined;
  private session: Session | undefined = undefined;
  private args: Args | undefined = undefined;
  private calls = 0;
  private sinceMs = 0;
  /** Calls until the next look at the clock, while the command stays the same. */
  private left = 0;
  private isSingle = false;
  private groups = 0;
  private alertCalls = 0;
  /** When the nested call before this one ended, or the outer one began. */
  private lapMs = 0;

  constructor(watch: CallWatch) {
    this.watch = watch;
  }

  /** A call of a client's command begins. `args` must stay as they are until `end`. */
  begin(command: Command, session: Session, args: Args): void {
    if (command !== this.command || this.left <= 0) this.look(command);
    this.left--;
    this.calls++;
    this.session = session;
    this.args = args;
  }

  private look(command: Command): void {
    const nowMs = monotonicMs();
    if (this.command !== undefined) this.book(nowMs);
    this.command = command;
    this.sinceMs = nowMs;
    if (this.left > 0) return;
    this.isSingle = !this.isSingle || this.watch.isPrecise || this.alertCalls > 0;
    if (this.isSingle) {
      this.left = 1;
      if (this.alertCalls > 0) this.alertCalls--;
    } else {
      this.groups += 7;
      this.left = GROUP_MIN + (this.groups & GROUP_MASK);
    }
  }

  /** Books what is being timed. Returns whether there was something: the clock may be stale. */
  end(): boolean {
    if (this.command === undefined) return false;
    this.book(monotonicMs());
    return true;
  }

  private book(nowMs: number): void {
    const { calls, watch } = this;
    const command = this.command!;
    const ms = nowMs - this.sinceMs;
    command.calls += calls;
    command.microseconds += ms * 1000;
    this.command = undefined;
    this.calls = 0;
    // What waits now is told of when it has been served.
    if (this.session!.blocked) return;
    if (calls > 1) command.unsampledCalls += calls;
    else if (watch.keepsHistograms) this.record(command, ms);
    if (ms >= watch.noticeMs) this.notice(command, ms, calls);
  }

  private record(command: Command, ms: number): void {
    command.latency.record(ms * 1e6, 1 + command.unsampledCalls);
    command.unsampledCalls = 0;
  }

  private notice(command: Command, ms: number, calls: number): void {
    if (calls > 1) this.alertCalls = ALERT_CALLS;
    this.watch.noticed(this.session!, command, this.args!, ms, calls);
  }

  // ---- calls that take several turns of the event loop ---------------------------------------

  /** The present call is put aside. Returns how long it took so far, ms. */
  putAside(): number {
    const { command } = this;
    if (command === undefined) return 0;
    const ms = monotonicMs() - this.sinceMs;
    command.calls += this.calls;
    command.microseconds += ms * 1000;
    this.command = undefined;
    this.calls = 0;
    return ms;
  }

  /** The call was run for one more turn; `beginNested` began it. Returns how long that took, ms. */
  proceeded(command: Command): number {
    const nowMs = monotonicMs();
    const ms = nowMs - this.lapMs;
    command.microseconds += ms * 1000;
    this.lapMs = nowMs;
    return ms;
  }

  /** A call that was put aside, or waited, is finished; it took `ms` in all. */
  finished(command: Command, session: Session, args: Args, ms: number): void {
    const { watch } = this;
    if (watch.keepsHistograms) command.latency.record(ms * 1e6);
    if (ms >= watch.noticeMs) watch.noticed(session, command, args, ms, 1);
  }

  // ---- calls that are part of another one ----------------------------------------------------

  /** Calls that are part of the present one begin; the time, monotonic ms. */
  beginNested(): number {
    this.lapMs = monotonicMs();
    return this.lapMs;
  }

  /** One of them has run. */
  nested(command: Command, session: Session, args: Args): void {
    command.calls++;
    this.finished(command, session, args, this.proceeded(command));
  }

  /** As `nested`, of a call that a script made. */
  nestedInScript(command: Command, session: Session, args: Args): void {
    const { watch } = this;
    command.calls++;
    const ms = this.proceeded(command);
    if (watch.keepsHistograms) command.latency.record(ms * 1e6);
    if (ms >= watch.noticeMs) watch.noticedInScript(session, command, args, ms);
  }
}
