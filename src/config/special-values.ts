/**
 * Directives with a syntax of their own: each function reads the words of one line into CONFIG
 * GET's form, or throws ValueError with the reason redis-server 7.0.15 gives.
 */
import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromLatin1, toLatin1 } from '../util/words.ts';
import type { ParseContext } from './directive-types.ts';
import { ValueError } from './errors.ts';
import { parseLoose, parseMemory } from './values.ts';

const wrongCount = 'wrong number of arguments';

/** `""` alone stands for no words at all. */
function withoutEmpty(words: readonly string[]): readonly string[] {
  return words.length === 1 && words[0] === '' ? [] : words;
}

/** Save points: pairs of seconds and changes. */
export function parseSave(words: readonly string[], context: ParseContext): string {
  const given = withoutEmpty(words);
  const numbers = given.map(parseLoose);
  const wellFormed = numbers.every((n, i) => n !== undefined && n >= (i % 2 === 0 ? 1n : 0n));
  if (given.length % 2 !== 0 || !wellFormed) throw new ValueError('Invalid save parameters');
  // An empty line forgets all points before it; the changes are a C int.
  const before = context.appending && words[0] !== '' && context.current !== '';
  const texts = numbers.map((n, i) => String(i % 2 === 0 ? n : BigInt.asIntN(32, n ?? 0n)));
  return [...(before ? [context.current] : []), ...texts].join(' ');
}

/** What a host or an address never contains: Redis finds out later, when it uses them. */
function isPlain(word: string): boolean {
  return word !== '' && !/[\0-\x20"'\\]/.test(word);
}

/** Addresses to listen on. */
export function parseBind(words: readonly string[]): string {
  if (words.length > 16) throw new ValueError('Too many bind addresses specified.');
  const addresses = withoutEmpty(words);
  if (!addresses.every(isPlain)) throw new ValueError('Failed to bind to specified addresses.');
  return addresses.join(' ');
}

const bufferClasses: Readonly<Record<string, number>> = {
  normal: 0,
  slave: 1,
  replica: 1,
  pubsub: 2,
};

/** Quadruples of class, hard limit, soft limit and seconds; classes not named keep theirs. */
export function parseOutputLimits(words: readonly string[], context: ParseContext): string {
  if (words.length % 4 !== 0 && !(words.length === 1 && words[0] === '')) {
    throw new ValueError('Wrong number of arguments in buffer limit configuration.');
  }
  const fields = context.current.split(' ');
  for (let i = 0; i + 3 < words.length; i += 4) {
    const index = bufferClasses[words[i]!.toLowerCase()];
    if (index === undefined) {
      throw new ValueError('Invalid client class specified in buffer limit configuration.');
    }
    const hard = parseMemory(words[i + 1]!);
    const soft = parseMemory(words[i + 2]!);
    const loose = parseLoose(words[i + 3]!);
    const seconds = loose === undefined ? -1n : BigInt.asIntN(32, loose);
    if (hard === undefined || soft === undefined || seconds < 0n) {
      throw new ValueError(
        'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
      );
    }
    fields.splice(index * 4 + 1, 3, String(hard), String(soft), String(seconds));
  }
  return fields.join(' ');
}

/** Three adjustments: main process, replica, background child. */
export function parseOomValues(words: readonly string[]): string {
  if (words.length !== 3) throw new ValueError(wrongCount);
  const numbers = words.map(parseLoose);
  if (numbers.some((n) => n === undefined || n < -2000n || n > 2000n)) {
    throw new ValueError('Invalid oom-score-adj-values, elements must be between -2000 and 2000.');
  }
  return numbers.join(' ');
}

/** Event classes `A` stands for, in the order Redis prints them. */
const allEvents = 'g$lshzxetd';
/** The rest; S, T, I and V as in Redis 8.8 (src/server/notifications.ts). */
const otherEvents = 'nKEmSTIV';

/**
 * Keyspace event classes, in canonical order. Redis forgets to print `n` next to `A`; here it is
 * printed, so that the value read back means the same.
 */
export function parseEvents(words: readonly string[]): string {
  const given = new Set(words[0] ?? '');
  for (const char of given) {
    if (char !== 'A' && !allEvents.includes(char) && !otherEvents.includes(char)) {
      throw new ValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
  }
  const classes = [...allEvents].filter((char) => given.has('A') || given.has(char));
  const head = classes.length === allEvents.length ? 'A' : classes.join('');
  return head + [...otherEvents].filter((char) => given.has(char)).join('');
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const hexadecimal = /^[+-]?0x[0-9a-f]+$/i;
const infinite = /^[+-]?inf(?:inity)?$/i;

/** Percentiles INFO latencystats prints, each between 0 and 100. */
export function parsePercentiles(words: readonly string[]): string {
  return withoutEmpty(words)
    .map((word) => {
      if (!decimal.test(word) && !hexadecimal.test(word) && !infinite.test(word)) {
        throw new ValueError('Invalid latency-tracking-info-percentiles parameters');
      }
      const value = Number(word);
      if (!(value >= 0 && value <= 100)) {
        throw new ValueError(
          'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
        );
      }
      return value.toFixed(6).replace(/\.?0+$/, '');
    })
    .join(' ');
}

/** `host port`, or `no one`, which empties it. */
export function parseReplicaOf(words: readonly string[]): string {
  const [host = '', port = ''] = words;
  if (words.length !== 2) throw new ValueError(wrongCount);
  if (host.toLowerCase() === 'no' && port.toLowerCase() === 'one') return '';
  const number = parseLoose(port);
  if (number === undefined || number < 0n || number > 65535n) {
    throw new ValueError('Invalid master port');
  }
  if (!isPlain(host)) throw new ValueError('Invalid master host');
  return `${host} ${number}`;
}

/**
 * The working directory: must exist. Kept absolute; the process does not change to it, because
 * several servers may live in one process.
 */
export function parseDir(words: readonly string[], context: ParseContext): string {
  const wanted = fromLatin1(words[0] ?? '');
  if (wanted === '') throw new ValueError('No such file or directory');
  try {
    const path = realpathSync(resolve(fromLatin1(context.current), wanted));
    if (!statSync(path).isDirectory()) throw new ValueError('Not a directory');
    return toLatin1(path);
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError(systemReason(error));
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
  EPERM: 'Operation not permitted',
  ERR_INVALID_ARG_VALUE: 'No such file or directory',
};

/** A failed system call as strerror() words it. */
export function systemReason(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return reasons[error.code] ?? error.code;
  }
  return error instanceof Error ? error.message : String(error);
}

// ---- checks of plain texts -------------------------------------------------------------------

function baseName(directive: string, kind: string, mayBeEmpty: boolean) {
  return (text: string): string | undefined => {
    if (text === '' && !mayBeEmpty) return `${directive} can't be empty`;
    if (/[/\\]/.test(text)) return `${directive} can't be a path, just a ${kind}`;
    return undefined;
  };
}

export const checkDbFilename = baseName('dbfilename', 'filename', true);
export const checkAppendFilename = baseName('appendfilename', 'filename', false);
export const checkAppendDirname = baseName('appenddirname', 'dirname', false);

export function checkHostname(text: string): string | undefined {
  if (text.length >= 256) return 'Hostnames must be less than 256 characters';
  if (/^[A-Za-z0-9.-]*$/.test(text)) return undefined;
  return 'Hostnames may only contain alphanumeric characters, hyphens or dots';
}

export function checkShutdownFlags(text: string): string | undefined {
  const words = text.split(' ');
  if (!words.includes('save') || !words.includes('nosave')) return undefined;
  return "shutdown options SAVE and NOSAVE can't be used simultaneously";
}
