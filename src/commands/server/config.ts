/**
 * CONFIG: reading and changing directives of the running server.
 */
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';

const common = {
  group: 'server',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  since: '2.0.0',
} as const;

const get = command({
  ...common,
  name: 'get',
  arity: -3,
  summary: 'Returns the directives whose names match one of the patterns, with their values.',
  complexity: 'O(N) where N is the number of directives.',
  syntax: 'parameter [parameter ...]',

  run(ctx, args, reply) {
    const patterns: string[] = [];
    for (let i = 2; i < args.argc; i++) patterns.push(args.latin1(i));
    const found = ctx.server.config.get(patterns);
    reply.map(found.length);
    for (const [name, value] of found) {
      reply.bulkLatin1(name);
      reply.bulkLatin1(value);
    }
  },
});

/** Directives whose values are passwords or user names. */
export const secretDirectives: readonly string[] = [
  'masterauth',
  'masteruser',
  'requirepass',
  'tls-client-key-file-pass',
  'tls-key-file-pass',
];

/** The values of CONFIG SET that nobody else must see. */
function secretValues(args: Args): number[] {
  const found: number[] = [];
  for (let i = 2; i + 1 < args.argc; i += 2) {
    if (secretDirectives.includes(args.latin1(i).toLowerCase())) found.push(i + 1);
  }
  return found;
}

const set = command({
  ...common,
  name: 'set',
  arity: -4,
  summary: 'Changes directives: all of them, or none when one value is refused.',
  complexity: 'O(N) where N is the number of directives given.',
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  syntax: 'parameter value [parameter value ...]',
  secrets: secretValues,

  run(ctx, args, reply) {
    if (args.argc % 2 !== 0) throw errors.syntax;
    const pairs: [string, string][] = [];
    for (let i = 2; i < args.argc; i += 2) pairs.push([args.latin1(i), args.latin1(i + 1)]);
    ctx.server.config.set(pairs, { local: ctx.session.isLocal });
    reply.ok();
  },
});

const rewrite = command({
  ...common,
  name: 'rewrite',
  arity: 2,
  since: '2.8.0',
  summary: 'Writes the present directives into the configuration file, keeping its comments.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    ctx.server.config.rewrite();
    ctx.server.logger.write('notice', 'CONFIG REWRITE executed with success.');
    reply.ok();
  },
});

const resetstat = command({
  ...common,
  name: 'resetstat',
  arity: 2,
  summary: 'Sets the statistics that INFO reports back to zero.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    ctx.server.info.reset();
    reply.ok();
  },
});

/** CONFIG GET | SET | REWRITE | RESETSTAT | HELP */
export const config = command({
  name: 'config',
  arity: -2,
  group: 'server',
  since: '2.0.0',
  summary: 'A container for commands about the configuration.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    get,
    helpCommand('server', '5.0.0', [
      'GET <pattern> [<pattern> ...]',
      '    The directives that match, with their values.',
      'SET <directive> <value> [<directive> <value> ...]',
      '    Changes directives, all or none.',
      'RESETSTAT',
      '    Sets the statistics of INFO back to zero.',
      'REWRITE',
      '    Writes the directives into the configuration file.',
    ]),
    resetstat,
    rewrite,
    set,
  ],
});
