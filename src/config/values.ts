/**
 * From the words of a directive to its value, with the reasons for refusal worded as redis-server
 * 7.0.15 words them. A value is its CONFIG GET text plus, where it has one, its number.
 */
import type { Directive } from './directive-types.ts';
import { LONG_MAX } from './directive-types.ts';
import { ValueError } from './errors.ts';

/** A parsed value. */
export interface Value {
  /** In CONFIG GET's form. */
  readonly text: string;
  /**
   * Numbers as they are (a percentage negative, past 2^53 rounded); bool 1 or 0; enum the index
   * of its word; else NaN.
   */
  readonly number: number;
}

export interface ValueContext {
  readonly current: string;
  readonly appending: boolean;
  readonly loading: boolean;
  /** What a directive is set to, in CONFIG GET's form. */
  readonly read: (directive: string) => string;
}

/** Parses the words of one line or one CONFIG SET argument. Throws ValueError. */
export function parseValue(
  directive: Directive,
  words: readonly string[],
  context: ValueContext,
): Value {
  const word = words[0] ?? '';
  switch (directive.type) {
    case 'bool':
      return parseBool(directive, word, context);
    case 'integer':
    case 'memory':
    case 'memory or percent':
    case 'octal':
      return parseNumber(directive, word, context.loading);
    case 'enum':
      return parseEnum(directive, word);
    case 'flags':
      return parseFlags(directive, words, context);
    case 'string':
      return checked(directive, directive.binary ? word : untilZero(word), context);
    case 'words':
      return { text: directive.parse?.(words, context) ?? '', number: Number.NaN };
  }
}

/** The number a CONFIG GET text of this directive stands for. Used for defaults. */
export function numberOf(directive: Directive, text: string): number {
  switch (directive.type) {
    case 'bool':
      return text === 'yes' ? 1 : 0;
    case 'enum':
      return directive.values.indexOf(text);
    case 'octal':
      return Number.parseInt(text, 8);
    case 'integer':
    case 'memory':
    case 'memory or percent':
      return text.endsWith('%') ? -Number(text.slice(0, -1)) : Number(text);
    default:
      return Number.NaN;
  }
}

function parseBool(directive: Directive, word: string, context: ValueContext): Value {
  const lower = untilZero(word).toLowerCase();
  if (lower !== 'yes' && lower !== 'no') throw new ValueError("argument must be 'yes' or 'no'");
  return { ...checked(directive, lower, context), number: lower === 'yes' ? 1 : 0 };
}

/** A C string ends at its first zero byte. */
function untilZero(text: string): string {
  const zero = text.indexOf('\0');
  return zero < 0 ? text : text.slice(0, zero);
}

function checked(directive: Directive, text: string, { read }: ValueContext): Value {
  const reason = directive.check?.(text, read);
  if (reason !== undefined) throw new ValueError(reason);
  return { text, number: Number.NaN };
}

// ---- enums -----------------------------------------------------------------------------------

function notOneOf(directive: Directive): ValueError {
  const words = [...directive.values, ...Object.keys(directive.synonyms)];
  // The synonym stands right after the word it means in Redis's list.
  words.sort((a, b) => rank(directive, a) - rank(directive, b));
  return new ValueError(`argument(s) must be one of the following: ${words.join(', ')}`);
}

function rank(directive: Directive, word: string): number {
  const synonym = directive.synonyms[word];
  return synonym === undefined
    ? directive.values.indexOf(word)
    : directive.values.indexOf(synonym) + 0.5;
}

function parseEnum(directive: Directive, word: string): Value {
  const lower = untilZero(word).toLowerCase();
  const text = Object.hasOwn(directive.synonyms, lower) ? directive.synonyms[lower]! : lower;
  const index = directive.values.indexOf(text);
  if (index < 0) throw notOneOf(directive);
  return { text, number: index };
}

function parseFlags(directive: Directive, words: readonly string[], context: ValueContext): Value {
  const given = new Set(words.map((word) => untilZero(word).toLowerCase()));
  for (const word of given) {
    if (!directive.values.includes(word)) throw notOneOf(directive);
  }
  if (given.size === 0) throw notOneOf(directive);
  const [none = '', ...others] = directive.values;
  const text = others.filter((word) => given.has(word)).join(' ') || none;
  return checked(directive, text, context);
}

