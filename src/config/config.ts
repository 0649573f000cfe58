/**
 * The configuration: current values of all directives, CONFIG GET/SET/REWRITE over them, and
 * loading from files, pairs, the environment and the command line.
 *
 * Texts are latin1 strings, one character per byte; `path()` gives file names as JavaScript
 * strings. Loading throws ConfigError and calls no listener; `set()` throws CommandError, and
 * either all pairs of a call take effect or none. Nothing here changes the process: not even
 * `dir` does, relative paths are for the user of the value to resolve.
 */
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandError, errors } from '../util/errors.ts';
import { globMatchString } from '../util/glob.ts';
import { fromLatin1, splitWords, toLatin1 } from '../util/words.ts';
import { type CommandLine, parseCommandLine, readEnvironment } from './command-line.ts';
import type { Directive } from './directive-types.ts';
import { directives, directivesByName } from './directives.ts';
import { ConfigError, type ConfigLine, type Source, ValueError } from './errors.ts';
import { Loader } from './loader.ts';
import { rewriteFile } from './rewrite.ts';
import { systemReason } from './special-values.ts';
import { numberOf, parseValue, type Value, type ValueContext } from './values.ts';

/** Called after a change, with the new values in place. Throwing refuses the whole CONFIG SET. */
export type ChangeListener = (config: Config) => void;

/** Who asks. Decides about protected directives under `enable-protected-configs local`. */
export interface SetOptions {
  readonly local?: boolean;
}

/** What `loadArgs` takes besides argv. */
export interface LoadArgsOptions {
  /** Usually process.env; without it no variable is looked at. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Reads standard input to its end; called when `-` is among the arguments. */
  readonly readStdin?: () => Uint8Array;
}

interface Slot {
  readonly directive: Directive;
  text: string;
  number: number;
  readonly listeners: ChangeListener[];
}

export class Config {
  /** Absolute path of the configuration file, empty when there is none. */
  file = '';
  /** `user` lines in order, for the ACL. */
  readonly users: ConfigLine[] = [];
  /** `rename-command` lines in order: words are the old name and the new one ('' removes). */
  readonly renamedCommands: ConfigLine[] = [];
  /** RESPITE_ variables that name no directive: worth a warning, as they may be typos. */
  unknownVariables: readonly string[] = [];
  /** When set, CONFIG REWRITE replaces `user` lines by these (without the word `user`). */
  describeUsers: (() => readonly string[]) | undefined;
  private readonly slots = new Map<string, Slot>();
  private readonly read = (name: string) => this.string(name);
  private readonly loader: Loader;
  /** Whether a `save` line was read: the first one replaces the default, others add to it. */
  private saveLoaded = false;

  /** Whether data is being loaded: CONFIG SET must leave some directives alone then. */
  isLoading: () => boolean = () => false;

  constructor() {
    for (const directive of directives) {
      const text = directive.name === 'dir' ? toLatin1(process.cwd()) : directive.default;
      const number = numberOf(directive, text);
      const slot: Slot = { directive, text, number, listeners: [] };
      this.slots.set(directive.name, slot);
      if (directive.aliases.length === 0) continue;
      for (const name of directive.aliases) this.slots.set(name, slot);
    }
    this.loader = new Loader({
      assign: (directive, words) => this.assignLoaded(directive, words),
      directory: () => this.path('dir'),
      user: (line) => this.users.push(line),
      rename: (line) => this.renamedCommands.push(line),
    });
  }

  // ---- reading -----------------------------------------------------------------------------

  /** A directive's value in CONFIG GET's form. Throws when there is no such directive. */
  string(name: string): string {
    return this.slot(name).text;
  }

  /** A numeric value. A percentage (maxmemory) is negative; past 2^53 it is rounded. */
  number(name: string): number {
    return this.slot(name).number;
  }

  bool(name: string): boolean {
    return this.slot(name).number === 1;
  }

  /** A file name as a JavaScript string (UTF-8 decoded); not resolved against `dir`. */
  path(name: string): string {
    return fromLatin1(this.slot(name).text);
  }

  /** Whether a value of this directive should stay out of logs. */
  isSecret(name: string): boolean {
    return this.slots.get(name.toLowerCase())?.directive.secret === true;
  }

  /** Names of directives that are set to something and that nothing reads, as in the table. */
  withoutEffect(): string[] {
    return directives
      .filter(({ meaning }) => meaning === 'accepted')
      .filter(({ name, default: initial }) => !['', initial].includes(this.string(name)))
      .map(({ name }) => name);
  }

  private slot(name: string): Slot {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new Error(`no directive is named ${name}`);
    return slot;
  }

