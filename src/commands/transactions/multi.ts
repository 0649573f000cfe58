/**
 * Transactions: MULTI, EXEC, DISCARD. Queueing itself is the executor's.
 * Source: redis-server 7.0.15 (multi.c).
 */
import type { Reply } from '../../resp/reply.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import type { QueuePort } from '../ports/session.ts';
import { command } from '../spec.ts';

const nested = new CommandError('ERR MULTI calls can not be nested');
const execWithoutMulti = new CommandError('ERR EXEC without MULTI');
const discardWithoutMulti = new CommandError('ERR DISCARD without MULTI');
const aborted = new CommandError('EXECABORT Transaction discarded because of previous errors.');

const common = {
  group: 'transactions',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy', 'immediate'],
} as const;

/** MULTI */
export const multi = command({
  ...common,
  name: 'multi',
  since: '1.2.0',
  summary: 'Begins a transaction: the commands that follow are queued.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    const { transaction } = ctx.session;
    if (transaction.isOpen) throw nested;
    transaction.begin();
    reply.ok();
  },
});

/** EXEC */
export const exec = command({
  ...common,
  name: 'exec',
  since: '1.2.0',
  summary: 'Runs all queued commands with nothing in between.',
  complexity: 'Depends on commands in the transaction',
  flags: ['noscript', 'loading', 'stale', 'skip_slowlog', 'immediate', 'ends_multi', 'commits'],

  run(ctx, _args, reply) {
    const { transaction } = ctx.session;
    const { dbs, changes } = ctx.keyspace;
    const { watches } = changes;
    if (!transaction.isOpen) throw execWithoutMulti;
    const touched = transaction.broken || watches.hasExpired(transaction, dbs);
    const refused = transaction.isRefused;
    const queue = end(ctx);
    if (refused) throw aborted;
    if (touched) {
      reply.nullArray();
      return;
    }
    reply.array(queue?.length ?? 0);
    if (queue === undefined) return;
    ctx.beginCalls();
    transaction.running = queue.length;
    // The queued commands put their effects into the journal.
    ctx.noEffect();
    runFrom(ctx, queue, 0, reply);
  },
});

/** Runs the queue from command i on. False when a script in it is not finished. */
function runFrom(ctx: Context, queue: QueuePort, from: number, reply: Reply): boolean {
  for (let i = from; i < queue.length; i++) {
    const args = queue.read(i);
    ctx.call(queue.command, args, reply);
    if (ctx.suspendedIn(() => runFrom(ctx, queue, i + 1, reply))) return false;
  }
  const { transaction } = ctx.session;
  transaction.running = 0;
  transaction.release(queue);
  return true;
}

/** DISCARD */
export const discard = command({
  ...common,
  name: 'discard',
  flags: [...common.flags, 'ends_multi'],
  since: '2.0.0',
  summary: 'Gives up the transaction and what is queued and watched for it.',
  complexity: 'O(N), when N is the number of queued commands',

  run(ctx, _args, reply) {
    if (!ctx.session.transaction.isOpen) throw discardWithoutMulti;
    end(ctx);
    reply.ok();
  },
});

/** Ends the session's transaction with its watches; returns what was queued. */
function end(ctx: Context) {
  ctx.keyspace.changes.watches.forget(ctx.session.transaction);
  return ctx.session.transaction.end();
}