// ---- numbers ---------------------------------------------------------------------------------

function parseNumber(directive: Directive, word: string, loading: boolean): Value {
  const given = readNumber(directive, word);
  checkBounds(directive, given);
  const value = directive.clamp?.(given, loading) ?? given;
  if (value < 0n && (directive.type === 'memory or percent' || directive.byShare)) {
    return { text: `${-value}%`, number: Number(value) };
  }
  if (directive.type === 'octal') return { text: value.toString(8), number: Number(value) };
  return { text: String(value), number: Number(value) };
}

function readNumber(directive: Directive, word: string): bigint {
  switch (directive.type) {
    case 'memory': {
      const bytes = parseMemory(word);
      if (bytes !== undefined) return bytes;
      const share = directive.byShare ? /^([1-9][0-9]?|100)%$/.exec(word)?.[1] : undefined;
      if (share === undefined) throw new ValueError('argument must be a memory value');
      return -BigInt(share);
    }
    case 'memory or percent': {
      // Redis keeps it in a signed variable: what wraps around reads as a percentage.
      const bytes = parseMemory(word);
      if (bytes !== undefined) return BigInt.asIntN(64, bytes);
      const percent = word.endsWith('%') ? parseInteger(word.slice(0, -1)) : undefined;
      if (percent === undefined || percent < 0n) {
        throw new ValueError('argument must be a memory or percent value');
      }
      return -percent;
    }
    case 'octal': {
      const mode = parseOctal(word);
      if (mode === undefined) {
        throw new ValueError("argument couldn't be parsed as an octal number");
      }
      return mode;
    }
    default: {
      const value = parseInteger(word);
      if (value === undefined) throw new ValueError("argument couldn't be parsed into an integer");
      return value;
    }
  }
}

function checkBounds(directive: Directive, value: bigint): void {
  const { min, max, type, byShare } = directive;
  if (byShare && value < 0n) return;
  if (type === 'memory or percent' && value < 0n) {
    if (value < min) throw new ValueError(`percentage argument must be less or equal to ${-min}`);
    return;
  }
  if (value >= min && value <= max) return;
  const base = type === 'octal' ? 8 : 10;
  throw new ValueError(
    `argument must be between ${min.toString(base)} and ${max.toString(base)} inclusive`,
  );
}

/** Canonical decimal 64-bit integers only: no `+`, no leading zeros, no blanks. */
export function parseInteger(word: string): bigint | undefined {
  if (word.length > 20 || !/^(?:0|-?[1-9][0-9]*)$/.test(word)) return undefined;
  const value = BigInt(word);
  return value > LONG_MAX || value < -LONG_MAX - 1n ? undefined : value;
}

const units: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000_000n,
  mb: 1048576n,
  g: 1000_000_000n,
  gb: 1073741824n,
};

/**
 * Bytes with an optional unit; undefined when malformed. As in Redis no digits mean 0, digits
 * beyond 64 bits saturate, and the product with the unit wraps around.
 */
export function parseMemory(word: string): bigint | undefined {
  const match = /^([0-9]{0,127})([a-zA-Z]{0,2})$/.exec(untilZero(word));
  const unit = units[match?.[2]?.toLowerCase() ?? '?'];
  if (match === null || unit === undefined) return undefined;
  const digits = BigInt(match[1] || '0');
  const saturated = digits > 18446744073709551615n ? 18446744073709551615n : digits;
  return BigInt.asUintN(64, saturated * unit);
}

function parseOctal(word: string): bigint | undefined {
  const match = /^(?:[ \t-\r]*([+-]?)([0-7]+))?$/.exec(untilZero(word));
  if (match === null) return undefined;
  const value = BigInt(`0o${match[2] ?? '0'}`);
  if (value > LONG_MAX) return undefined;
  return match[1] === '-' ? -value : value;
}

/** C's strtoll over the whole word: blanks and a sign may lead, "" is 0, excess saturates. */
export function parseLoose(word: string): bigint | undefined {
  if (!/^(?:[ \t-\r]*[+-]?[0-9]+)?$/.test(word)) return undefined;
  const value = BigInt(word.trim().replace(/^\+/, '') || '0');
  if (value > LONG_MAX) return LONG_MAX;
  return value < -LONG_MAX - 1n ? -LONG_MAX - 1n : value;
}
