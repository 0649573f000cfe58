/**
 * WAIT and WAITAOF: block until replicas have what this client wrote, or until it is on their disks
 * and on ours. They wait for no key: who is told of an acknowledgement or of a sync ends the wait
 * (`src/server/ack-waiters.ts`).
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { int64Argument, intArgument } from '../integers.ts';
import { command } from '../spec.ts';

const onReplica = new CommandError(
  'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a ' +
    'replica is configured to be writable (which is not the default) writes to replicas are just ' +
    'local and are not propagated.',
);
const notTimeout = new CommandError('ERR timeout is not an integer or out of range');
const negative = new CommandError('ERR timeout is negative');

const aofOnReplica = new CommandError(
  'ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas ' +
    'are just local and are not propagated.',
);
const notLocal = new CommandError('ERR value is out of range, value must between 0 and 1');

/** Argument i, ms, as the time at which to give up; 0 for never. */
function timeoutMsArgument(args: Args, i: number, nowMs: number): number {
  const ms = Number(int64Argument(args, i, notTimeout));
  if (ms < 0) throw negative;
  return ms === 0 ? 0 : nowMs + ms;
}

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
    const untilMs = timeoutMsArgument(args, 2, ctx.nowMs);
    const { session } = ctx;
    const { streamOffset } = session;
    const count = () => replication.replicas.countAcknowledged(streamOffset);
    if (count() >= wanted || !ctx.mayBlock) {
      reply.int(count());
      return;
    }
    ctx.block({ args, keys: [], type: -1, untilMs, onTimeout: (r) => r.int(count()) }, reply);
    replication.replicas.awaitUntil(session, () => count() >= wanted);
  },
});

/** WAITAOF numlocal numreplicas timeout */
export const waitaof = command({
  name: 'waitaof',
  arity: 4,
  group: 'generic',
  since: '7.2.0',
  summary: 'Waits until what this connection has written is on the disk, here and on replicas.',
  complexity: 'O(N) where N is the number of replicas',
  flags: ['noscript', 'blocking'],
  categories: ['connection', '-keyspace'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  syntax: 'numlocal:integer numreplicas:integer timeout:integer',

  run(ctx, args, reply) {
    const { persistence, replication } = ctx.server;
    if (replication.isReplica) throw aofOnReplica;
    const local = intArgument(args, 1);
    if (local !== 0 && local !== 1) throw notLocal;
    const wanted = intArgument(args, 2);
    if (wanted < 0) throw errors.outOfRangePositive;
    const untilMs = timeoutMsArgument(args, 3, ctx.nowMs);
    const { streamOffset } = ctx.session;
    const mark = persistence.fileMark;
    if (local === 1 && mark === undefined) throw persistence.notAppending;
    const here = () => (mark !== undefined && persistence.isOnDisk(mark) ? 1 : 0);
    const there = () => replication.replicas.countFsynced(streamOffset);
    const isDone = () => here() >= local && there() >= wanted;
    if (isDone() || !ctx.mayBlock) {
      reply.array(2);
      reply.int(here());
      reply.int(there());
      return;
    }
    const onTimeout = (r: typeof reply) => {
      r.array(2);
      r.int(here());
      r.int(there());
    };
    ctx.block({ args, keys: [], type: -1, untilMs, onTimeout }, reply);
    // Without the append-only file it would wait for what never comes.
    const failure = () =>
      local === 1 && persistence.fileMark === undefined ? persistence.notAppending : undefined;
    replication.replicas.awaitUntil(ctx.session, isDone, failure);
  },
});
