/**
 * The options of XREAD and XREADGROUP. They are read by hand: STREAMS takes what is left, and which
 * words are known depends on the command.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { int64Argument } from '../integers.ts';
import type { Delivery } from './delivery.ts';
import { countOption } from './entries.ts';

const badTimeout = new CommandError('ERR timeout is not an integer or out of range');
const negativeTimeout = new CommandError('ERR timeout is negative');
const groupWithoutXreadgroup = new CommandError(
  'ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.',
);
const noackWithoutXreadgroup = new CommandError(
  'ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.',
);
const claimWithoutXreadgroup = new CommandError(
  'ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.',
);
const badIdle = new CommandError('ERR min-idle-time is not an integer or out of range');
const negativeIdle = new CommandError('ERR min-idle-time must be a positive integer');
const unbalanced = new CommandError(
  "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
);
const missingGroup = new CommandError('ERR Missing GROUP option for XREADGROUP');

/** Without BLOCK. */
export const NEVER_BLOCK = -1;

/** What XREAD and XREADGROUP were told. */
export class ReadOptions implements Delivery {
  /** When to give up, 0 for never, or NEVER_BLOCK. */
  untilMs = NEVER_BLOCK;
  /** Entries of each stream, 0 for all. */
  count = 0;
  /** Arguments: the first key, how many there are, the group's name before the consumer's or 0. */
  firstKey = 0;
  streams = 0;
  group = 0;
  noAck = false;
  /** CLAIM's time, or -1. */
  minIdleMs = -1;
}

function blockInScript(args: Args): CommandError {
  const name = args.cString(0);
  return new CommandError(`ERR ${name} command is not allowed with BLOCK option from scripts`);
}

/** Reads BLOCK's milliseconds; what overflows ends at once, as in redis-server 7.0.15. */
function blockArgument(args: Args, i: number, nowMs: number): number {
  const ms = int64Argument(args, i, badTimeout);
  if (ms < 0) throw negativeTimeout;
  return ms === 0 ? 0 : nowMs + Number(ms);
}

function idleArgument(args: Args, i: number): number {
  const ms = int64Argument(args, i, badIdle);
  if (ms < 0) throw negativeIdle;
  return Number(ms);
}

/** Reads the options, up to the keys. Throws what Redis answers. */
export function readOptions(ctx: Context, args: Args, inGroup: boolean): ReadOptions {
  const options = new ReadOptions();
  for (let i = 1; i < args.argc && options.firstKey === 0; i++) {
    const more = args.argc - 1 - i;
    if (more > 0 && args.is(i, 'BLOCK')) {
      if (ctx.isInScript) throw blockInScript(args);
      options.untilMs = blockArgument(args, ++i, ctx.nowMs);
    } else if (more > 0 && args.is(i, 'COUNT')) options.count = countOption(args, ++i);
    else if (more > 0 && args.is(i, 'STREAMS')) {
      options.firstKey = i + 1;
      options.streams = more / 2;
      if (more % 2 === 1) throw unbalanced;
    } else if (more > 1 && args.is(i, 'GROUP')) {
      if (!inGroup) throw groupWithoutXreadgroup;
      options.group = i + 1;
      i += 2;
    } else if (more > 0 && args.is(i, 'CLAIM')) {
      if (!inGroup) throw claimWithoutXreadgroup;
      options.minIdleMs = idleArgument(args, ++i);
    } else if (args.is(i, 'NOACK')) {
      if (!inGroup) throw noackWithoutXreadgroup;
      options.noAck = true;
    } else throw errors.syntax;
  }
  if (options.firstKey === 0) throw errors.syntax;
  if (inGroup && options.group === 0) throw missingGroup;
  return options;
}
