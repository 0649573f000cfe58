/**
 * COMMANDLOG of Valkey: commands that took long, and such with a large request or reply.
 */
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { helpCommand } from '../help.ts';
import { intArgument } from '../integers.ts';
import type { SlowLogPort } from '../ports/observation.ts';
import { command } from '../spec.ts';
import { badCount, writeEntries } from './slow-entries.ts';

const common = {
  group: 'server',
  flags: ['admin', 'loading', 'stale'],
  since: '8.1.0',
} as const;

const badType = new CommandError(
  'ERR type should be one of the following: slow, large-request, large-reply',
);

/** The log that argument `i` names. Throws CommandError. */
function logNamed(ctx: Context, args: Args, i: number): SlowLogPort {
  const { largeCalls, slowLog } = ctx.server;
  if (args.is(i, 'SLOW')) return slowLog;
  if (args.is(i, 'LARGE-REQUEST')) return largeCalls.largeRequests;
  if (args.is(i, 'LARGE-REPLY')) return largeCalls.largeReplies;
  throw badType;
}

/** COMMANDLOG GET count type */
const get = command({
  ...common,
  name: 'get',
  arity: 4,
  summary: 'Returns the latest entries of a log: id, time, amount, arguments, client.',
  complexity: 'O(N) where N is the number of entries returned',
  tips: ['request_policy:all_nodes', 'nondeterministic_output'],
  syntax: 'count <SLOW | LARGE-REQUEST | LARGE-REPLY>',

  run(ctx, args, reply) {
    const count = intArgument(args, 2, badCount);
    if (count < -1) throw badCount;
    const log = logNamed(ctx, args, 3);
    writeEntries(reply, log.latest(count === -1 ? log.length : count));
  },
});

/** COMMANDLOG LEN type */
const len = command({
  ...common,
  name: 'len',
  arity: 3,
  summary: 'Returns how many entries a log has.',
  complexity: 'O(1)',
  tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
  syntax: '<SLOW | LARGE-REQUEST | LARGE-REPLY>',

  run(ctx, args, reply) {
    reply.int(logNamed(ctx, args, 2).length);
  },
});

/** COMMANDLOG RESET type */
const reset = command({
  ...common,
  name: 'reset',
  arity: 3,
  summary: 'Forgets the entries of a log.',
  complexity: 'O(N) where N is the number of entries',
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  syntax: '<SLOW | LARGE-REQUEST | LARGE-REPLY>',

  run(ctx, args, reply) {
    logNamed(ctx, args, 2).reset();
    reply.ok();
  },
});

/** COMMANDLOG GET | LEN | RESET | HELP */
export const commandlog = command({
  name: 'commandlog',
  arity: -2,
  group: 'server',
  since: '8.1.0',
  summary: 'A container for commands about slow commands and large requests and replies (Valkey).',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    get,
    helpCommand('server', '8.1.0', [
      'GET <count> <type>',
      '    The latest entries of a log, the newest first, all with -1. Each has an id, the time',
      '    it was noted, microseconds (slow) or bytes (large-request, large-reply), the',
      '    arguments, the client address and the client name.',
      'LEN <type>',
      '    How many entries a log has.',
      'RESET <type>',
      '    Forgets them.',
    ]),
    len,
    reset,
  ],
});
