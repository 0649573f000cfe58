/**
 * The differential script language: one command per line, quoted as in redis-cli, `#` for comments
 * and `@` for directives. docs/testing.md has the reference; the grammar is all in this file.
 *
 * A script is parsed once into a flat list of steps; `@each` loops are unrolled here, so a step is
 * self-contained and a report can name its line.
 */

import { splitWords, substitute, unrolled } from './script-words.ts';

export { splitWords };

/** How the two replies to a step are compared. */
export type Comparison =
  | { readonly kind: 'exact' }
  /** Elements of the outermost aggregate in any order (pairs of a map stay together). */
  | { readonly kind: 'unordered' }
  /** The same, and a flat list is one of pairs: HGETALL in RESP2. */
  | { readonly kind: 'unordered-pairs' }
  /** Elements of every aggregate in any order. */
  | { readonly kind: 'unordered-deep' }
  /** Lines of a text (INFO, CLIENT LIST) in any order. */
  | { readonly kind: 'unordered-lines' }
  /** Numbers may differ by so much; everything else exact. */
  | { readonly kind: 'approx'; readonly tolerance: number }
  /** Both are errors with the same code (first word), or both are not and equal. */
  | { readonly kind: 'error-only' }
  /** Same types and the same lengths of aggregates, whatever the values. */
  | { readonly kind: 'shape' }
  /** Same type of reply at the top only. */
  | { readonly kind: 'type' }
  /** Only that both reply. */
  | { readonly kind: 'ignore' }
  /** Ours against a text as `format` shows replies; the oracle does not get the command. */
  | { readonly kind: 'expect'; readonly text: string };

export interface Step {
  readonly line: number;
  /** Index of the connection; 1 unless `@conn` chose another. */
  readonly connection: number;
  /** The line as written, loop variables replaced; for reports. */
  readonly text: string;
  /** The values of the loops around it; for reports, as the same line stands for many commands. */
  readonly loops: string;
  readonly action:
    | { readonly kind: 'command'; readonly argv: readonly Buffer[] }
    | { readonly kind: 'raw'; readonly bytes: Buffer }
    /** Nothing is sent: a reply still due (pub/sub, blocking) is awaited. */
    | { readonly kind: 'receive' }
    /** A PING is sent: what comes before its reply, down to nothing, is one list. */
    | { readonly kind: 'arrived' }
    /** The client hangs up. */
    | { readonly kind: 'disconnect' };
  readonly comparison: Comparison;
  /** Replies to await; 0 for CLIENT REPLY OFF and for what blocks. */
  readonly replies: number;
  /** The command must block: the next step begins when both servers count one more such client. */
  readonly blocks: boolean;
  /** The reply is kept under this name: later arguments `<saved:name>` stand for its bytes. */
  readonly save: string | undefined;
  /** Matches are replaced by `*` in both replies before they are compared. */
  readonly masks: readonly RegExp[];
  /** Names in maps (or flat arrays of pairs) whose values become `*`. */
  readonly maskedFields: readonly string[];
  /** Integers at this place (from 1) of a list are `*`; 0 for none. */
  readonly maskedItem: number;
  /** When there are any, only their matches are compared. */
  readonly picks: readonly RegExp[];
  /** The server must close the connection after the replies. */
  readonly closes: boolean;
  /** The command is repeated until the shown reply matches on both, then compared. */
  readonly until: RegExp | undefined;
  /** A SCAN-like command, argument `cursorAt` is its cursor: the whole iteration is compared. */
  readonly scan: boolean;
}

export interface Script {
  readonly name: string;
  readonly protocols: readonly (2 | 3)[];
  /** Commands that our server must have; without them the script is skipped, visibly. */
  readonly needs: readonly string[];
  /** Directives for a pair of servers of its own. */
  readonly serverArgs: readonly string[];
  /** Whether replies are the same when commands come together; false after `@no-pipeline`. */
  readonly pipelines: boolean;
  readonly steps: readonly Step[];
  /** Steps left out by `@skip-reason`, with the reasons. */
  readonly skipped: readonly { readonly line: number; readonly reason: string }[];
}

