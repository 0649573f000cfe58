/**
 * Snapshots and the append-only file: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE.
 */
import { errors } from '../../util/errors.ts';
import { command } from '../spec.ts';

/** SAVE */
export const save = command({
  name: 'save',
  arity: 1,
  group: 'server',
  since: '1.0.0',
  summary: 'Saves the data to disk before it replies; nothing else runs meanwhile.',
  complexity: 'O(N) where N is the total number of keys in all databases',
  flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],

  run(ctx, _args, reply) {
    ctx.server.persistence.save();
    reply.ok();
  },
});

/** BGSAVE [SCHEDULE] */
export const bgsave = command({
  name: 'bgsave',
  arity: -1,
  group: 'server',
  since: '1.0.0',
  summary: 'Saves the data of this moment to disk in the background.',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'no_async_loading'],
  syntax: '[SCHEDULE]',

  run(ctx, args, reply) {
    const schedule = args.argc > 1;
    if (args.argc > 2 || (schedule && !args.is(1, 'SCHEDULE'))) throw errors.syntax;
    const done = ctx.server.persistence.bgsave(schedule, ctx.depth > 0);
    reply.simple(`Background saving ${done}`);
  },
});

/** BGREWRITEAOF */
export const bgrewriteaof = command({
  name: 'bgrewriteaof',
  arity: 1,
  group: 'server',
  since: '1.0.0',
  summary: 'Writes the append-only file anew, as short as it can be, in the background.',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'no_async_loading'],

  run(ctx, _args, reply) {
    const done = ctx.server.persistence.bgrewriteaof(ctx.depth > 0);
    reply.simple(`Background append only file rewriting ${done}`);
  },
});

/** LASTSAVE */
export const lastsave = command({
  name: 'lastsave',
  arity: 1,
  group: 'server',
  since: '1.0.0',
  summary: 'Returns the Unix time of the last successful save.',
  complexity: 'O(1)',
  flags: ['loading', 'stale', 'fast'],
  categories: ['admin', 'dangerous'],
  tips: ['nondeterministic_output'],

  run(ctx, _args, reply) {
    reply.int(ctx.server.persistence.lastSaveSeconds);
  },
});
