/**
 * SCRIPT: the scripts that EVALSHA knows.
 */
import { CommandError } from '../../util/errors.ts';
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';

const common = { group: 'scripting' } as const;

const flushSyntax = new CommandError('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
const debugSyntax = new CommandError('ERR Use SCRIPT DEBUG YES/SYNC/NO');
const noDebugger = new CommandError('ERR The Lua debugger is not supported');

const load = command({
  ...common,
  name: 'load',
  arity: 3,
  since: '2.6.0',
  summary: 'Compiles a script and keeps it for EVALSHA.',
  complexity: 'O(N) with N being the length in bytes of the script body.',
  flags: ['noscript', 'stale'],
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  syntax: 'script:string',

  run(ctx, args, reply) {
    reply.bulkLatin1(ctx.server.scripts.load(args, 2));
  },
});

const exists = command({
  ...common,
  name: 'exists',
  arity: -3,
  since: '2.6.0',
  summary: 'Tells which scripts are kept.',
  complexity:
    'O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).',
  flags: ['noscript'],
  tips: ['request_policy:all_shards', 'response_policy:agg_logical_and'],
  syntax: 'sha1:string [sha1:string ...]',

  run(ctx, args, reply) {
    reply.array(args.argc - 2);
    for (let i = 2; i < args.argc; i++) reply.int(ctx.server.scripts.has(args.latin1(i)) ? 1 : 0);
  },
});

const flush = command({
  ...common,
  name: 'flush',
  arity: -2,
  since: '2.6.0',
  summary: 'Forgets all scripts.',
  complexity: 'O(N) with N being the number of scripts in cache',
  flags: ['noscript'],
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  syntax: '[ASYNC | SYNC]',

  run(ctx, args, reply) {
    const isKnown = args.argc === 3 && (args.is(2, 'SYNC') || args.is(2, 'ASYNC'));
    if (args.argc > 2 && !isKnown) throw flushSyntax;
    ctx.server.scripts.flush();
    reply.ok();
  },
});

const kill = command({
  ...common,
  name: 'kill',
  arity: 2,
  since: '2.6.0',
  summary: 'Ends the script that runs, if it has not written.',
  complexity: 'O(1)',
  flags: ['noscript', 'allow_busy'],
  tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],

  run(ctx, _args, reply) {
    ctx.server.scripts.kill('eval');
    reply.ok();
  },
});

const debug = command({
  ...common,
  name: 'debug',
  arity: 3,
  since: '3.2.0',
  summary: 'Replies with an error: there is no debugger.',
  complexity: 'O(1)',
  flags: ['noscript'],
  syntax: '<YES | SYNC | NO>',

  run(_ctx, args, reply) {
    if (args.is(2, 'NO')) reply.ok();
    else throw args.is(2, 'YES') || args.is(2, 'SYNC') ? noDebugger : debugSyntax;
  },
});

export const script = command({
  ...common,
  name: 'script',
  arity: -2,
  since: '2.6.0',
  summary: 'A container for commands about scripts.',
  complexity: 'Depends on subcommand.',
  flags: [],
  categories: ['-scripting'],
  subcommands: [
    debug,
    exists,
    flush,
    helpCommand('scripting', '5.0.0', [
      'DEBUG (YES|SYNC|NO)',
      '    There is no debugger: only NO is accepted.',
      'EXISTS <sha1> [<sha1> ...]',
      '    Tell which scripts are kept.',
      'FLUSH [ASYNC|SYNC]',
      '    Forget all scripts.',
      'KILL',
      '    End the script that runs, if it has not written.',
      'LOAD <script>',
      '    Compile a script and keep it for EVALSHA.',
    ]),
    kill,
    load,
  ],
});
