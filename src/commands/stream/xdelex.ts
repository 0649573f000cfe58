/**
 * Removing entries depending on what groups still need: XDELEX, XACKDEL. Their options are read
 * by hand: how many values follow IDS is said by the first of them.
 */
import type { References } from '../../datatypes/stream.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { dropReferences, isReferenced } from '../../datatypes/stream-references.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { idArgument } from './ids.ts';
import { type IdBlock, readIdBlock, readReferences } from './references.ts';

const badCount = new CommandError('ERR Number of IDs must be a positive integer');
const tooFewIds = new CommandError('ERR The `numids` parameter must match the number of arguments');

/** What became of an id. */
const NOT_FOUND = -1;
const DELETED = 1;
const STILL_WANTED = 2;

const id = new StreamId();

interface DeleteOptions {
  readonly references: References;
  readonly ids: IdBlock;
}

/**
 * Reads [KEEPREF | DELREF | ACKED] and IDS numids id [id ...], in any order, from an argument on.
 */
function deleteOptions(args: Args, first: number): DeleteOptions {
  let references: References | undefined;
  let ids: IdBlock | undefined;
  for (let i = first; i < args.argc; i++) {
    const found = readReferences(args, i);
    if (found !== undefined && references === undefined) references = found;
    else if (ids === undefined && i + 1 < args.argc && args.is(i, 'IDS')) {
      ids = readIdBlock(args, i + 1, badCount, tooFewIds);
      i = ids.end - 1;
    } else throw errors.syntax;
  }
  if (ids === undefined) throw errors.syntax;
  return { references: references ?? 'keep', ids };
}

/** Replies that no id was found. As in Redis the ids need not even be ids then. */
function replyNothingFound(reply: Reply, { from, end }: IdBlock): void {
  reply.array(end - from);
  for (let i = from; i < end; i++) reply.int(NOT_FOUND);
}

/** Deletes the entry with an id if its references allow it. */
function deleteEntry(ctx: Context, id: StreamId, references: References): number {
  const { streams } = ctx.keyspace;
  const { groups } = streams;
  if (references === 'drop') ctx.wrote(dropReferences(groups, id, id));
  if (references === 'acked' && streams.has(id)) {
    // Without a group nobody has acknowledged anything, as the documentation of XDELEX says.
    if (groups.size === 0 || isReferenced(groups, id)) return STILL_WANTED;
  }
  return streams.delete(id) ? DELETED : NOT_FOUND;
}

/** Applies `remove` to each id and replies with what became of them. */
function removeAll(
  ctx: Context,
  args: Args,
  { from, end }: IdBlock,
  reply: Reply,
  remove: (id: StreamId) => number,
): void {
  const { streams } = ctx.keyspace;
  for (let i = from; i < end; i++) idArgument(args, i, id);
  const before = streams.size;
  reply.array(end - from);
  for (let i = from; i < end; i++) {
    idArgument(args, i, id);
    reply.int(remove(id));
  }
  const removed = before - streams.size;
  if (removed === 0) return;
  ctx.changed('xdel', args, 1, removed);
}

/** XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...] */
export const xdelex = command({
  name: 'xdelex',
  arity: -5,
  group: 'stream',
  since: '8.2.0',
  summary: 'Removes entries by id, if asked with what groups have of them, or if none wants them.',
  complexity: 'O(N) where N is the number of ids.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  syntax: 'key [KEEPREF | DELREF | ACKED] IDS numids:integer id [id ...]',

  run(ctx, args, reply) {
    const { streams } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, streams);
    const { references, ids } = deleteOptions(args, 2);
    if (entry === 0) replyNothingFound(reply, ids);
    else removeAll(ctx, args, ids, reply, (each) => deleteEntry(ctx, each, references));
  },
});

/** XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...] */
export const xackdel = command({
  name: 'xackdel',
  arity: -6,
  group: 'stream',
  since: '8.2.0',
  summary: 'Acknowledges entries and removes them, or those of them that no group wants any more.',
  complexity: 'O(N) where N is the number of ids.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update', 'delete')],
  syntax: 'key group [KEEPREF | DELREF | ACKED] IDS numids:integer id [id ...]',

  run(ctx, args, reply) {
    const { streams } = ctx.keyspace;
    const { groups } = streams;
    const entry = ctx.db.writeValue(args, 1, streams);
    const { references, ids } = deleteOptions(args, 3);
    const group = entry === 0 ? 0 : groups.find(args.buf, args.off[2]!, args.len[2]!);
    if (group === 0) {
      replyNothingFound(reply, ids);
      return;
    }
    removeAll(ctx, args, ids, reply, (each) => {
      const pending = groups.findPending(group, each);
      if (pending === 0) {
        // Not this group's to delete; but DELREF clears what is left of entries that are gone.
        if (references === 'drop' && !streams.has(each)) deleteEntry(ctx, each, references);
        return NOT_FOUND;
      }
      groups.removePending(group, pending);
      ctx.wrote();
      return deleteEntry(ctx, each, references) === STILL_WANTED ? STILL_WANTED : DELETED;
    });
  },
});
