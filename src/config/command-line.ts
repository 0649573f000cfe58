/**
 * The command line and the environment as redis.conf text. The rules of the command line are
 * those of redis-server 7.0.15: `[file] [-] [--directive words...]...`.
 *
 * Precedence, highest first: command line, environment, standard input, file, default.
 */
import { readFileSync } from 'node:fs';
import { fromLatin1, quoteWord, splitWords, toLatin1 } from '../util/words.ts';
import type { Directive } from './directive-types.ts';
import { directives } from './directives.ts';
import { ConfigError } from './errors.ts';
import { systemReason } from './special-values.ts';

export interface CommandLine {
  readonly action: 'run' | 'version' | 'help' | 'check-system';
  /** Path of the configuration file, as given. */
  readonly file: string | undefined;
  /** Whether to read standard input as well. */
  readonly stdin: boolean;
  /** The options as redis.conf text. */
  readonly options: string;
}

const actions: Readonly<Record<string, CommandLine['action']>> = {
  '-v': 'version',
  '--version': 'version',
  '-h': 'help',
  '--help': 'help',
  '--check-system': 'check-system',
};

/** Parses arguments (without the program's name). Throws ConfigError for --sentinel. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const first = argv[0];
  const action = first !== undefined && Object.hasOwn(actions, first) ? actions[first]! : 'run';
  if (action !== 'run') return { action, file: undefined, stdin: false, options: '' };
  const file = first !== undefined && !first.startsWith('-') && first !== '' ? first : undefined;
  const from = file === undefined ? 0 : 1;
  let stdin = false;
  let options = '';
  // Whether the option before has what it needs, so that `--x` begins the next one.
  let complete = true;
  for (let i = from; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '-' && (i === 0 || i === argv.length - 1)) {
      stdin = true;
    } else if (complete && arg.startsWith('--')) {
      if (options !== '') options += '\n';
      options += `${arg.slice(2)} `;
      const wordCount = splitWords(toLatin1(arg))?.length ?? 0;
      const next = argv[i + 1];
      const ends = next === undefined || next.startsWith('--');
      complete = wordCount !== 1;
      if (wordCount === 1 && ends && arg.toLowerCase() === '--save') {
        options += '""';
        complete = true;
      } else if (arg.toLowerCase() === '--sentinel') {
        throw new ConfigError('Sentinel mode is not supported');
      }
    } else {
      options += `${fromLatin1(quoteWord(toLatin1(arg)))} `;
      complete = true;
    }
  }
  return { action, file, stdin, options };
}

/** One variable that sets a directive. */
export interface EnvironmentValue {
  readonly variable: string;
  readonly directive: Directive;
  readonly value: string;
}

const prefix = 'RESPITE_';

/**
 * RESPITE_<DIRECTIVE>: upper case, `_` for `-`. Aliases count; for a secret the variable with
 * `_FILE` after it names a file whose content, without its last line end, is the value. Throws
 * ConfigError when that file cannot be read.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  values: EnvironmentValue[];
  unknown: string[];
} {
  const values: EnvironmentValue[] = [];
  const known = new Set<string>();
  for (const directive of directives) {
    // The alias first, so that the proper name wins when both are there.
    for (const name of [...directive.aliases, directive.name]) {
      const variable = prefix + name.toUpperCase().replaceAll('-', '_');
      known.add(variable);
      const value = env[variable];
      if (value !== undefined) values.push({ variable, directive, value });
      if (!directive.secret) continue;
      const fileVariable = `${variable}_FILE`;
      known.add(fileVariable);
      const path = env[fileVariable];
      if (path !== undefined) {
        values.push({ variable: fileVariable, directive, value: readSecret(fileVariable, path) });
      }
    }
  }
  const unknown = Object.keys(env).filter((key) => key.startsWith(prefix) && !known.has(key));
  return { values, unknown };
}

function readSecret(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const source = { name: 'environment', line: 0, text: `${variable}=${path}` };
    throw new ConfigError(`Can't read ${path}: ${systemReason(error)}`, source);
  }
}
