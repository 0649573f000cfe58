/**
 * Giving pending entries back to their group: XNACK. Its options are read by hand: how many values
 * follow IDS is said by the first of them.
 */
import type { GroupRef, StreamGroups } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { INT64_MAX, type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { noGroup, openGroup } from './group-arguments.ts';
import { idArgument } from './ids.ts';
import { type IdBlock, readIdBlock } from './references.ts';

const badMode = new CommandError('ERR mode must be SILENT, FAIL, or FATAL');
const badCount = new CommandError('ERR numids must be a positive integer');
const tooFewIds = new CommandError("ERR number of IDs doesn't match numids");
const noIds = new CommandError('ERR syntax error, expected IDS keyword');
const negativeRetryCount = new CommandError('ERR Invalid RETRYCOUNT value, must be >= 0');

const id = new StreamId();

class NackOptions {
  /** What becomes of the number of deliveries: one less, nothing, the largest there is. */
  mode: 'silent' | 'fail' | 'fatal' = 'fail';
  /** The number of deliveries to set instead, or -1. */
  retryCount: Int64 = -1;
  force = false;
  ids: IdBlock = { from: 0, end: 0 };
}

function readMode(args: Args): NackOptions['mode'] {
  if (args.is(3, 'SILENT')) return 'silent';
  if (args.is(3, 'FAIL')) return 'fail';
  if (args.is(3, 'FATAL')) return 'fatal';
  throw badMode;
}

function nackOptions(args: Args): NackOptions {
  const options = new NackOptions();
  options.mode = readMode(args);
  for (let i = 4; i < args.argc; i++) {
    const more = i + 1 < args.argc;
    if (more && args.is(i, 'IDS')) {
      options.ids = readIdBlock(args, i + 1, badCount, tooFewIds);
      const { from, end } = options.ids;
      for (let k = from; k < end; k++) idArgument(args, k, id);
      i = end - 1;
    } else if (more && args.is(i, 'RETRYCOUNT')) {
      options.retryCount = int64Argument(args, ++i);
      if (options.retryCount < 0) throw negativeRetryCount;
    } else if (args.is(i, 'FORCE')) options.force = true;
    else throw new CommandError(`ERR Unrecognized XNACK option '${args.cString(i)}'`);
  }
  if (options.ids.end === 0) throw noIds;
  return options;
}

/** Deliveries of an entry that had `count` of them. */
function deliveriesAfter({ mode, retryCount }: NackOptions, count: Int64): Int64 {
  if (retryCount >= 0) return retryCount;
  if (mode === 'fatal') return INT64_MAX;
  if (mode === 'fail' || count === 0) return count;
  return typeof count === 'number' ? count - 1 : count - 1n;
}

/** Releases the entry with an id. Returns whether it is pending, which FORCE can bring about. */
function release(
  ctx: Context,
  groups: StreamGroups,
  group: GroupRef,
  id: StreamId,
  options: NackOptions,
): boolean {
  const entry = groups.findPending(group, id);
  if (entry !== 0) {
    groups.release(group, entry, deliveriesAfter(options, groups.pending.deliveries(entry)));
    return true;
  }
  if (!options.force || !ctx.keyspace.streams.has(id)) return false;
  groups.addReleased(group, id, deliveriesAfter(options, 0));
  return true;
}

/** XNACK key group SILENT | FAIL | FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE] */
export const xnack = command({
  name: 'xnack',
  arity: -7,
  group: 'stream',
  since: '8.8.0',
  summary: "Gives pending entries back: they are no consumer's and the next ones to be claimed.",
  complexity: 'O(M log N) where M is the number of ids and N that of pending entries.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax:
    'key group <SILENT | FAIL | FATAL> IDS numids:integer id [id ...] ' +
    '[RETRYCOUNT count:integer] [FORCE]',

  run(ctx, args, reply) {
    const group = openGroup(ctx, args);
    if (group === 0) throw noGroup(args, 1, 2);
    const options = nackOptions(args);
    const { groups } = ctx.keyspace.streams;
    let released = 0;
    for (let i = options.ids.from; i < options.ids.end; i++) {
      idArgument(args, i, id);
      if (release(ctx, groups, group, id, options)) released++;
    }
    if (released > 0) {
      // No event, as for XACK and XCLAIM; but who waits with CLAIM can have the entries now.
      ctx.changedMetadata(NO_EVENT, args, 1, released);
    }
    reply.int(released);
  },
});
