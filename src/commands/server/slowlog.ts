/**
 * SLOWLOG: the latest commands that took long.
 */
import { helpCommand, wrongSubcommand } from '../help.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { badCount, writeEntries } from './slow-entries.ts';

const common = {
  group: 'server',
  flags: ['admin', 'loading', 'stale'],
} as const;

/** Entries told when nothing else is asked for. */
const COUNT = 10;

/** SLOWLOG GET [count] */
const get = command({
  ...common,
  name: 'get',
  arity: -2,
  since: '2.2.12',
  summary: 'Returns the latest slow commands: id, time, microseconds, arguments, client.',
  complexity: 'O(N) where N is the number of entries returned',
  tips: ['request_policy:all_nodes', 'nondeterministic_output'],
  syntax: '[count]',

  run(ctx, args, reply) {
    if (args.argc > 3) throw wrongSubcommand(args, 'SLOWLOG');
    const { slowLog } = ctx.server;
    let count = COUNT;
    if (args.argc > 2) {
      count = intArgument(args, 2, badCount);
      if (count < -1) throw badCount;
      if (count === -1) count = slowLog.length;
    }
    writeEntries(reply, slowLog.latest(count));
  },
});

/** SLOWLOG LEN */
const len = command({
  ...common,
  name: 'len',
  arity: 2,
  since: '2.2.12',
  summary: 'Returns how many slow commands are kept.',
  complexity: 'O(1)',
  tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],

  run(ctx, _args, reply) {
    reply.int(ctx.server.slowLog.length);
  },
});

/** SLOWLOG RESET */
const reset = command({
  ...common,
  name: 'reset',
  arity: 2,
  since: '2.2.12',
  summary: 'Forgets all slow commands.',
  complexity: 'O(N) where N is the number of entries',
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],

  run(ctx, _args, reply) {
    ctx.server.slowLog.reset();
    reply.ok();
  },
});

/** SLOWLOG GET | LEN | RESET | HELP */
export const slowlog = command({
  name: 'slowlog',
  arity: -2,
  group: 'server',
  since: '2.2.12',
  summary: 'A container for commands about slow commands.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    get,
    helpCommand('server', '6.2.0', [
      'GET [<count>]',
      '    The latest slow commands, the newest first: 10 of them, all with -1. Each has an id,',
      '    the time it was noted, how many microseconds it took, its arguments, the client',
      '    address and the client name.',
      'LEN',
      '    How many are kept.',
      'RESET',
      '    Forgets them.',
    ]),
    len,
    reset,
  ],
});
