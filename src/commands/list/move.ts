/**
 * From one list to another: LMOVE, RPOPLPUSH and the blocking BLMOVE, BRPOPLPUSH.
 */
import type { Reply } from '../../resp/reply.ts';
import { type Args, sameArgument } from '../../util/args.ts';
import { timeoutArgument } from '../blocking.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { endArgument, listForWriting } from './list-value.ts';

/** What ends a bulk string. */
const CRLF_BYTES = 2;
const keys = [keyAt(1, 'RW', 'access', 'delete'), keyAt(2, 'RW', 'insert')];

/**
 * Moves one element from list 1 to list 2; false when list 1 is missing. Throws WRONGTYPE. It is
 * put there before it is taken away: where there is no room, it stays where it is.
 */
function moveElement(
  ctx: Context,
  args: Args,
  fromTail: boolean,
  toTail: boolean,
  reply: Reply,
): boolean {
  const { db, keyspace } = ctx;
  const { lists, otherLists } = keyspace;
  const entry = ctx.openAwaited(args, 1, lists);
  if (entry === 0) return false;
  const target = sameArgument(args, 1, 2) ? lists : otherLists;
  db.writeValue(args, 2, target);
  lists.readEnd(fromTail);
  const { buf, off, len } = lists.element;
  reply.bulk(buf, off, len);
  listForWriting(ctx, target, args, 2);
  // What was replied is the copy: the list may move what it holds.
  target.push(toTail, reply.buf, reply.pos - CRLF_BYTES - len, len);
  // Where both ends are the same one of the same list, this takes the copy, which is as good.
  lists.removeEnd(fromTail);
  ctx.changed(toTail ? 'rpush' : 'lpush', args, 2, 0);
  ctx.changedValue(fromTail ? 'rpop' : 'lpop', entry, lists, args, 1, 1);
  return true;
}

function blockingMove(
  ctx: Context,
  args: Args,
  fromTail: boolean,
  toTail: boolean,
  timeoutAt: number,
  reply: Reply,
): void {
  const untilMs = timeoutArgument(args, timeoutAt, ctx.nowMs);
  if (moveElement(ctx, args, fromTail, toTail, reply)) {
    const line = ctx.instead(timeoutAt === 3 ? 'RPOPLPUSH' : 'LMOVE')?.argumentsFrom(args, 1, 3);
    // As redis-server 7.0.15, which writes the ends anew when the client had to wait.
    if (timeoutAt === 3) return;
    if (!ctx.retrying) line?.argumentsFrom(args, 3, 5);
    else line?.text(fromTail ? 'right' : 'left').text(toTail ? 'right' : 'left');
    return;
  }
  ctx.block(
    {
      args,
      keys: [args.latin1(1)],
      type: ctx.keyspace.lists.type,
      untilMs,
      onTimeout: (r) => r.nullArray(),
      onDenied: (r) => r.null(),
    },
    reply,
  );
}

/** LMOVE source destination LEFT | RIGHT LEFT | RIGHT */
export const lmove = command({
  name: 'lmove',
  arity: 5,
  group: 'list',
  since: '6.2.0',
  summary: 'Moves an element from an end of one list to an end of another and returns it.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys,
  syntax: 'source:key destination:key <LEFT | RIGHT> <LEFT | RIGHT>',

  run(ctx, args, reply) {
    const fromTail = endArgument(args, 3);
    const toTail = endArgument(args, 4);
    if (!moveElement(ctx, args, fromTail, toTail, reply)) reply.null();
  },
});

/** RPOPLPUSH source destination */
export const rpoplpush = command({
  name: 'rpoplpush',
  arity: 3,
  group: 'list',
  since: '1.2.0',
  summary: 'Moves the last element of one list before the first one of another and returns it.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys,
  deprecated: { since: '6.2.0', replacedBy: '`LMOVE` with the `RIGHT` and `LEFT` arguments' },
  syntax: 'source:key destination:key',

  run(ctx, args, reply) {
    if (!moveElement(ctx, args, true, false, reply)) reply.null();
  },
});

/** BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout */
export const blmove = command({
  name: 'blmove',
  arity: 6,
  group: 'list',
  since: '6.2.0',
  summary: 'As LMOVE; waits until the source has an element.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'noscript', 'blocking'],
  keys,
  syntax: 'source:key destination:key <LEFT | RIGHT> <LEFT | RIGHT> timeout:double',

  run(ctx, args, reply) {
    const fromTail = endArgument(args, 3);
    const toTail = endArgument(args, 4);
    blockingMove(ctx, args, fromTail, toTail, 5, reply);
  },
});

/** BRPOPLPUSH source destination timeout */
export const brpoplpush = command({
  name: 'brpoplpush',
  arity: 4,
  group: 'list',
  since: '2.2.0',
  summary: 'As RPOPLPUSH; waits until the source has an element.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'noscript', 'blocking'],
  keys,
  deprecated: { since: '6.2.0', replacedBy: '`BLMOVE` with the `RIGHT` and `LEFT` arguments' },
  syntax: 'source:key destination:key timeout:double',
  run: (ctx, args, reply) => blockingMove(ctx, args, true, false, 3, reply),
});
