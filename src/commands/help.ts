/**
 * The HELP subcommand that every container has.
 */
import type { CommandGroup } from './facts.ts';
import { type CommandSpec, command } from './spec.ts';

/** HELP of a container: one simple string a line, between a heading and the line on HELP itself. */
export function helpCommand(
  container: string,
  group: CommandGroup,
  since: string,
  lines: readonly string[],
  categories: readonly string[] = [],
): CommandSpec {
  const text = [
    `${container.toUpperCase()} <subcommand> [<arg> ...]. Subcommands:`,
    ...lines,
    'HELP',
    '    This text.',
  ];
  return command({
    name: 'help',
    arity: 2,
    group,
    since,
    summary: 'Describes the subcommands.',
    complexity: 'O(1)',
    flags: ['loading', 'stale'],
    categories,

    run(_ctx, _args, reply) {
      reply.array(text.length);
      for (const line of text) reply.simple(line);
    },
  });
}
