/**
 * The time of calls, for INFO commandstats and what else looks at single calls. Reading the clock
 * costs a twentieth of a small command, so equal commands in a row that cannot take long are timed
 * together; everything else is timed alone. Commands that run as part of another one are timed one
 * after the other, a single look at the clock each, and their time is part of the outer one's, too.
 */
import type { Command } from '../commands/command-table.ts';
import { monotonicMs } from '../util/timers.ts';

/** Calls that are timed together at most. */
const CALLS_PER_LOOK = 64;

export class CallTimer {
  /** The command being timed, undefined between two. */
  private command: Command | undefined = undefined;
  private calls = 0;
  private sinceMs = 0;
  /** When the nested call before this one ended, or the outer one began. */
  private lapMs = 0;

  /** A call of a client's command begins. */
  begin(command: Command): void {
    if (command !== this.command || this.calls >= CALLS_PER_LOOK) {
      this.end();
      this.command = command;
      this.sinceMs = monotonicMs();
    }
    this.calls++;
  }

  /** Books what is being timed. Returns whether there was something: the clock may be stale. */
  end(): boolean {
    const { command } = this;
    if (command === undefined) return false;
    command.calls += this.calls;
    command.microseconds += (monotonicMs() - this.sinceMs) * 1000;
    this.command = undefined;
    this.calls = 0;
    return true;
  }

  /** Calls that are part of the present one begin; the time, monotonic ms. */
  beginNested(): number {
    this.lapMs = monotonicMs();
    return this.lapMs;
  }

  /** One of them has run. */
  nested(command: Command): void {
    command.calls++;
    this.again(command);
  }

  /** As `nested`, of a call that was counted before: a blocked one that ran again. */
  again(command: Command): void {
    const nowMs = monotonicMs();
    command.microseconds += (nowMs - this.lapMs) * 1000;
    this.lapMs = nowMs;
  }
}
