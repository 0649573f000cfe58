/** Versions this server reports: its own, and the Redis it is compatible with. */
import { readFileSync } from 'node:fs';

/** What version gates of clients read: see docs/decisions/0004-reported-version.md. */
export const REDIS_VERSION = '7.2.4';

/** The version, written into bundles by the build. */
declare const __VERSION__: string | undefined;

/** The package's version; outside of a bundle from the package.json nearest above this file. */
export const RESPITE_VERSION = typeof __VERSION__ === 'string' ? __VERSION__ : readVersion();

/**
 * What `--version` prints. Programs that are given the path of a redis-server (tests of libraries,
 * managers of processes) read the version from its line before they choose options: for a link of
 * that name it is theirs, with the version that INFO reports.
 */
export function versionLine(program: string): string {
  if (!/(^|[/\\])redis-server$/.test(program)) return `respite v=${RESPITE_VERSION} bits=64\n`;
  const build = `build=respite-${RESPITE_VERSION}`;
  return `Redis server v=${REDIS_VERSION} sha=00000000:0 malloc=arena bits=64 ${build}\n`;
}

function readVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === 'object' && parsed !== null && 'name' in parsed) {
        if (parsed.name === 'respite' && 'version' in parsed) return String(parsed.version);
      }
    } catch {
      // Not there: the source tree and the built tree differ by one level.
    }
  }
  return '0.0.0';
}
