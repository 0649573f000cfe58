/**
 * Setting a stream's last id and counters: XSETID.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { grammar } from '../grammar.ts';
import { type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { idArgument } from './ids.ts';

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

const options = grammar('[ENTRIESADDED entries-added:integer] [MAXDELETEDID max-deleted-id]');
const ENTRIESADDED = options.word('ENTRIESADDED');

interface SetIdOptions {
  readonly added: Int64 | undefined;
  /** Whether `other` is the largest deleted id to set. */
  readonly deleted: boolean;
}

function setIdOptions(args: Args): SetIdOptions {
  let added: Int64 | undefined;
  let deleted = false;
  other.setMin();
  options.begin();
  for (let i = 3; i < args.argc; ) {
    i = options.next(args, i);
    if (options.last === ENTRIESADDED) {
      added = int64Argument(args, i - 1);
      if (added < 0) throw negativeAdded;
    } else {
      idArgument(args, i - 1, other);
      if (id.compare(other) < 0) throw belowGivenDeleted;
      deleted = !other.isZero;
    }
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
  syntax: `key last-id ${options.line}`,

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
