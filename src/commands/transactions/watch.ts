/**
 * Keys that a transaction depends on: WATCH, UNWATCH.
 * Source: redis-server 7.0.15 (multi.c).
 */
import { WATCH_BYTES } from '../../keyspace/watches.ts';
import { CommandError } from '../../util/errors.ts';
import { heapGuard } from '../../util/heap-guard.ts';
import { command, keyRange } from '../spec.ts';

const watchInside = new CommandError('ERR WATCH inside MULTI is not allowed');

/** WATCH key [key ...] */
export const watch = command({
  name: 'watch',
  group: 'transactions',
  arity: -2,
  since: '2.2.0',
  summary: 'Lets the next EXEC run only if the keys do not change until then.',
  complexity: 'O(1) for every key.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy', 'immediate'],
  keys: [keyRange(1, -1, 1, 'RO')],
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    const { transaction } = ctx.session;
    if (transaction.isOpen) throw watchInside;
    // What is bound to fail needs no further watching.
    if (!transaction.broken) {
      heapGuard.require((args.argc - 1) * WATCH_BYTES + args.byteLength);
      for (let i = 1; i < args.argc; i++) {
        ctx.keyspace.changes.watches.add(transaction, ctx.db, args.latin1(i));
      }
    }
    reply.ok();
  },
});

/** UNWATCH */
export const unwatch = command({
  name: 'unwatch',
  group: 'transactions',
  arity: 1,
  since: '2.2.0',
  summary: 'Forgets all keys that are watched.',
  complexity: 'O(1)',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],

  run(ctx, _args, reply) {
    const { transaction } = ctx.session;
    ctx.keyspace.changes.watches.forget(transaction);
    transaction.broken = false;
    reply.ok();
  },
});
