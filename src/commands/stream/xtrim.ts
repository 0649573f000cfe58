/**
 * Removing the oldest entries of a stream: XTRIM.
 */
import { command, keyAt } from '../spec.ts';
import { noteOptions, trimOptions } from './trim-options.ts';

/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED] */
export const xtrim = command({
  name: 'xtrim',
  arity: -4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Removes the oldest entries of a stream and returns how many.',
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
