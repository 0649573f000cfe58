/**
 * What a directive is, and short constructors for the table in `directives.ts`. A directive only
 * describes; current values live in `Config`.
 *
 * Texts are latin1 strings, one character per byte, so that passwords survive any octet.
 */

export type DirectiveType =
  | 'bool'
  | 'integer'
  | 'memory'
  | 'memory or percent'
  | 'octal'
  | 'enum'
  | 'flags'
  | 'string'
  | 'words';

/**
 * `active`: the server acts on it. `always`: what it asks for is so anyway. `accepted`: kept and
 * reported, without effect yet.
 */
export type Meaning = 'active' | 'always' | 'accepted';

/** `mutable`: CONFIG SET may change it; `protected`: only under enable-protected-configs. */
export type Access = 'mutable' | 'fixed' | 'protected';

/** What a parser of several words gets besides the words. */
export interface ParseContext {
  /** The value so far, in CONFIG GET's form. */
  readonly current: string;
  /** Whether the words add to the value (a further `save` line) rather than replace it. */
  readonly appending: boolean;
}

export interface Directive {
  /** The name CONFIG REWRITE writes. */
  readonly name: string;
  /** Older names; CONFIG GET lists them as well. */
  readonly aliases: readonly string[];
  readonly type: DirectiveType;
  /** In CONFIG GET's form. */
  readonly default: string;
  readonly mutable: boolean;
  readonly protected: boolean;
  readonly meaning: Meaning;
  /** One sentence for the reference. */
  readonly doc: string;
  /** Whether a number of bytes may also be a percentage, which is held as a negative number. */
  readonly byShare: boolean;
  /** Bounds of numbers, inclusive. */
  readonly min: bigint;
  readonly max: bigint;
  /** The words an enum or a set of flags is made of, in the order errors list them. */
  readonly values: readonly string[];
  /** Further enum words and the value each stands for. */
  readonly synonyms: Readonly<Record<string, string>>;
  /** Whether a line may carry any number of words. */
  readonly multi: boolean;
  /** Whether an empty text means "not set", which CONFIG REWRITE leaves out. */
  readonly emptyIsUnset: boolean;
  /** Whether the text may hold zero bytes; other texts end at the first one. */
  readonly binary: boolean;
  /** Listed by CONFIG GET only when asked for by its exact name. */
  readonly hidden: boolean;
  /** Its value should not appear in logs, SLOWLOG or MONITOR. */
  readonly secret: boolean;
  /** Whether listeners hear of a CONFIG SET that repeats the old value (files read again). */
  readonly alwaysApply: boolean;
  /** Whether CONFIG SET leaves it alone while data is loaded: it decides what, or from where. */
  readonly heldWhileLoading: boolean;
  /** Version that brought it, where later than 7.0. */
  readonly since: string | undefined;
  /** Why a well-formed value is wrong, or undefined; `read` tells what others are set to. */
  readonly check:
    | ((text: string, read: (directive: string) => string) => string | undefined)
    | undefined;
  /** Brings a value out of bounds into them when it is applied. */
  readonly clamp: ((value: bigint, loading: boolean) => bigint) | undefined;
  /** For 'words': the value in CONFIG GET's form; throws ValueError. */
  readonly parse: ((words: readonly string[], context: ParseContext) => string) | undefined;
}

/** What a table row may say beyond its columns. */
export type Extra = Partial<
  Pick<
    Directive,
    | 'aliases'
    | 'byShare'
    | 'emptyIsUnset'
    | 'binary'
    | 'hidden'
    | 'secret'
    | 'alwaysApply'
    | 'heldWhileLoading'
    | 'since'
    | 'check'
    | 'clamp'
    | 'synonyms'
  >
>;

export type Range = readonly [min: bigint, max: bigint];

export const INT_MAX = 2147483647n;
export const UINT_MAX = 4294967295n;
export const LONG_MAX = 9223372036854775807n;
export const ULONG_MAX = 18446744073709551615n;

