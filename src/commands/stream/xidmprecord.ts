/**
 * Recording an entry's producer, as the journal does: XIDMPRECORD.
 * Source: documentation of XIDMPRECORD (Redis 8.8).
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Text } from '../../datatypes/value.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { command, keyAt } from '../spec.ts';
import { idArgument } from './ids.ts';

const noProducer = new CommandError('ERR XIDMPRECORD requires a non-empty producer ID');
const noGivenId = new CommandError('ERR XIDMPRECORD requires a non-empty idempotent ID');
const noEntry = new CommandError('ERR No such message ID in the stream');
const otherEntry = new CommandError(
  'ERR The idempotent ID is already associated with another message ID',
);

const id = new StreamId();
const known = new StreamId();

function text(args: Args, i: number): Text {
  return { buf: args.buf, off: args.off[i]!, len: args.len[i]! };
}

/** XIDMPRECORD key producer-id idempotent-id stream-id */
export const xidmprecord = command({
  name: 'xidmprecord',
  arity: 5,
  group: 'stream',
  since: '8.8.0',
  summary: 'Notes who added an entry that is there; what XADD IDMP becomes in files and replicas.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: 'key pid:string iid:string stream-id:string',

  run(ctx, args, reply) {
    if (args.len[2] === 0) throw noProducer;
    if (args.len[3] === 0) throw noGivenId;
    idArgument(args, 4, id);
    const { streams } = ctx.keyspace;
    if (ctx.db.writeValue(args, 1, streams) === 0) throw errors.noSuchKey;
    const { producers } = streams;
    const producer = text(args, 2);
    const given = text(args, 3);
    const isKnown = producers.find(producer, given, known, ctx.nowMs);
    if (isKnown && known.compare(id) === 0) {
      reply.ok();
      return;
    }
    // An effect holds whatever is here: the entry may be trimmed by now, and clocks may differ.
    if (isKnown) {
      if (!ctx.session.appliesEffects) throw otherEntry;
      producers.forget(producer, given);
    } else if (!ctx.session.appliesEffects && !streams.has(id)) throw noEntry;
    producers.note(producer, given, id, ctx.nowMs);
    ctx.changedMetadata('', args, 1);
    reply.ok();
  },
});
