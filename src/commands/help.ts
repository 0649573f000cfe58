/**
 * The HELP subcommand that every container has.
 */
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