export const ANY_INT: Range = [-2147483648n, INT_MAX];
export const INT: Range = [0n, INT_MAX];
export const POSITIVE_INT: Range = [1n, INT_MAX];
export const LONG: Range = [0n, LONG_MAX];
export const POSITIVE_LONG: Range = [1n, LONG_MAX];
export const PORT: Range = [0n, 65535n];

/** What a row has unless it says otherwise. */
const blank = {
  aliases: [],
  min: 0n,
  max: 0n,
  byShare: false,
  values: [],
  synonyms: {},
  multi: false,
  emptyIsUnset: false,
  binary: false,
  hidden: false,
  secret: false,
  alwaysApply: false,
  heldWhileLoading: false,
  since: undefined,
  check: undefined,
  clamp: undefined,
  parse: undefined,
} as const;

const common: Readonly<Record<Access, object>> = {
  mutable: { ...blank, mutable: true, protected: false },
  fixed: { ...blank, mutable: false, protected: false },
  protected: { ...blank, mutable: true, protected: true },
};

/** A row's own columns; what nearly all rows have in common is their prototype's, once for all. */
type Columns = Pick<Directive, 'name' | 'type' | 'default' | 'meaning' | 'doc'> &
  Partial<Directive>;

function row(access: Access, columns: Columns, extra?: Extra): Directive {
  return Object.assign(Object.create(common[access]), columns, extra) as Directive;
}

/** yes or no. */
export function bool(
  name: string,
  defaultValue: 'yes' | 'no',
  access: Access,
  meaning: Meaning,
  doc: string,
  extra?: Extra,
): Directive {
  return row(access, { name, type: 'bool', default: defaultValue, meaning, doc }, extra);
}

function numeric(type: DirectiveType) {
  return (
    name: string,
    defaultValue: number,
    [min, max]: Range,
    access: Access,
    meaning: Meaning,
    doc: string,
    extra?: Extra,
  ): Directive => {
    const text = type === 'octal' ? defaultValue.toString(8) : String(defaultValue);
    return row(access, { name, type, default: text, min, max, meaning, doc }, extra);
  };
}

/** A decimal integer within bounds. */
export const int = numeric('integer');

/** A number of bytes, with an optional unit. */
export const memory = numeric('memory');

/** A number of bytes or a percentage, which is held as a negative number. */
export const memoryOrPercent = numeric('memory or percent');

/** A file mode. */
export const octal = numeric('octal');

/** One of several words. */
export function oneOf(
  name: string,
  defaultValue: string,
  values: readonly string[],
  access: Access,
  meaning: Meaning,
  doc: string,
  extra?: Extra,
): Directive {
  return row(access, { name, type: 'enum', default: defaultValue, values, meaning, doc }, extra);
}

/** Any of several words together; the first one means none of the others. */
export function flags(
  name: string,
  values: readonly string[],
  access: Access,
  meaning: Meaning,
  doc: string,
  extra?: Extra,
): Directive {
  const first = values[0] ?? '';
  return row(
    access,
    { name, type: 'flags', default: first, values, multi: true, meaning, doc },
    extra,
  );
}

/** Any text. */
export function text(
  name: string,
  defaultValue: string,
  access: Access,
  meaning: Meaning,
  doc: string,
  extra?: Extra,
): Directive {
  return row(access, { name, type: 'string', default: defaultValue, meaning, doc }, extra);
}

/** A text that is either set or absent. */
export function optionalText(
  name: string,
  access: Access,
  meaning: Meaning,
  doc: string,
  extra?: Extra,
): Directive {
  return text(name, '', access, meaning, doc, { emptyIsUnset: true, ...extra });
}

/** A value with a syntax of its own. `multi` false: exactly one word. */
export function words(
  name: string,
  defaultValue: string,
  parse: (words: readonly string[], context: ParseContext) => string,
  multi: boolean,
  access: Access,
  meaning: Meaning,
  doc: string,
  extra?: Extra,
): Directive {
  return row(
    access,
    { name, type: 'words', default: defaultValue, parse, multi, meaning, doc },
    extra,
  );
}
