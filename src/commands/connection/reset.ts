/**
 * RESET, after which a connection is as it was at its beginning, and QUIT, which ends it.
 */
import { command } from '../spec.ts';

/** RESET */
export const reset = command({
  name: 'reset',
  arity: 1,
  group: 'connection',
  since: '6.2.0',
  summary: 'Brings the connection back to the state it had when it was opened.',
  complexity: 'O(1)',
  flags: [
    'noscript',
    'loading',
    'stale',
    'fast',
    'no_auth',
    'allow_busy',
    'immediate',
    'ends_multi',
    'subscriber',
  ],

  run(ctx, _args, reply) {
    ctx.keyspace.changes.watches.forget(ctx.session.transaction);
    ctx.server.pubsub.forget(ctx.session);
    ctx.server.tracking.disable(ctx.session);
    ctx.server.monitors.remove(ctx.session);
    ctx.session.reset();
    ctx.server.acl.logout(ctx.session);
    reply.version = 2;
    reply.simple('RESET');
  },
});

/** QUIT */
export const quit = command({
  name: 'quit',
  arity: -1,
  group: 'connection',
  since: '1.0.0',
  summary: 'Ends the connection once its replies are sent.',
  complexity: 'O(1)',
  flags: [
    'noscript',
    'loading',
    'stale',
    'fast',
    'no_auth',
    'allow_busy',
    'immediate',
    'ends_multi',
    'subscriber',
  ],
  deprecated: { since: '7.2.0', replacedBy: 'just closing the connection' },

  run(ctx, _args, reply) {
    reply.ok();
    ctx.session.closeAfterReply();
  },
});
