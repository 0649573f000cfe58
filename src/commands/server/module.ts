/**
 * MODULE: there are none, and none can be loaded; clients and tools ask for the list.
 */
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';

/** MODULE LIST */
const list = command({
  name: 'list',
  arity: 2,
  group: 'server',
  since: '4.0.0',
  summary: 'Returns the loaded modules: always none.',
  complexity: 'O(N) where N is the number of loaded modules.',
  flags: ['admin', 'noscript'],
  tips: ['nondeterministic_output_order'],

  run(_ctx, _args, reply) {
    reply.array(0);
  },
});

/** MODULE LIST | HELP */
export const moduleCommand = command({
  name: 'module',
  arity: -2,
  group: 'server',
  since: '4.0.0',
  summary: 'A container for commands about modules.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    helpCommand('server', '5.0.0', ['LIST', '    The modules that are loaded; none can be.']),
    list,
  ],
});
