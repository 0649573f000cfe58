/**
 * Making clients wait and letting them go on: CLIENT PAUSE, UNPAUSE, UNBLOCK.
 */
import { CommandError } from '../../util/errors.ts';
import { addInt64, int64Argument, intArgument } from '../integers.ts';
import { command } from '../spec.ts';

const admin = {
  group: 'connection',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const;

function wrongSubcommand(name: string): CommandError {
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try CLIENT HELP.`,
  );
}

const unblockReason = new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');

/** CLIENT UNBLOCK id [TIMEOUT | ERROR] */
export const clientUnblock = command({
  ...admin,
  name: 'unblock',
  arity: -3,
  since: '5.0.0',
  summary: 'Ends the wait of a client that a blocking command holds.',
  complexity: 'O(log N) where N is the number of client connections',
  syntax: 'client-id:integer [TIMEOUT | ERROR]',

  run(ctx, args, reply) {
    let withError = false;
    if (args.argc > 4) throw wrongSubcommand(args.latin1(1));
    if (args.argc === 4) {
      withError = args.is(3, 'ERROR');
      if (!withError && !args.is(3, 'TIMEOUT')) throw unblockReason;
    }
    const { blocking, clients } = ctx.server;
    const session = clients.byId(intArgument(args, 2));
    reply.int(session !== undefined && blocking.unblock(session, withError) ? 1 : 0);
  },
});

const timeoutNotInteger = new CommandError('ERR timeout is not an integer or out of range');
const timeoutNegative = new CommandError('ERR timeout is negative');
const pauseMode = new CommandError('ERR CLIENT PAUSE mode must be WRITE or ALL');

/** CLIENT PAUSE milliseconds [WRITE | ALL] */
export const clientPause = command({
  ...admin,
  name: 'pause',
  arity: -3,
  since: '2.9.50',
  summary: 'Makes all commands, or all that write, wait for some time.',
  complexity: 'O(1)',
  syntax: 'timeout:integer [WRITE | ALL]',

  run(ctx, args, reply) {
    if (args.argc > 4) throw wrongSubcommand(args.latin1(1));
    const writesOnly = args.argc === 4 && args.is(3, 'WRITE');
    if (args.argc === 4 && !writesOnly && !args.is(3, 'ALL')) throw pauseMode;
    const timeoutMs = int64Argument(args, 2, timeoutNotInteger);
    if (timeoutMs < 0) throw timeoutNegative;
    // As Redis: an end past 64 bits wraps around to the past, and nothing is paused.
    const untilMs = addInt64(timeoutMs, ctx.nowMs);
    if (untilMs !== undefined) {
      ctx.server.clients.pause(Number(untilMs), writesOnly ? 'write' : 'all');
    }
    reply.ok();
  },
});

/** CLIENT UNPAUSE */
export const clientUnpause = command({
  ...admin,
  name: 'unpause',
  arity: 2,
  since: '6.2.0',
  summary: 'Ends CLIENT PAUSE.',
  complexity: 'O(N) where N is the number of paused clients',

  run(ctx, _args, reply) {
    ctx.server.clients.unpause();
    reply.ok();
  },
});
