/**
 * Directives that cannot be honoured yet. What would protect (a role) must not be taken for
 * granted: the server does not start with it. What only promises (a save, a log) is warned of.
 *
 * What is built leaves these lists: its row of `refused` is deleted, and its row of the directive
 * table becomes `active`.
 */
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/errors.ts';
import { CommandError } from '../util/errors.ts';

interface Refused {
  readonly name: string;
  /** Values that ask for nothing. */
  readonly harmless: readonly string[];
  readonly reason: string;
}

const refused: readonly Refused[] = [
  {
    name: 'cluster-enabled',
    harmless: ['no'],
    reason: 'Cluster mode is not supported yet: this server would own all keys on its own',
  },
];

/**
 * Throws ConfigError when the configuration asks for a protection that is not there, and has CONFIG
 * SET refuse it later.
 */
export function refuseUnbuilt(config: Config): void {
  for (const { name, harmless, reason } of refused) {
    if (!harmless.includes(config.string(name))) throw new ConfigError(reason);
    config.onChange(name, () => {
      if (!harmless.includes(config.string(name))) throw new CommandError(`ERR ${reason}`);
    });
  }
}

/** Directives that are set and change nothing, to be warned of; names as in the table. */
export function withoutEffect(config: Config): string[] {
  return config.withoutEffect().sort();
}
