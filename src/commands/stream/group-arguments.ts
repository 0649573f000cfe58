/**
 * Groups and consumers as arguments: finding them, and the errors for those that are missing.
 */
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';

/** Opens the stream at argument 1 and finds the group that is argument 2; 0 when one is missing. */
export function openGroup(ctx: Context, args: Args): GroupRef {
  const { streams } = ctx.keyspace;
  if (ctx.db.readValue(args, 1, streams) === 0) return 0;
  return streams.groups.find(args.buf, args.off[2]!, args.len[2]!);
}

/**
 * The consumer whose name is argument i, made when missing: it was seen now. The stream at argument
 * `key` is open.
 */
export function consumerForUse(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  i: number,
): GroupRef {
  const { groups } = ctx.keyspace.streams;
  const { buf } = args;
  const off = args.off[i]!;
  const len = args.len[i]!;
  const found = groups.findConsumer(group, buf, off, len);
  if (found !== 0) {
    groups.setSeen(found, ctx.nowMs);
    return found;
  }
  const made = groups.createConsumer(group, buf, off, len, ctx.nowMs);
  ctx.changedMetadata('xgroup-createconsumer', args, key);
  return made;
}

/** `NOGROUP No such key '<key>' or consumer group '<group>'<suffix>`. */
export function noGroup(args: Args, key: number, group: number, suffix = ''): CommandError {
  const words = `'${args.cString(key)}' or consumer group '${args.cString(group)}'`;
  return new CommandError(`NOGROUP No such key ${words}${suffix}`);
}

/** `NOGROUP No such consumer group '<argument 3>' for key name '<argument 2>'`. */
export function noGroupOfKey(args: Args): CommandError {
  return new CommandError(
    `NOGROUP No such consumer group '${args.cString(3)}' for key name '${args.cString(2)}'`,
  );
}
