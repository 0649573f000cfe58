/**
 * What becomes of calls whose request or reply is large: COMMANDLOG's logs of them. A call that is
 * smaller than all thresholds costs two comparisons (`Executor.measure`).
 */
import type { Command } from '../commands/command-table.ts';
import type { LargeCallsPort } from '../commands/ports/observation.ts';
import type { Config } from '../config/config.ts';
import type { Session } from '../session/session.ts';
import { type Args, requestBytes } from '../util/args.ts';
import type { HotKeys } from './hot-keys.ts';
import { SlowLog } from './slow-log.ts';

/** Who wants to know of calls' sizes. */
export interface SizeWatch {
  /** Calls are told of whose request may have at least so many bytes. */
  readonly requestFrom: number;
  /** Calls are told of whose reply has at least so many bytes. */
  readonly replyFrom: number;
  measured(session: Session, command: Command, args: Args, replyBytes: number): void;
}

export class CallSizes implements SizeWatch, LargeCallsPort {
  requestFrom = Number.POSITIVE_INFINITY;
  replyFrom = Number.POSITIVE_INFINITY;
  readonly largeRequests = new SlowLog();
  readonly largeReplies = new SlowLog();
  private readonly now: () => number;
  private readonly hotKeys: HotKeys;

  /** `now` is the wall clock in ms. */
  constructor(now: () => number, hotKeys: HotKeys) {
    this.now = now;
    this.hotKeys = hotKeys;
  }

  configure(config: Config): void {
    const { largeRequests, largeReplies } = this;
    largeRequests.threshold = config.number('commandlog-request-larger-than');
    largeRequests.maxLength = config.number('commandlog-large-request-max-len');
    largeReplies.threshold = config.number('commandlog-reply-larger-than');
    largeReplies.maxLength = config.number('commandlog-large-reply-max-len');
  }

  /** Sets from which sizes on calls are of interest. */
  aim(): void {
    const { hotKeys, largeRequests, largeReplies } = this;
    this.requestFrom = hotKeys.isActive ? 0 : from(largeRequests.threshold);
    this.replyFrom = from(largeReplies.threshold);
  }

  measured(session: Session, command: Command, args: Args, replyBytes: number): void {
    if (session.id === 0) return;
    const nowMs = this.now();
    const bytes = requestBytes(args);
    const { hotKeys } = this;
    if (hotKeys.isActive) hotKeys.measured(command, args, bytes + replyBytes);
    this.largeRequests.note(session, command, args, bytes, nowMs);
    this.largeReplies.note(session, command, args, replyBytes, nowMs);
  }
}

function from(threshold: number): number {
  return threshold < 0 ? Number.POSITIVE_INFINITY : threshold;
}
