/**
 * REPLICAOF and its older name: whom this server follows.
 */
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';

const invalidPort = new CommandError('ERR Invalid master port');
const notForReplicas = new CommandError('ERR Command is not valid when client is a replica.');
const failingOver = new CommandError('ERR REPLICAOF not allowed while failing over.');
const PORT_MAX = 65535;

const shared = {
  arity: 3,
  group: 'server',
  summary: 'Makes the server a replica of another one, or a master.',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
  syntax: '<host port:integer | NO ONE>',
} as const;

/** REPLICAOF <host port | NO ONE> */
export const replicaof = command({
  ...shared,
  name: 'replicaof',
  since: '5.0.0',

  run(ctx, args, reply) {
    reply.simple(change(ctx, args));
  },
});

/** SLAVEOF <host port | NO ONE> */
export const slaveof = command({
  ...shared,
  name: 'slaveof',
  since: '1.0.0',
  deprecated: { since: '5.0.0', replacedBy: '`REPLICAOF`' },

  run(ctx, args, reply) {
    reply.simple(change(ctx, args));
  },
});

/** Changes the role; the text of the reply. Throws CommandError. */
function change(ctx: Context, args: Args): string {
  const { replica, replication, logger } = ctx.server;
  if (replication.failover.isRunning) throw failingOver;
  if (args.is(1, 'NO') && args.is(2, 'ONE')) {
    if (replica.master === undefined) return 'OK';
    replica.promote();
    logger.write('notice', `MASTER MODE enabled (user request from '${ctx.session.address}')`);
    return 'OK';
  }
  if (ctx.session.type === 'replica') throw notForReplicas;
  const port = intArgument(args, 2, invalidPort);
  if (port < 0 || port > PORT_MAX) throw invalidPort;
  const host = args.latin1(1);
  if (replica.follows(host, port)) {
    logger.write('notice', 'REPLICAOF names the master that is followed already: nothing done.');
    return 'OK Already connected to specified master';
  }
  replica.follow(host, port);
  const who = `(user request from '${ctx.session.address}')`;
  logger.write('notice', `REPLICAOF ${host}:${port} enabled ${who}`);
  return 'OK';
}
