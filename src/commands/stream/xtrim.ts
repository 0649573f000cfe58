/**
 * Removing entries and setting what a stream knows of itself: XDEL, XTRIM, XSETID.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { idArgument } from './ids.ts';
import { noteOptions, trimOptions } from './trim-options.ts';

const negativeAdded = new CommandError('ERR entries_added must be positive');
const belowGivenDeleted = new CommandError(
  'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
);
const belowTop = new CommandError(
  'ERR The ID specified in XSETID is smaller than the target stream top item',
);
const belowLength = new CommandError(
  'ERR The entries_added specified in XSETID is smaller than the target stream length',
);

const id = new StreamId();
const other = new StreamId();

/** XDEL key id [id ...] */
export const xdel = command({
  name: 'xdel',
  arity: -3,
  group: 'stream',
  since: '5.0.0',
  summary: 'Removes entries by id and answers how many there were.',
  complexity: 'O(N) where N is the number of ids.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  syntax: 'key id [id ...]',

  run(ctx, args, reply) {
    const { streams } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, streams);
    if (entry === 0) {
      reply.int(0);
      return;
    }
    for (let i = 2; i < args.argc; i++) idArgument(args, i, id);
    let removed = 0;
    for (let i = 2; i < args.argc; i++) {
      idArgument(args, i, id);
      if (streams.delete(id)) removed++;
    }
    if (removed > 0) {
      ctx.changed('xdel', args, 1, removed);
    }
    reply.int(removed);
  },
});

/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED] */
export const xtrim = command({
  name: 'xtrim',
  arity: -4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Removes the oldest entries of a stream and answers how many.',
  complexity: 'O(N) where N is the number of entries removed.',
  flags: ['write'],
  keys: [keyAt(1, 'RW', 'delete')],
  tips: ['nondeterministic_output'],
  syntax: 'key <MAXLEN | MINID> [= | ~] threshold [LIMIT count:integer] [KEEPREF | DELREF | ACKED]',

  run(ctx, args, reply) {
    const options = trimOptions(ctx, args);
    const { streams } = ctx.keyspace;
    if (ctx.db.writeValue(args, 1, streams) === 0) {
      reply.int(0);
      return;
    }
    const removed = streams.trim(options);
    if (removed > 0) {
      ctx.changed('xtrim', args, 1, removed);
      const line = options.approximate ? ctx.instead('XTRIM') : undefined;
      if (line !== undefined) noteOptions(line, args, args.argc, streams);
    }
    reply.int(removed);
  },
});

interface SetIdOptions {
  readonly added: Int64 | undefined;
  /** Whether `other` is the largest deleted id to set. */
  readonly deleted: boolean;
}

function setIdOptions(args: Args): SetIdOptions {
  let added: Int64 | undefined;
  let deleted = false;
  other.setMin();
  for (let i = 3; i < args.argc; i += 2) {
    if (i + 1 === args.argc) throw errors.syntax;
    if (args.is(i, 'ENTRIESADDED')) {
      added = int64Argument(args, i + 1);
      if (added < 0) throw negativeAdded;
    } else if (args.is(i, 'MAXDELETEDID')) {
      idArgument(args, i + 1, other);
      if (id.compare(other) < 0) throw belowGivenDeleted;
      deleted = !other.isZero;
    } else throw errors.syntax;
  }
  return { added, deleted };
}

/** XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id] */
export const xsetid = command({
  name: 'xsetid',
  arity: -3,
  group: 'stream',
  since: '5.0.0',
  summary: 'Sets the last id of a stream and, if asked, its other marks.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: 'key last-id [ENTRIESADDED entries-added:integer] [MAXDELETEDID max-deleted-id]',

  run(ctx, args, reply) {
    idArgument(args, 2, id);
    const { added, deleted } = setIdOptions(args);
    const { streams } = ctx.keyspace;
    if (ctx.db.writeValue(args, 1, streams) === 0) throw errors.noSuchKey;
    const mark = new StreamId();
    if (streams.size > 0) {
      streams.readEdge(true, mark);
      if (id.compare(mark) < 0) throw belowTop;
      if (added !== undefined && streams.size > added) throw belowLength;
    }
    streams.setLastId(id);
    if (added !== undefined) streams.entriesAdded = added;
    if (deleted) streams.setMaxDeletedId(other);
    ctx.changedMetadata('xsetid', args, 1);
    reply.ok();
  },
});
