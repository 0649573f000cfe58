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

/** What XREAD and XREADGROUP were told; one object serves all calls. */
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

const options = new ReadOptions();

function reset(): void {
  options.untilMs = NEVER_BLOCK;
  options.count = 0;
  options.firstKey = 0;
  options.streams = 0;
  options.group = 0;
  options.noAck = false;
  options.minIdleMs = -1;
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

/** How many arguments the option at argument i takes; 0 for STREAMS, the last one; -1 for none. */
function optionLength(args: Args, i: number): number {
  const more = args.argc - 1 - i;
  if (args.is(i, 'NOACK')) return 1;
  if (more > 1 && args.is(i, 'GROUP')) return 3;
  if (more > 0 && args.is(i, 'STREAMS')) return 0;
  const takesValue = args.is(i, 'BLOCK') || args.is(i, 'COUNT') || args.is(i, 'CLAIM');
  return more > 0 && takesValue ? 2 : -1;
}

/** The argument behind STREAMS, where the keys begin, 0 when the options before it are wrong. */
export function firstKeyOf(args: Args): number {
  for (let i = 1; i < args.argc; ) {
    const length = optionLength(args, i);
    if (length < 0) return 0;
    if (length === 0) return i + 1;
    i += length;
  }
  return 0;
}

/** Reads the options, up to the keys. Throws what Redis answers. */
export function readOptions(ctx: Context, args: Args, inGroup: boolean): ReadOptions {
  reset();
  for (let i = 1; i < args.argc; ) {
    const length = optionLength(args, i);
    if (length < 0) throw errors.syntax;
    if (length === 0) {
      options.firstKey = i + 1;
      break;
    }
    readOption(ctx, args, i, inGroup);
    i += length;
  }
  if (options.firstKey === 0) throw errors.syntax;
  options.streams = (args.argc - options.firstKey) / 2;
  if (!Number.isInteger(options.streams)) throw unbalanced;
  if (inGroup && options.group === 0) throw missingGroup;
  return options;
}

/** Reads an option of which all arguments are there. */
function readOption(ctx: Context, args: Args, i: number, inGroup: boolean): void {
  if (args.is(i, 'BLOCK')) {
    if (ctx.isInScript) throw blockInScript(args);
    options.untilMs = blockArgument(args, i + 1, ctx.nowMs);
  } else if (args.is(i, 'COUNT')) options.count = countOption(args, i + 1);
  else if (args.is(i, 'GROUP')) {
    if (!inGroup) throw groupWithoutXreadgroup;
    options.group = i + 1;
  } else if (args.is(i, 'CLAIM')) {
    if (!inGroup) throw claimWithoutXreadgroup;
    options.minIdleMs = idleArgument(args, i + 1);
  } else {
    if (!inGroup) throw noackWithoutXreadgroup;
    options.noAck = true;
  }
}
