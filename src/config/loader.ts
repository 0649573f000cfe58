/**
 * Reads redis.conf text line by line: comments, quoting, includes. It knows the syntax and which
 * lines exist besides directives; values are stored by whoever made the loader.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, parse as parsePath, resolve, sep } from 'node:path';
import { globMatchString } from '../util/glob.ts';
import { fromLatin1, splitWords, toLatin1 } from '../util/words.ts';
import type { Directive } from './directive-types.ts';
import { directivesByName } from './directives.ts';
import { ConfigError, type ConfigLine, type Source, ValueError } from './errors.ts';
import { systemReason } from './special-values.ts';

/** Where the lines go. */
export interface LoaderTarget {
  /** Stores a value; throws ValueError. */
  assign(directive: Directive, words: readonly string[]): void;
  /** What relative includes are relative to: the `dir` in force at that line. */
  directory(): string;
  user(line: ConfigLine): void;
  rename(line: ConfigLine): void;
}

/** Directives that older files contain and that mean nothing any more. */
const obsolete = new Set([
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
]);

/** Deep enough for any real set of files; a file that includes itself ends here. */
const includeDepthMax = 64;

const badDirective = 'Bad directive or wrong number of arguments';

export class Loader {
  private readonly target: LoaderTarget;
  private depth = 0;

  constructor(target: LoaderTarget) {
    this.target = target;
  }

  /** Loads a file. Throws ConfigError. */
  loadFile(path: string): void {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      const reason = systemReason(error);
      throw new ConfigError(`Fatal error, can't open config file '${path}': ${reason}`);
    }
    this.loadText(bytes.toString('latin1'), path);
  }

  /** Loads text of latin1 characters. Throws ConfigError. */
  loadText(content: string, name: string): void {
    if (this.depth === includeDepthMax) {
      throw new ConfigError('Too many nested includes', { name, line: 1, text: '' });
    }
    this.depth++;
    try {
      const lines = content.split('\n');
      for (let i = 0; i < lines.length; i++) {
        const text = trimBlanks(lines[i]!);
        if (text !== '' && text[0] !== '#') this.loadLine({ name, line: i + 1, text });
      }
    } finally {
      this.depth--;
    }
  }

  /** Loads one line, given without surrounding blanks. Throws ConfigError. */
  loadLine(source: Source): void {
    const words = splitWords(source.text);
    if (words === undefined) {
      throw new ConfigError('Unbalanced quotes in configuration line', source);
    }
    const name = words[0]?.toLowerCase();
    if (name === undefined) return;
    const directive = directivesByName.get(name);
    if (directive === undefined) {
      this.loadOther(name, { ...source, words: words.slice(1) });
      return;
    }
    if (!directive.multi && words.length !== 2) {
      throw new ConfigError('wrong number of arguments', source);
    }
    try {
      this.target.assign(directive, directive.multi ? valueWords(words) : words.slice(1));
    } catch (error) {
      if (error instanceof ValueError) throw new ConfigError(error.message, source);
      throw error;
    }
  }

  /** Lines that are no directives with a value. `words` are those after the name. */
  private loadOther(name: string, line: ConfigLine): void {
    const count = line.words.length;
    if (obsolete.has(name) && count === 1) return;
    if (name === 'include' && count === 1) {
      this.include(line.words[0]!);
    } else if (name === 'rename-command' && count === 2) {
      this.target.rename(line);
    } else if (name === 'user' && count >= 1) {
      this.target.user(line);
    } else if (name === 'loadmodule' && count >= 1) {
      throw new ConfigError('Modules are not supported', line);
    } else if (name === 'sentinel') {
      throw new ConfigError(
        count === 0
          ? 'Sentinel mode is not supported'
          : 'sentinel directive while not in sentinel mode',
        line,
      );
    } else if (name.includes('.')) {
      throw new ConfigError(
        count === 0
          ? 'Module config specified without value'
          : 'Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting',
        line,
      );
    } else {
      throw new ConfigError(badDirective, line);
    }
  }

  /** A pattern may match no file; a plain path must exist. */
  private include(word: string): void {
    const path = resolve(this.target.directory(), fromLatin1(word));
    if (!/[*?[]/.test(word)) this.loadFile(path);
    else for (const file of expandGlob(path)) this.loadFile(file);
  }
}

/**
 * The words of a directive that takes several. One non-empty word is split again, so that
 * `--save "60 1"` works; unbalanced quotes inside it leave nothing, as in Redis.
 */
function valueWords(words: readonly string[]): readonly string[] {
  const only = words[1];
  if (words.length === 2 && only !== undefined && only !== '') return splitWords(only) ?? [];
  return words.slice(1);
}

function trimBlanks(line: string): string {
  return line.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
}

/** Files that match an absolute path with wildcards in any part, sorted as glob(3) sorts. */
function expandGlob(pattern: string): string[] {
  const { root } = parsePath(pattern);
  let found = [root];
  const parts = pattern.slice(root.length).split(sep);
  for (const part of parts) {
    if (!/[*?[]/.test(part)) {
      found = found.map((base) => join(base, part));
      continue;
    }
    found = found.flatMap((base) =>
      listDirectory(base)
        .filter((name) => name.startsWith('.') === part.startsWith('.'))
        .filter((name) => globMatchString(toLatin1(part), toLatin1(name), false))
        .map((name) => join(base, name)),
    );
  }
  return found.filter((path) => exists(path)).sort();
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path === '' ? '.' : path);
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  return listDirectory(parsePath(path).dir).includes(parsePath(path).base);
}
