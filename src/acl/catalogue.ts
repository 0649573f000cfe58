/**
 * The commands that rules can name, each with a number: its place in a selector's bits. Those of
 * this server come first; then those of redis-server 7.0.15 that are not here (`absent.ts`), so
 * that its rules are understood and kept.
 */
import { absentCommands } from './absent.ts';
import type { CommandFacts } from './command-facts.ts';
import { asciiLower } from './text.ts';

/** A command as rules see it. */
export interface RuleCommand extends CommandFacts {
  readonly id: number;
  readonly children: readonly RuleCommand[];
  readonly isSubcommand: boolean;
  /** Whether this server has it. */
  readonly isHere: boolean;
}

interface Entry extends RuleCommand {
  readonly children: Entry[];
}

export class Catalogue {
  /** In the order of their numbers; a container is followed by its subcommands. */
  readonly commands: readonly RuleCommand[];
  private readonly byName = new Map<string, Entry>();
  private readonly ofCategory = new Map<string, RuleCommand[]>();

  /** `present[i]` gets the number i. */
  constructor(present: readonly CommandFacts[]) {
    const commands: Entry[] = [];
    const add = (facts: CommandFacts, isHere: boolean) => {
      const { fullName } = facts;
      if (this.byName.has(fullName)) return;
      const [container, sub] = fullName.split('|');
      const isSubcommand = sub !== undefined;
      const entry = { ...facts, id: commands.length, children: [], isSubcommand, isHere };
      commands.push(entry);
      this.byName.set(fullName, entry);
      if (isSubcommand) this.byName.get(container!)?.children.push(entry);
    };
    for (const facts of present) add(facts, true);
    for (const facts of absentCommands()) add(facts, false);
    this.commands = commands;
    for (const command of commands) {
      for (const name of command.categories) {
        const members = this.ofCategory.get(name) ?? [];
        members.push(command);
        this.ofCategory.set(name, members);
      }
    }
  }

  /** The command of a full name, in any case. */
  find(name: string): RuleCommand | undefined {
    return this.byName.get(asciiLower(name));
  }

  /** The commands of a category, named in any case; undefined when there is none of that name. */
  category(name: string): readonly RuleCommand[] | undefined {
    return this.ofCategory.get(asciiLower(name));
  }
}