export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

/** The integers at which implementations part company. */
export const BOUNDARY_INTEGERS: readonly string[] = [
  ...['0', '1', '-1', '2147483647', '2147483648', '-2147483648', '-2147483649'],
  ...['4294967295', '4294967296', '-4294967296', '9007199254740991', '9007199254740992'],
  ...['9007199254740993', '-9007199254740991', '-9007199254740993', '9223372036854775807'],
  ...['9223372036854775806', '9223372036854775808', '-9223372036854775808'],
  ...['-9223372036854775807', '-9223372036854775809', '18446744073709551615'],
  ...['18446744073709551616', '1e3', '0x10', ' 1', '1 ', '+1', '-0', '01', '', '1.0', '-', 'abc'],
  ...['1\0', '99999999999999999999999999'],
];

/** Floating point spellings at which implementations part company. */
export const BOUNDARY_FLOATS: readonly string[] = [
  ...['0', '-0', '1', '1.5', '-1.5', '0.1', '1e3', '1E3', '1e-3', '.5', '5.', '+1', ' 1', '1 '],
  ...['0x10', '0x1p3', '1e308', '1e309', '-1e309', '1e-320', '1e400', '1e-5000', '1e4932'],
  ...['inf', '+inf', '-inf', 'infinity', 'Inf', 'nan', '-nan', '', 'abc', '1_000', '1,5', '1..2'],
  ...['3.0', '3.10', '10000000000000000000', '9007199254740993', '0.30000000000000004', '1e17'],
  ...['123456789012345678901234567890', '3.14159265358979323846264338327950288', '1\0'],
];

interface Draft {
  comparison: Comparison;
  replies: number | undefined;
  masks: RegExp[];
  maskedFields: string[];
  maskedItem: number;
  picks: RegExp[];
  closes: boolean;
  blocks: boolean;
  save: string | undefined;
  until: RegExp | undefined;
  scan: boolean;
  raw: boolean;
  skip: string | undefined;
}

interface SourceLine {
  readonly number: number;
  readonly text: string;
}

/** Parses a script. Throws ScriptError with the line that is wrong. */
export function parseScript(name: string, source: string): Script {
  return new ScriptParser(name).parse(source);
}

class ScriptParser {
  private readonly name: string;
  private protocols: (2 | 3)[] = [2, 3];
  private readonly needs: string[] = [];
  private readonly serverArgs: string[] = [];
  private pipelines = true;
  private readonly steps: Step[] = [];
  private readonly skipped: { line: number; reason: string }[] = [];
  private readonly variables = new Map<string, readonly string[]>([
    ['ints', BOUNDARY_INTEGERS],
    ['floats', BOUNDARY_FLOATS],
    // A time of 1 ms is over before the next command, or not.
    ['times', BOUNDARY_INTEGERS.filter((text) => text !== '1')],
  ]);
  private readonly masksOfAll: RegExp[] = [];
  /** The text of the loops around the last step, and their scope. */
  private loops = '';
  private loopsScope: ReadonlyMap<string, string> | undefined;
  private connection = 1;
  private draft: Draft = freshDraft();

  constructor(name: string) {
    this.name = name;
  }

  parse(source: string): Script {
    const lines = joined(source.split('\n')).filter(
      ({ text }) => text !== '' && !text.startsWith('#'),
    );
    this.block(lines, new Map());
    const { name, protocols, needs, serverArgs, pipelines, steps, skipped } = this;
    return { name, protocols, needs, serverArgs, pipelines, steps, skipped };
  }

