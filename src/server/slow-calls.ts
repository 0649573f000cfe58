/**
 * What becomes of calls that took long: the slow log, the latency monitor, and the name of the
 * longest call since the event loop was looked at last (`stalls.ts`). Calls that took less than all
 * of these want to know of cost one comparison.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { Config } from '../config/config.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { CallSizes } from './call-sizes.ts';
import type { CallWatch } from './call-timer.ts';
import { HotKeys } from './hot-keys.ts';
import { LatencyMonitor } from './latency-monitor.ts';
import { SlowLog } from './slow-log.ts';

/** Who asks for shorter times than this wants every single call's. */
const PRECISE_BELOW_MS = 1;
/** Calls from this length on may be what made the event loop stand still. */
const STALL_MS = 50;

/** As redis-server 7.0.15 shows who calls commands from a script. */
const scriptClient = { address: '?:0', name: '' } as const;

/** A call that took long. */
export interface LongCall {
  readonly command: string;
  readonly client: string;
  readonly ms: number;
}

export class SlowCalls implements CallWatch {
  keepsHistograms = true;
  isPrecise = false;
  noticeMs = STALL_MS;
  readonly slowLog = new SlowLog();
  readonly latency: LatencyMonitor;
  readonly sizes: CallSizes;
  readonly hotKeys: HotKeys;
  private readonly now: () => number;
  private longest: LongCall | undefined = undefined;

  /** `now` is the wall clock in ms, `netBytes` what came and went over the network so far. */
  constructor(now: () => number, netBytes: () => number) {
    this.now = now;
    this.latency = new LatencyMonitor(now);
    this.hotKeys = new HotKeys({ now, netBytes, switched: () => this.aim() });
    this.sizes = new CallSizes(now, this.hotKeys);
  }

  configure(config: Config): void {
    const { latency, slowLog } = this;
    this.keepsHistograms = config.bool('latency-tracking');
    slowLog.threshold = config.number('slowlog-log-slower-than');
    slowLog.maxLength = config.number('slowlog-max-len');
    latency.thresholdMs = config.number('latency-monitor-threshold');
    this.sizes.configure(config);
    this.aim();
  }

  /** Sets from which times on calls are of interest. */
  private aim(): void {
    const { hotKeys, latency, slowLog } = this;
    const slowMs = slowLog.threshold < 0 ? STALL_MS : slowLog.threshold / 1000;
    const eventMs = latency.thresholdMs === 0 ? STALL_MS : latency.thresholdMs;
    this.noticeMs = hotKeys.isActive ? 0 : Math.min(STALL_MS, slowMs, eventMs);
    this.isPrecise = this.noticeMs < PRECISE_BELOW_MS;
    this.sizes.aim();
  }

  noticed(session: Session, command: Command, args: Args, ms: number, calls: number): void {
    // Nobody's: commands of the append-only file, while it is loaded.
    if (session.id === 0) return;
    // Of a group of calls nobody knows which one it was: the next ones are timed alone.
    if (calls === 1) {
      this.slowLog.note(session, command, args, Math.floor(ms * 1000), this.now());
    }
    if (this.hotKeys.isActive) this.hotKeys.timed(command, args, ms);
    this.noteEvent(session, command, ms);
  }

  noticedInScript(session: Session, command: Command, args: Args, ms: number): void {
    if (session.id === 0) return;
    this.slowLog.note(scriptClient, command, args, Math.floor(ms * 1000), this.now());
    this.noteEvent(session, command, ms);
  }

  private noteEvent(session: Session, command: Command, ms: number): void {
    this.latency.add((command.flagBits & Flag.fast) !== 0 ? 'fast-command' : 'command', ms);
    if (ms < STALL_MS || ms < (this.longest?.ms ?? 0)) return;
    this.longest = { command: command.fullName, client: session.address, ms };
  }

  /** The longest call of at least 50 ms since this was asked last. */
  takeLongest(): LongCall | undefined {
    const { longest } = this;
    this.longest = undefined;
    return longest;
  }
}
