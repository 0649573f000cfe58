/**
 * WAIT: blocks until replicas have what this client wrote. It waits for no key: who is told of an
 * acknowledgement ends the wait (`src/server/ack-waiters.ts`).
 */
import { CommandError } from '../../util/errors.ts';
import { int64Argument, intArgument } from '../integers.ts';
import { command } from '../spec.ts';

const onReplica = new CommandError(
  'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a ' +
    'replica is configured to be writable (which is not the default) writes to replicas are just ' +
    'local and are not propagated.',
);
const notTimeout = new CommandError('ERR timeout is not an integer or out of range');
const negative = new CommandError('ERR timeout is negative');

/** WAIT numreplicas timeout */
export const wait = command({
  name: 'wait',
  arity: 3,
  group: 'generic',
  since: '3.0.0',
  summary: 'Waits until replicas have all that this connection has written.',
  complexity: 'O(N) where N is the number of replicas',
  flags: ['noscript'],
  categories: ['connection', '-keyspace'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  syntax: 'numreplicas:integer timeout:integer',

  run(ctx, args, reply) {
    const { replication } = ctx.server;
    if (replication.isReplica) throw onReplica;
    const wanted = intArgument(args, 1);
    const timeoutMs = Number(int64Argument(args, 2, notTimeout));
    if (timeoutMs < 0) throw negative;
    const { session } = ctx;
    const { streamOffset } = session;
    const count = () => replication.replicas.countAcknowledged(streamOffset);
    if (count() >= wanted || !ctx.mayBlock) {
      reply.int(count());
      return;
    }
    const untilMs = timeoutMs === 0 ? 0 : ctx.nowMs + timeoutMs;
    ctx.block({ args, keys: [], type: -1, untilMs, onTimeout: (r) => r.int(count()) }, reply);
    replication.replicas.awaitAcknowledged(session, streamOffset, wanted);
  },
});