  /** Runs lines with the loop variables of the enclosing `@each` blocks set. */
  private block(lines: readonly SourceLine[], scope: ReadonlyMap<string, string>): void {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (/^@each\s/.test(line.text)) {
        const end = matchingEnd(lines, i, this.name);
        const [variable, ...values] = this.words(line, line.text.slice(5), scope);
        if (variable === undefined) throw this.wrong(line, '@each needs a variable');
        for (const value of values.flatMap((word) => this.valuesOf(word))) {
          this.block(lines.slice(i + 1, end), new Map([...scope, [variable, value]]));
        }
        i = end;
      } else if (line.text === '@end') {
        throw this.wrong(line, '@end without @each');
      } else if (line.text.startsWith('@')) {
        this.directive(line, scope);
      } else {
        this.step(line, scope);
      }
    }
  }

  /** `@ints` stands for the values of the list `ints`. */
  private valuesOf(word: string): readonly string[] {
    return (word.startsWith('@') ? this.variables.get(word.slice(1)) : undefined) ?? [word];
  }

  private directive(line: SourceLine, scope: ReadonlyMap<string, string>): void {
    const [, keyword = '', rest = ''] = /^@(\S+)\s*(.*)$/.exec(line.text) ?? [];
    const { draft } = this;
    switch (keyword) {
      case 'protocol':
        if (rest !== '2' && rest !== '3') throw this.wrong(line, '@protocol 2 or @protocol 3');
        this.protocols = [rest === '2' ? 2 : 3];
        return;
      case 'needs':
        this.needs.push(...rest.split(/\s+/));
        return;
      case 'server':
        this.serverArgs.push(...this.words(line, rest, scope));
        return;
      case 'no-pipeline':
        this.pipelines = false;
        return;
      case 'let': {
        const [variable, ...values] = this.words(line, rest, scope);
        if (variable === undefined) throw this.wrong(line, '@let needs a name');
        this.variables.set(
          variable,
          values.flatMap((word) => this.valuesOf(word)),
        );
        return;
      }
      case 'conn':
        this.connection = Number(substitute(rest, scope));
        if (!(this.connection >= 1 && this.connection <= 9)) throw this.wrong(line, '@conn 1 to 9');
        return;
      case 'receive':
      case 'arrived':
      case 'disconnect':
        this.add(line, line.text, { kind: keyword }, scope);
        return;
      case 'unordered': {
        const kind = unorderedKind(rest);
        if (kind === undefined) throw this.wrong(line, '@unordered, pairs, deep or lines');
        draft.comparison = { kind };
        return;
      }
      case 'approx':
        draft.comparison = { kind: 'approx', tolerance: Number(rest) };
        if (!(Number(rest) >= 0)) throw this.wrong(line, '@approx needs a number');
        return;
      case 'error-only':
      case 'shape':
      case 'type':
      case 'ignore':
        draft.comparison = { kind: keyword };
        return;
      case 'expect':
        draft.comparison = { kind: 'expect', text: substitute(rest, scope) };
        return;
      case 'mask':
        draft.masks.push(new RegExp(rest, 'gm'));
        return;
      case 'mask-all':
        this.masksOfAll.push(new RegExp(rest, 'gm'));
        return;
      case 'mask-fields':
        draft.maskedFields.push(...rest.split(/\s+/));
        return;
      case 'mask-item':
        draft.maskedItem = Number(rest);
        if (!(draft.maskedItem >= 1)) throw this.wrong(line, '@mask-item 1 and more');
        return;
      case 'pick':
        draft.picks.push(new RegExp(rest, 'gm'));
        return;
      case 'closes':
        draft.closes = true;
        return;
      case 'blocks':
        draft.blocks = true;
        draft.replies = 0;
        return;
      case 'save':
        if (!/^\w+$/.test(rest)) throw this.wrong(line, '@save needs a name');
        draft.save = rest;
        return;
      case 'no-reply':
        draft.replies = 0;
        return;
      case 'replies':
        draft.replies = Number(rest);
        return;
      case 'sleep-until':
        draft.until = new RegExp(rest);
        return;
      case 'scan':
        draft.scan = true;
        return;
      case 'raw':
        draft.raw = true;
        return;
      case 'skip-reason':
        draft.skip = rest;
        return;
      default:
        throw this.wrong(line, `unknown directive @${keyword}`);
    }
  }

  private step(line: SourceLine, scope: ReadonlyMap<string, string>): void {
    const text = substitute(line.text, scope);
    const words = this.words(line, line.text, scope);
    const argv = words.map((word) => Buffer.from(word, 'latin1'));
    if (this.draft.raw) {
      if (argv.length !== 1) throw this.wrong(line, 'after @raw one quoted string is expected');
      this.add(line, text, { kind: 'raw', bytes: argv[0]! }, scope);
    } else {
      this.add(line, text, { kind: 'command', argv }, scope);
    }
  }

  private add(
    line: SourceLine,
    text: string,
    action: Step['action'],
    scope: ReadonlyMap<string, string>,
  ): void {
    const { draft, connection } = this;
    this.draft = freshDraft();
    if (draft.skip !== undefined) {
      this.skipped.push({ line: line.number, reason: draft.skip });
      return;
    }
    if (scope !== this.loopsScope) {
      this.loopsScope = scope;
      this.loops = [...scope].map(([variable, value]) => `${variable}=${value}`).join(' ');
    }
    // One shape and shared empty lists: there are a hundred thousand steps.
    this.steps.push({
      line: line.number,
      connection,
      text,
      loops: this.loops,
      action,
      comparison: draft.comparison,
      replies: draft.replies ?? (action.kind === 'disconnect' ? 0 : 1),
      blocks: draft.blocks,
      save: draft.save,
      masks: listOf([...draft.masks, ...this.masksOfAll]),
      maskedFields: listOf(draft.maskedFields),
      maskedItem: draft.maskedItem,
      picks: listOf(draft.picks),
      closes: draft.closes,
      until: draft.until,
      scan: draft.scan,
    });
  }

  private words(line: SourceLine, text: string, scope: ReadonlyMap<string, string>): string[] {
    const words = splitWords(unrolled(text, scope));
    if (words === undefined) throw this.wrong(line, 'unbalanced quotes');
    return words.map((word) => substitute(word, scope));
  }

  private wrong(line: SourceLine, why: string): ScriptError {
    return new ScriptError(`${this.name}:${line.number}: ${why}: ${line.text}`);
  }
}

