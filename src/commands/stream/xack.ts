/**
 * Acknowledging entries: XACK.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import { command, keyAt } from '../spec.ts';
import { openGroup } from './group-arguments.ts';
import { idArgument } from './ids.ts';

const id = new StreamId();

/** XACK key group id [id ...] */
export const xack = command({
  name: 'xack',
  arity: -4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Acknowledges entries: they are pending no more. Returns how many were.',
  complexity: 'O(M log N) where M is the number of ids and N that of pending entries.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: 'key group id [id ...]',

  run(ctx, args, reply) {
    const group = openGroup(ctx, args);
    if (group === 0) {
      reply.int(0);
      return;
    }
    // All are read before the first one is acknowledged: 4 words each.
    const halves = new Int32Array(4 * (args.argc - 3));
    for (let i = 3, at = 0; i < args.argc; i++, at += 4) {
      idArgument(args, i, id);
      halves[at] = id.msHigh;
      halves[at + 1] = id.msLow;
      halves[at + 2] = id.seqHigh;
      halves[at + 3] = id.seqLow;
    }
    const { groups } = ctx.keyspace.streams;
    let acknowledged = 0;
    for (let at = 0; at < halves.length; at += 4) {
      id.setHalves(halves[at]!, halves[at + 1]!, halves[at + 2]!, halves[at + 3]!);
      const entry = groups.findPending(group, id);
      if (entry === 0) continue;
      groups.removePending(group, entry);
      acknowledged++;
    }
    ctx.wrote(acknowledged);
    reply.int(acknowledged);
  },
});
