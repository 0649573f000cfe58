/**
 * The reference: a redis-server 7.0, found on PATH or named by REDIS_SERVER. Where there is none,
 * tests against it are skipped with the reason in sight; RESPITE_REQUIRE_ORACLE=1 (CI) makes that
 * a failure instead.
 */
import { spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';
import { ServerProcess } from './server-process.ts';

const command = process.env['REDIS_SERVER'] ?? 'redis-server';

/** `7.0.15`, or undefined where there is no usable redis-server. */
export const oracleVersion: string | undefined = readVersion();

function readVersion(): string | undefined {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return /\bv=([\d.]+)/.exec(stdout ?? '')?.[1];
}

/** Why the oracle cannot be used, or undefined. */
export const oracleProblem: string | undefined = (() => {
  if (oracleVersion === undefined) return `no ${command} on PATH; apt-get install redis-server`;
  if (!oracleVersion.startsWith('7.0.')) return `${command} is ${oracleVersion}, wanted 7.0.x`;
  return undefined;
})();

export function startOracle(args: readonly string[] = [], name = 'oracle'): Promise<ServerProcess> {
  return ServerProcess.start({
    name,
    command,
    args: ['--enable-debug-command', 'yes', ...args],
  });
}

/** `describe` for tests that need the oracle. */
export function describeWithOracle(name: string, body: () => void): void {
  if (oracleProblem === undefined) {
    describe(`${name} (redis-server ${oracleVersion})`, body);
    return;
  }
  if (process.env['RESPITE_REQUIRE_ORACLE'] === '1') {
    it(name, () => {
      throw new Error(`RESPITE_REQUIRE_ORACLE=1, but ${oracleProblem}`);
    });
    return;
  }
  console.warn(`SKIPPED: ${name}: ${oracleProblem}`);
  describe.skip(`${name} [skipped: ${oracleProblem}]`, body);
}