  /**
   * CONFIG GET: names and values that match any of the globs, each name once, case ignored. A
   * pattern without glob characters is looked up and comes back as it was asked for.
   */
  get(patterns: readonly string[]): [name: string, value: string][] {
    const found = new Map<string, [string, string]>();
    for (const pattern of patterns) {
      if (!/[[*?]/.test(pattern)) {
        const key = pattern.toLowerCase();
        const slot = this.slots.get(key);
        if (slot !== undefined && !found.has(key)) found.set(key, [pattern, slot.text]);
        continue;
      }
      for (const [name, slot] of this.slots) {
        if (slot.directive.hidden || found.has(name)) continue;
        if (globMatchString(pattern, name, true)) found.set(name, [name, slot.text]);
      }
    }
    return [...found.values()];
  }

  /** The values of all directives, to be handed to `changedSince` later. O(directives). */
  texts(): readonly string[] {
    return directives.map(({ name }) => this.slot(name).text);
  }

  /** The directives that had another value then, with it. O(directives). */
  changedSince(texts: readonly string[]): [name: string, value: string][] {
    const changed: [string, string][] = [];
    for (const [i, { name }] of directives.entries()) {
      if (this.string(name) !== texts[i]) changed.push([name, texts[i]!]);
    }
    return changed;
  }

  private context(slot: Slot, loading: boolean): ValueContext {
    return { current: slot.text, appending: false, loading, read: this.read };
  }

  // ---- changing ----------------------------------------------------------------------------

  /** Registers a listener for changes by `set()`. One listener of several names is called once. */
  onChange(name: string, listener: ChangeListener): void {
    this.slot(name).listeners.push(listener);
  }

  /**
   * CONFIG SET. All pairs are checked and stored, then listeners are called; when one throws,
   * the old values return and the listeners called so far are called again. Throws CommandError.
   */
  set(pairs: readonly (readonly [name: string, value: string])[], options: SetOptions = {}): void {
    const changes = this.resolveSet(pairs, options);
    const before = changes.map(({ slot }) => ({ slot, text: slot.text, number: slot.number }));
    const restore = () => {
      for (const { slot, text, number } of before) store(slot, { text, number });
    };
    for (const { name, slot, value } of changes) {
      try {
        const words = slot.directive.multi ? value.split(' ') : [value];
        const context = this.context(slot, false);
        store(slot, parseValue(slot.directive, words, context));
      } catch (error) {
        restore();
        throw setFailed(name, error);
      }
    }
    const changed = changes.filter(
      ({ slot }, i) => slot.directive.alwaysApply || slot.text !== before[i]!.text,
    );
    this.applyChanges(changed, restore);
  }

  private resolveSet(
    pairs: readonly (readonly [string, string])[],
    options: SetOptions,
  ): { name: string; slot: Slot; value: string }[] {
    const changes: { name: string; slot: Slot; value: string }[] = [];
    for (const [given, value] of pairs) {
      const name = given.toLowerCase();
      const slot = this.slots.get(name);
      if (slot === undefined) {
        throw new CommandError(
          `ERR Unknown option or number of arguments for CONFIG SET - '${given}'`,
        );
      }
      if (!slot.directive.mutable) throw setFailed(given, "can't set immutable config");
      if (slot.directive.protected && !this.mayChangeProtected(options)) {
        throw setFailed(given, "can't set protected config");
      }
      if (slot.directive.heldWhileLoading && this.isLoading()) throw errors.loading;
      // Redis compares entries of its table, so a name and its alias are not duplicates.
      if (changes.some((c) => c.name === name)) throw setFailed(given, 'duplicate parameter');
      changes.push({ name, slot, value });
    }
    return changes;
  }

  private mayChangeProtected(options: SetOptions): boolean {
    const allowed = this.string('enable-protected-configs');
    return allowed === 'yes' || (allowed === 'local' && options.local === true);
  }

  private applyChanges(
    changes: readonly { name: string; slot: Slot }[],
    restore: () => void,
  ): void {
    const called: ChangeListener[] = [];
    for (const { name, slot } of changes) {
      for (const listener of slot.listeners) {
        if (called.includes(listener)) continue;
        called.push(listener);
        try {
          listener(this);
        } catch (error) {
          restore();
          for (const earlier of called) {
            try {
              earlier(this);
            } catch {
              // The old value was fine before; there is nothing better to go back to.
            }
          }
          throw setFailed(name, error);
        }
      }
    }
  }

  /**
   * Changes a directive from inside the server (REPLICAOF, the port that was really bound):
   * immutable ones too, no listener is called. Throws ValueError.
   */
  assign(name: string, value: string): void {
    const slot = this.slot(name);
    const words = slot.directive.multi ? (splitWords(value) ?? []) : [value];
    const given = value === '' ? [''] : words;
    const context = this.context(slot, true);
    if (name === 'replicaof' && value === '') store(slot, { text: '', number: Number.NaN });
    else store(slot, parseValue(slot.directive, given, context));
  }

  /**
   * CONFIG REWRITE of the file the configuration came from, or of `path`; `whole`: with defaults,
   * too. Throws CommandError when there is none or it cannot be written.
   */
  rewrite(path: string = this.file, whole = false): void {
    if (path === '') throw new CommandError('ERR The server is running without a config file');
    try {
      rewriteFile(path, (name) => this.string(name), this.describeUsers?.(), whole);
    } catch (error) {
      throw new CommandError(`ERR Rewriting config file: ${systemReason(error)}`);
    }
  }

  // ---- loading -----------------------------------------------------------------------------

  /** Loads redis.conf text. `name` says in errors where it came from. */
  loadText(text: string, name: string): void {
    this.loader.loadText(toLatin1(text), name);
    this.checkTogether();
  }

  /** Loads a file and remembers it as the one CONFIG REWRITE writes. */
  loadFile(path: string): void {
    this.file = resolve(path);
    this.loader.loadFile(this.file);
    this.checkTogether();
  }

  /**
   * Loads names and values, each replacing what was there. A value is taken whole, or split into
   * words where the directive takes several (`save`: `60 1 300 10`). `user` and the like work too.
   */
  loadPairs(pairs: Iterable<readonly [name: string, value: string]>): void {
    for (const [name, value] of pairs) {
      const source = { name: 'options', line: 0, text: `${name} ${value}` };
      this.assignWhole(name.toLowerCase(), toLatin1(value), source);
    }
    this.checkTogether();
  }

  /**
   * Loads what the command line says, in ascending precedence: file, standard input,
   * environment, options. `argv` is without the program's name. Returns the parsed command line;
   * nothing was loaded unless its `action` is `run`.
   */
  loadArgs(argv: readonly string[], options: LoadArgsOptions = {}): CommandLine {
    const line = parseCommandLine(argv);
    if (line.action !== 'run') return line;
    if (line.file !== undefined) {
      this.file = resolve(line.file);
      this.loader.loadFile(this.file);
    }
    if (line.stdin) {
      const input = options.readStdin?.() ?? new Uint8Array(0);
      this.loader.loadText(Buffer.from(input).toString('latin1'), 'standard input');
    }
    this.loadEnvironment(options.env ?? {});
    this.loader.loadText(toLatin1(line.options), 'command line');
    this.checkTogether();
    this.checkLogFile();
    return line;
  }

  /** Loads RESPITE_<DIRECTIVE> variables. For a secret, RESPITE_<DIRECTIVE>_FILE names a file. */
  private loadEnvironment(env: Readonly<Record<string, string | undefined>>): void {
    const { values, unknown } = readEnvironment(env);
    this.unknownVariables = unknown;
    let number = 0;
    for (const { variable, directive, value } of values) {
      const shown = directive.secret ? '(secret)' : value;
      const text = `${variable}=${shown}`;
      const source = { name: 'environment', line: ++number, text };
      this.assignWhole(directive.name, toLatin1(value), source);
    }
  }

  private assignWhole(name: string, value: string, source: Source): void {
    const directive = directivesByName.get(name);
    if (directive === undefined) {
      this.loader.loadLine(source);
      return;
    }
    const words = directive.multi && value !== '' ? splitWords(value) : [value];
    if (words === undefined) {
      throw new ConfigError('Unbalanced quotes in configuration line', source);
    }
    if (directive.name === 'save') this.saveLoaded = false;
    try {
      this.assignLoaded(directive, words);
    } catch (error) {
      if (error instanceof ValueError) throw new ConfigError(error.message, source);
      throw error;
    }
  }

  private assignLoaded(directive: Directive, words: readonly string[]): void {
    const slot = this.slot(directive.name);
    const isSave = directive.name === 'save';
    const context = { ...this.context(slot, true), appending: isSave && this.saveLoaded };
    store(slot, parseValue(directive, words, context));
    if (isSave) this.saveLoaded = true;
  }

  /** What no single line can tell. */
  private checkTogether(): void {
    if (!this.bool('cluster-enabled')) return;
    if (this.string('replicaof') !== '') {
      throw new ConfigError('replicaof directive not allowed in cluster mode');
    }
    if (this.number('databases') > 1) this.assign('databases', '1');
  }

  /** Better to fail now than to run without a log. Creates the file, as Redis does. */
  private checkLogFile(): void {
    const path = this.path('logfile');
    if (path === '') return;
    try {
      const full = resolve(this.path('dir'), path);
      closeSync(openSync(full, 'a'));
      accessSync(full, constants.W_OK);
    } catch (error) {
      throw new ConfigError(`Can't open the log file: ${systemReason(error)}`);
    }
  }
}

function store(slot: Slot, value: Value): void {
  slot.text = value.text;
  slot.number = value.number;
}

function setFailed(name: string, cause: unknown): CommandError {
  const head = `ERR CONFIG SET failed (possibly related to argument '${name}')`;
  if (typeof cause === 'string') return new CommandError(`${head} - ${cause}`);
  const reason = cause instanceof Error ? cause.message.replace(/^ERR /, '') : String(cause);
  return new CommandError(reason === '' ? head : `${head} - ${reason}`);
}
