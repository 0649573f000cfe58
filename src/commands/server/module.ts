/**
 * MODULE: there are no modules. What may be asked of them is answered as redis-server 7.0.15 does
 * where none is loaded and none can be.
 */
import { CommandError } from '../../util/errors.ts';
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';

const cannotLoad = new CommandError(
  'ERR Error loading the extension. Please check the server logs.',
);
const noSuchModule = new CommandError('ERR Error unloading module: no such module with that name');

const common = {
  group: 'server',
  complexity: 'O(1)',
  since: '4.0.0',
} as const;
const guarded = {
  ...common,
  flags: ['admin', 'noscript', 'no_async_loading', 'protected'],
  enabledBy: 'enable-module-command',
} as const;

/** MODULE LIST */
const list = command({
  ...common,
  name: 'list',
  arity: 2,
  summary: 'Returns the loaded modules: always none.',
  flags: ['admin', 'noscript'],
  tips: ['nondeterministic_output_order'],
  run: (_ctx, _args, reply) => reply.array(0),
});

/** MODULE LOAD path [arg [arg ...]] */
const load = command({
  ...guarded,
  name: 'load',
  arity: -3,
  summary: 'Would load a module; none can be.',
  syntax: 'path:string [arg:string [arg:string ...]]',
  run(ctx) {
    ctx.server.logger.write('warning', 'A module was to be loaded: there are no modules here.');
    throw cannotLoad;
  },
});

/** MODULE LOADEX path [CONFIG name value [CONFIG name value ...]] [ARGS arg [arg ...]] */
const loadex = command({
  ...guarded,
  name: 'loadex',
  arity: -3,
  since: '7.0.0',
  summary: 'Would load a module with directives of its own; none can be.',
  syntax:
    'path:string [CONFIG name:string value:string [CONFIG name:string value:string ...]] ' +
    '[ARGS args:string [args:string ...]]',
  run: load.run,
});

/** MODULE UNLOAD name */
const unload = command({
  ...guarded,
  name: 'unload',
  arity: 3,
  summary: 'Would unload a module; none is loaded.',
  syntax: 'name:string',
  run() {
    throw noSuchModule;
  },
});

/** MODULE LIST | LOAD | LOADEX | UNLOAD | HELP */
export const moduleCommand = command({
  ...common,
  name: 'module',
  arity: -2,
  summary: 'A container for commands about modules.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    helpCommand('server', '5.0.0', [
      'LIST',
      '    The modules that are loaded.',
      'LOAD <path> [<arg> ...]',
      '    Load a module.',
      'LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]',
      '    Load a module with directives.',
      'UNLOAD <name>',
      '    Unload a module.',
    ]),
    list,
    load,
    loadex,
    unload,
  ],
});