/** The lines with their numbers; an `@each` or `@let` that ends in ` \\` goes on in the next. */
function joined(texts: readonly string[]): SourceLine[] {
  const lines: SourceLine[] = [];
  let goesOn = false;
  for (const [index, raw] of texts.entries()) {
    const text = raw.trim();
    const last = lines.at(-1);
    if (goesOn && last !== undefined) {
      lines[lines.length - 1] = { ...last, text: `${last.text.slice(0, -1)}${text}` };
    } else lines.push({ number: index + 1, text });
    goesOn = /^@(each|let)\s.* \\$/.test(lines.at(-1)!.text);
  }
  return lines;
}

const NOTHING: readonly never[] = [];

/** The list, or the one that all empty lists are. */
function listOf<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list;
}

function unorderedKind(
  rest: string,
): 'unordered' | 'unordered-pairs' | 'unordered-deep' | 'unordered-lines' | undefined {
  if (rest === '') return 'unordered';
  return rest === 'pairs' || rest === 'deep' || rest === 'lines' ? `unordered-${rest}` : undefined;
}

function freshDraft(): Draft {
  return {
    comparison: { kind: 'exact' },
    replies: undefined,
    masks: [],
    maskedFields: [],
    maskedItem: 0,
    picks: [],
    closes: false,
    blocks: false,
    save: undefined,
    until: undefined,
    scan: false,
    raw: false,
    skip: undefined,
  };
}

function matchingEnd(lines: readonly SourceLine[], from: number, name: string): number {
  let depth = 0;
  for (let i = from; i < lines.length; i++) {
    const { text } = lines[i]!;
    if (/^@each\s/.test(text)) depth++;
    if (text === '@end' && --depth === 0) return i;
  }
  throw new ScriptError(`${name}:${lines[from]!.number}: @each without @end`);
}
