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
 * look at the clock each; their time is part of the outer one's, too. Of scripts only every eighth
 * run or so is timed like that: brief calls of the others share the time until the next look in
 * proportion to what such calls have taken alone, so that the sum of all is exact.
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
/** Brief calls of a script that share one look at the clock, at most. */
const SHARED_MAX = 32;
/** Of how many runs of scripts one, at a random place, has each of its calls timed. */
const CLOSE_RUNS = 8;
/** A call alone counts as so many times the mean at most: it was the machine that took longer. */
const OUTLIER = 8;
const SHORTEST_MS = 1e-6;

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
  /** How long what was booked since this was set to 0 took, ms. */
  bookedMs = 0;
  private groups = 0;
  private alertCalls = 0;
  /** When the nested call before this one ended, or the outer one began. */
  private lapMs = 0;
  /** Calls of a script that were made since `lapMs`: they share the time. */
  private readonly sharing: Command[] = [];
  /** What they would take together. */
  private sharedMs = 0;
  /** Whether the calls of the present script are timed one by one. */
  private isClose = true;
  /** A random number of 32 bits: which runs those are must not follow a client's rhythm. */
  private lot = 1;

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

  /** What has begun is timed alone: the next call is not of its group, whatever it is. */
  closeGroup(): void {
    this.left = 0;
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
    this.bookedMs += ms;
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
    this.endScript();
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

  /**
   * Calls that are part of the present one begin; the time, monotonic ms. `atOnce`: next to nothing
   * was done since the present one began, so that this may be taken for its time.
   */
  beginNested(atOnce = false): number {
    this.lapMs = atOnce && this.calls === 1 ? this.sinceMs : monotonicMs();
    return this.lapMs;
  }

  /** When the one before ended, or they began. */
  get nestedSince(): number {
    return this.lapMs;
  }

  /** One of them has run, since then. */
  nested(command: Command, session: Session, args: Args, sinceMs = this.lapMs): void {
    command.calls++;
    this.lapMs = sinceMs;
    this.finished(command, session, args, this.proceeded(command));
  }

  // ---- calls of a script ---------------------------------------------------------------------

  /** As `beginNested`, of the calls that a script makes. */
  beginScript(atOnce: boolean): number {
    this.lot = (Math.imul(this.lot, 1_664_525) + 1_013_904_223) | 0;
    this.isClose = (this.lot >>> 16) % CLOSE_RUNS === 0 || this.watch.isPrecise;
    if (this.alertCalls > 0) {
      this.alertCalls--;
      this.isClose = true;
    }
    return this.beginNested(atOnce);
  }

  /** A call of the script has run; `brief`: it took next to no time. */
  nestedInScript(command: Command, session: Session, args: Args, brief: boolean): void {
    command.calls++;
    const { sharing } = this;
    if (brief && !this.isClose && command.nestedMs > 0 && sharing.length < SHARED_MAX) {
      sharing.push(command);
      this.sharedMs += command.nestedMs;
      return;
    }
    const { watch } = this;
    const nowMs = monotonicMs();
    let ms = nowMs - this.lapMs;
    this.lapMs = nowMs;
    if (sharing.length > 0) ms -= this.share(Math.min(ms, this.sharedMs));
    else this.weigh(command, ms);
    command.microseconds += ms * 1000;
    if (watch.keepsHistograms) this.record(command, ms);
    if (ms >= watch.noticeMs) watch.noticedInScript(session, command, args, ms);
  }

  /** The script has ended, or is put aside. */
  endScript(): void {
    if (this.sharing.length === 0) return;
    const nowMs = monotonicMs();
    const ms = nowMs - this.lapMs;
    this.lapMs = nowMs;
    this.share(ms);
    if (ms >= this.watch.noticeMs) this.alertCalls = ALERT_CALLS;
  }

  /** Books `ms` for the calls that share them; returns how much that was. */
  private share(ms: number): number {
    const { sharing } = this;
    const microseconds = (1000 * ms) / this.sharedMs;
    for (let i = 0; i < sharing.length; i++) {
      const command = sharing[i]!;
      command.microseconds += command.nestedMs * microseconds;
      command.unsampledCalls++;
    }
    sharing.length = 0;
    this.sharedMs = 0;
    return ms;
  }

  /** Notes how long a call took alone: a mean of which the latest calls are the most. */
  private weigh(command: Command, ms: number): void {
    const mean = command.nestedMs;
    if (mean === 0) command.nestedMs = Math.max(ms, SHORTEST_MS);
    else command.nestedMs = mean + (Math.max(Math.min(ms, OUTLIER * mean), SHORTEST_MS) - mean) / 8;
  }
}
