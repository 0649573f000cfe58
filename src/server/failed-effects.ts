/**
 * Commands of a master or an append-only file that fail here: this copy of the data may differ from
 * then on. Source: redis-server 7.0.15, which says so, counts them, and ends by
 * `propagation-error-behavior`.
 */
import type { Config } from '../config/config.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';
import type { Stats } from './stats.ts';

/** What it takes to tell of a failed effect. */
export interface FailedEffectParts {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  readonly logger: Log;
  readonly stats: Stats;
}

/** A command failed, or is not known here. A copy that may be written to differs anyway. */
export function effectFailed(
  { config, lifecycle, logger, stats }: FailedEffectParts,
  from: 'master' | 'file',
  command: string,
  error: string,
): void {
  const who = from === 'master' ? 'replica' : 'AOF-loading-client';
  const to = from === 'master' ? 'master' : 'server';
  logger.write(
    'warning',
    `== CRITICAL == This ${who} is sending an error to its ${to}: ` +
      `'${error}' after processing the command '${command}'`,
  );
  stats.unexpectedErrors++;
  const behavior = config.string('propagation-error-behavior');
  const ends =
    from === 'master'
      ? behavior !== 'ignore' && config.bool('replica-read-only')
      : behavior === 'panic';
  if (ends) lifecycle.dieDamaged();
}
