/**
 * What is wrong with a rule, in redis-server 7.0.15's words.
 */
export class RuleError extends Error {
  /** Whether it is about a name that is not known: nothing secret, so that logs may show it. */
  readonly isAboutName: boolean;

  constructor(message: string, isAboutName = false) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.isAboutName = isAboutName;
  }
}

const patternAfterAll = (all: string, flag: string, reset: string, kind: string) =>
  new RuleError(
    `Adding a pattern after the ${all} pattern (or the '${flag}' flag) is not valid and does not ` +
      `have any effect. Try '${reset}' to start with an empty list of ${kind}`,
  );

export const ruleErrors = {
  syntax: new RuleError('Syntax error'),
  unknownName: new RuleError('Unknown command or category name in ACL', true),
  keyAfterAll: patternAfterAll('*', 'allkeys', 'resetkeys', 'patterns'),
  channelAfterAll: patternAfterAll('*', 'allchannels', 'resetchannels', 'channels'),
  badHash: new RuleError(
    'The password hash must be exactly 64 characters and contain only lowercase hexadecimal ' +
      'characters',
  ),
  noSuchPassword: new RuleError(
    'The password you are trying to remove from the user does not exist',
  ),
  firstArgOfSubcommand: new RuleError('Allowing first-arg of a subcommand is not supported'),
} as const;
