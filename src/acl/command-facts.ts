/**
 * What the rules have to know of a command, whoever has it.
 */
export interface CommandFacts {
  /** `config|get` for a subcommand, else the name. Lower case. */
  readonly fullName: string;
  /** Names without the `@`. */
  readonly categories: readonly string[];
  /** Whether redis-server 7.0.15 has it, too: such commands decide how rules are described. */
  readonly isOfRedis7: boolean;
}
