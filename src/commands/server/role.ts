/**
 * ROLE and FAILOVER: the server's part in replication, and its change by plan. FAILOVER's options
 * come in any order and are read by hand, each once.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { intArgument } from '../integers.ts';
import type { FailoverRequest } from '../ports/replication.ts';
import { command } from '../spec.ts';

const notPositive = new CommandError('ERR FAILOVER timeout must be greater than 0');

/** ROLE */
export const role = command({
  name: 'role',
  arity: 1,
  group: 'server',
  since: '2.8.12',
  summary: 'Returns the part that the server plays in replication.',
  complexity: 'O(1)',
  flags: ['noscript', 'loading', 'stale', 'fast'],
  categories: ['admin', 'dangerous'],

  run(ctx, _args, reply) {
    const { replica, replication } = ctx.server;
    if (replica.master !== undefined) {
      reply.array(5);
      reply.bulkLatin1('slave');
      reply.bulkLatin1(replica.master.host);
      reply.int(replica.master.port);
      reply.bulkLatin1(replica.state);
      reply.int(replica.appliedOffset);
      return;
    }
    const online = replication.replicas.online();
    reply.array(3);
    reply.bulkLatin1('master');
    reply.int(replication.offset);
    reply.array(online.length);
    for (const { host, port, offset } of online) {
      reply.array(3);
      reply.bulkLatin1(host);
      reply.bulkLatin1(String(port));
      reply.bulkLatin1(String(offset));
    }
  },
});

/** What FAILOVER is to do; undefined: to give up the one under way. */
function failoverRequest(args: Args): FailoverRequest | undefined {
  let timeoutMs: number | undefined;
  let target: FailoverRequest['target'];
  let force = false;
  let abort = false;
  for (let i = 1; i < args.argc; i++) {
    if (args.is(i, 'TIMEOUT') && i + 1 < args.argc && timeoutMs === undefined) {
      timeoutMs = intArgument(args, ++i);
      if (timeoutMs <= 0) throw notPositive;
    } else if (args.is(i, 'TO') && i + 2 < args.argc && target === undefined) {
      target = { port: intArgument(args, i + 2), host: args.cString(i + 1) };
      i += 2;
    } else if (args.is(i, 'ABORT') && args.argc === 2) abort = true;
    else if (args.is(i, 'FORCE') && !force) force = true;
    else throw errors.syntax;
  }
  return abort ? undefined : { target, force, timeoutMs };
}

/** FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds] */
export const failover = command({
  name: 'failover',
  arity: -1,
  group: 'server',
  since: '6.2.0',
  summary: 'Hands the role of master to a replica that has everything.',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'stale'],
  syntax: '[TO <host:string port:integer [FORCE]>] [ABORT] [TIMEOUT milliseconds]',

  run(ctx, args, reply) {
    const request = failoverRequest(args);
    if (request === undefined) ctx.server.replication.failover.abort();
    else ctx.server.replication.failover.start(request);
    reply.ok();
  },
});
