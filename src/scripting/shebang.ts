/**
 * The first line of scripts and libraries: `#!lua name=<library> flags=<flag>,<flag>`.
 * Texts are latin1. Source of the rules and error texts: redis-server 7.0.15.
 */
import { CommandError } from '../util/errors.ts';
import { splitWords } from '../util/words.ts';
import { FUNCTION_FLAGS } from './host.ts';

/** Bits of what a script may and may not do, those of `FUNCTION_FLAGS`. */
export const ScriptFlag = {
  noWrites: 1,
  allowOom: 2,
  allowStale: 4,
  noCluster: 8,
  allowCrossSlotKeys: 16,
} as const;

/** Bytes of a source that are looked at for its first line. */
export const HEAD_MAX = 4096;

export interface ScriptHead {
  /** Bits of `ScriptFlag`. */
  readonly flags: number;
  /** No shebang line: the script is judged by what it does, as before there were flags. */
  readonly isPlain: boolean;
  /**
   * Where the code begins; the line end of the shebang belongs to it, so that lines count right.
   */
  readonly codeAt: number;
}

const plain: ScriptHead = { flags: 0, isPlain: true, codeAt: 0 };

/** Reads the head of a script for EVAL. Throws CommandError. */
export function scriptHead(source: string): ScriptHead {
  if (!source.startsWith('#!')) return plain;
  const end = source.indexOf('\n');
  if (end < 0) throw new CommandError('ERR Invalid script shebang');
  const words = splitWords(source.slice(0, end));
  if (words === undefined) throw new CommandError('ERR Invalid engine in script shebang');
  const [engine = '', ...options] = words;
  if (engine !== '#!lua') {
    throw new CommandError(`ERR Unexpected engine in script shebang: ${engine}`);
  }
  let flags = 0;
  for (const option of options) {
    if (!option.startsWith('flags=')) {
      throw new CommandError(`ERR Unknown lua shebang option: ${option}`);
    }
    for (const flag of option.slice('flags='.length).split(',')) {
      if (flag === '') continue;
      const bit = FUNCTION_FLAGS.indexOf(flag as (typeof FUNCTION_FLAGS)[number]);
      if (bit < 0) throw new CommandError(`ERR Unexpected flag in script shebang: ${flag}`);
      flags |= 1 << bit;
    }
  }
  return { flags, isPlain: false, codeAt: end };
}

/** Reads the head of a library: its name and where its code begins. Throws CommandError. */
export function libraryHead(source: string): { readonly name: string; readonly codeAt: number } {
  if (!source.startsWith('#!')) throw new CommandError('ERR Missing library metadata');
  const end = source.indexOf('\n');
  if (end < 0) throw new CommandError('ERR Invalid library metadata');
  const words = splitWords(source.slice(0, end));
  if (words === undefined) throw new CommandError('ERR Invalid library metadata');
  const [engine = '', ...options] = words;
  let name: string | undefined;
  for (const option of options) {
    if (!/^name=/i.test(option)) {
      throw new CommandError(`ERR Invalid metadata value given: ${option}`);
    }
    if (name !== undefined) {
      throw new CommandError('ERR Invalid metadata value, name argument was given multiple times');
    }
    name = option.slice('name='.length);
  }
  if (name === undefined) throw new CommandError('ERR Library name was not given');
  if (!isValidName(name)) {
    throw new CommandError(
      'ERR Library names can only contain letters, numbers, or underscores(_) and must be at ' +
        'least one character long',
    );
  }
  if (engine.slice(2).toLowerCase() !== 'lua') {
    throw new CommandError(`ERR Engine '${engine.slice(2)}' not found`);
  }
  return { name, codeAt: end };
}

function isValidName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i) | 32;
    const digit = name.charCodeAt(i);
    if ((c < 97 || c > 122) && (digit < 48 || digit > 57) && digit !== 95) return false;
  }
  return name !== '';
}
