/**
 * The HELP subcommand that every container has, and the error that points to it.
 */
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import type { CommandGroup } from './facts.ts';
import { type CommandSpec, command } from './spec.ts';

/** HELP of a container: one simple string a line, between a heading and the line on HELP itself. */
export function helpCommand(
  group: CommandGroup,
  since: string,
  lines: readonly string[],
  categories: readonly string[] = [],
): CommandSpec {
  const text = [...lines, 'HELP', '    This text.'];
  return command({
    name: 'help',
    arity: 2,
    group,
    since,
    summary: 'Describes the subcommands.',
    complexity: 'O(1)',
    flags: ['loading', 'stale'],
    categories,

    run(_ctx, args, reply) {
      reply.array(text.length + 1);
      // As it was called: `rename-command` may have given it another name.
      reply.simple(`${args.latin1(0).toUpperCase()} <subcommand> [<arg> ...]. Subcommands:`);
      for (const line of text) reply.simple(line);
    },
  });
}

/** `ERR unknown subcommand or wrong number of arguments ...` for argument 1. */
export function wrongSubcommand(args: Args, container: string): CommandError {
  const name = args.cString(1).slice(0, 128);
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${container} HELP.`,
  );
}
