/** From the options of `createServer` to a configuration: what is not known is refused. */
import { mkdirSync } from 'node:fs';
import { Config } from '../config/config.ts';
import { directivesByName } from '../config/directives.ts';
import { ConfigError } from '../config/errors.ts';
import { systemReason } from '../config/special-values.ts';
import { profiles } from '../server/profiles.ts';
import { nearest } from '../util/nearest.ts';
import type { ConfigValue, ServerOptions } from './api.ts';

const known = [
  ...['port', 'host', 'password', 'dir', 'load', 'seed', 'from', 'config', 'compat'],
  ...['now', 'random', 'log', 'thread'],
] as const satisfies readonly (keyof ServerOptions | 'thread')[];

/** Lines of redis.conf that are no directives with a value, but may be options. */
const lines = new Set(['user', 'rename-command', 'loadmodule', 'include']);

/** The configuration that options describe. Throws ConfigError. */
export function configOf(options: ServerOptions): Config {
  checkKinds(options);
  refuseUnknown(options);
  const config = new Config();
  const { compat, dir, password } = options;
  if (compat !== undefined && profiles[compat] === undefined) {
    throw ConfigError.ofOption(
      'compat',
      `has no profile '${compat}'${meant(compat, Object.keys(profiles))}`,
    );
  }
  if (dir !== undefined) makeDirectory(dir);
  config.loadPairs([
    ...Object.entries<string>(compat === undefined ? {} : profiles[compat].directives),
    ['port', String(options.port ?? 0)],
    ['bind', options.host ?? '127.0.0.1'],
    ['save', ''],
    ...(dir === undefined ? [] : [['dir', dir] as const]),
    ...(password === undefined ? [] : [['requirepass', password] as const]),
    ...Object.entries(options.config ?? {}).flatMap(([name, value]) => pairsOf(name, value)),
  ]);
  return config;
}

/** Programs are run from fresh clones, where the directory of their data is not there yet. */
function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw ConfigError.ofOption('dir', `cannot be made of '${dir}': ${systemReason(error)}`);
  }
}

/** What an option has to be: programs without types hand in whatever they were given. */
const kinds: Readonly<Record<string, string>> = {
  ...{ host: 'string', password: 'string', dir: 'string', load: 'string', compat: 'string' },
  ...{ now: 'function', random: 'function', log: 'function' },
  ...{ seed: 'object', from: 'object', config: 'object' },
};

function checkKinds(options: ServerOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const kind = kinds[name];
    if (kind === undefined || value === undefined) continue;
    if (typeof value === kind && value !== null) continue;
    const article = kind === 'object' ? 'an' : 'a';
    throw ConfigError.ofOption(name, `is ${article} ${kind}, not ${shown(value)}`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}

function refuseUnknown(options: ServerOptions): void {
  for (const name of Object.keys(options)) {
    if ((known as readonly string[]).includes(name)) continue;
    if (directivesByName.has(name.toLowerCase())) {
      throw ConfigError.ofOption(name, `is a directive: config: { '${name}': … }`);
    }
    throw ConfigError.ofOption(name, `is no option of createServer${meant(name, known)}`);
  }
  for (const name of Object.keys(options.config ?? {})) {
    const lower = name.toLowerCase();
    if (directivesByName.has(lower) || lines.has(lower)) continue;
    throw ConfigError.ofOption(name, `is no directive${meant(lower, directivesByName.keys())}`);
  }
}

function meant(name: string, candidates: Iterable<string>): string {
  const found = nearest(name, candidates);
  return found === undefined ? '' : `: did you mean '${found}'?`;
}

function pairsOf(name: string, value: ConfigValue): (readonly [string, string])[] {
  if (!Array.isArray(value)) return [[name, textOf(value as string | number | boolean)]];
  if (lines.has(name.toLowerCase())) return value.map((line) => [name, String(line)] as const);
  return [[name, value.join(' ')]];
}

function textOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
