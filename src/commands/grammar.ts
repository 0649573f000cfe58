/**
 * The options of a command, read by the line that documents them: `[NX | XX] [GET] [EX seconds |
 * KEEPTTL]`. A grammar is compiled once, from the notation of syntax lines, when a command reads
 * its first option: at load they were a tenth of the import. A command's `syntax` is what comes
 * before the options and `grammar.line`.
 *
 * What was read is kept in the grammar until it reads again: where each word stands. Nothing is
 * allocated per call. A handler takes what it needs before it changes data; handlers run one at a
 * time, and those that run others (EXEC, scripts) read no options while they do.
 *
 * The rules are Redis's usual ones: words in any order, in either case; two alternatives of one
 * bracket clash; the same word again is allowed, its last value counts. Commands with other rules
 * say so in `Rules`, or read by hand and say why in their header.
 */
import type { Args } from '../util/args.ts';
import { type CommandError, errors } from '../util/errors.ts';
import { type Argument, parseSyntax } from './syntax.ts';

/** What a command does differently from others. */
export interface Rules {
  /** Words that may not be repeated; `true` for all. Repeating one is a clash. */
  readonly once?: true | readonly string[];
  /** Alternatives may stand together: the handler says which do not. */
  readonly together?: true;
  /** The error for alternatives that clash; `word` is the second one. Else a syntax error. */
  readonly clash?: (word: string) => CommandError;
  /** The error for argument i, which is no option. Else a syntax error. */
  readonly unknown?: (args: Args, i: number) => CommandError;
  /** The error for the option at argument i, whose values are missing. Else a syntax error. */
  readonly missing?: (args: Args, i: number) => CommandError;
}

const BUCKETS = 64;
/** Words are bits of a number. */
const WORDS_MAX = 30;
/** What stands in all buckets of a grammar that was not compiled yet. */
const UNCOMPILED = -2;
const NOTHING = new Int8Array(BUCKETS).fill(UNCOMPILED);
const TOKENS = /(?<![\w:-])[A-Z][A-Z0-9-]*(?![\w:-])/g;

/** Spreads words over the buckets: by length, first and last letter, whatever their case. */
function bucketOf(length: number, first: number, last: number): number {
  return (length * 7 + (first & 0x1f) * 5 + (last & 0x1f) * 3) & (BUCKETS - 1);
}

export class Grammar {
  /** The notation it was made of, for a spec's `syntax`. */
  readonly line: string;
  private readonly words: readonly string[];
  /** Per word: how many values follow it. */
  private readonly values: number[] = [];
  /** Per word, as bits: it and its alternatives; the words that may not stand before it. */
  private readonly groups: number[] = [];
  private readonly clashes: number[] = [];
  /** First word of each bucket, and per word the next one of its bucket; -1 ends. */
  private heads = NOTHING;
  private readonly nexts: number[] = [];
  private readonly rules: Rules;
  /** Bits of the words that were read. */
  private present = 0;
  /** Per word that was read: where its first value stands, or itself when it has none. */
  private readonly places: number[] = [];
  /** The word that `next` has read. */
  last = -1;

  constructor(line: string, rules: Rules = {}) {
    this.line = line;
    this.rules = rules;
    this.words = line.match(TOKENS) ?? [];
  }

  /** The number by which the other methods know a word. Call at load; throws for a wrong word. */
  word(name: string): number {
    const word = this.words.indexOf(name);
    if (word < 0) throw new Error(`${name} is not in ${this.line}`);
    return word;
  }

  // ---- reading -----------------------------------------------------------------------------

  /** Reads all arguments from `from` on. Throws on what is no option, clashes or is cut short. */
  read(args: Args, from: number): void {
    this.begin();
    for (let i = from; i < args.argc; ) i = this.next(args, i);
  }

  /** As `read`, up to the first argument that is no option; returns its position. */
  readWhile(args: Args, from: number): number {
    this.begin();
    let i = from;
    while (i < args.argc) {
      const word = this.wordAt(args, i);
      if (word < 0) break;
      i = this.take(word, args, i);
    }
    return i;
  }

  /** Forgets what was read. For those that read word by word with `next`. */
  begin(): void {
    this.present = 0;
  }

  /**
   * Reads the word at argument i with its values; `last` is the word then. Returns where the next
   * one stands. For commands whose values are checked before later words are.
   */
  next(args: Args, i: number): number {
    const word = this.wordAt(args, i);
    if (word < 0) throw this.rules.unknown?.(args, i) ?? errors.syntax;
    return this.take(word, args, i);
  }

  /** The word that argument i is, or -1. O(length), whatever the number of words. */
  wordAt(args: Args, i: number): number {
    const length = args.len[i]!;
    if (length === 0) return -1;
    const { buf } = args;
    const at = args.off[i]!;
    let word = this.heads[bucketOf(length, buf[at]!, buf[at + length - 1]!)]!;
    while (word >= 0 && !args.is(i, this.words[word]!)) word = this.nexts[word]!;
    if (word !== UNCOMPILED) return word;
    this.compile();
    return this.wordAt(args, i);
  }

  // ---- what was read -----------------------------------------------------------------------

  has(word: number): boolean {
    return (this.present & (1 << word)) !== 0;
  }

  /** Where the word's first value stands, or the word itself when it has none; 0 when absent. */
  at(word: number): number {
    return this.has(word) ? this.places[word]! : 0;
  }

  /** Which of the alternatives that `word` is one of was read (the last of them); -1 for none. */
  chosenWith(word: number): number {
    return 31 - Math.clz32(this.present & this.groups[word]!);
  }

  // ---- inside ------------------------------------------------------------------------------

  private take(word: number, args: Args, i: number): number {
    if ((this.present & this.clashes[word]!) !== 0) {
      throw this.rules.clash?.(this.words[word]!) ?? errors.syntax;
    }
    const values = this.values[word]!;
    if (i + values >= args.argc) throw this.rules.missing?.(args, i) ?? errors.syntax;
    this.present |= 1 << word;
    this.places[word] = values === 0 ? i : i + 1;
    this.last = word;
    return i + 1 + values;
  }

  /** Throws for a line that is none of options. */
  private compile(): void {
    const { line } = this;
    this.heads = new Int8Array(BUCKETS).fill(-1);
    for (const argument of parseSyntax(line)) {
      if (!argument.optional) throw new Error(`no option: ${argument.name} in ${line}`);
      const alternatives = argument.type === 'oneof' ? argument.arguments : [argument];
      const first = this.values.length;
      for (const alternative of alternatives) this.add(alternative);
      this.group(first);
    }
  }

  private add(argument: Argument): void {
    const { token, type } = argument;
    const values = type === 'block' ? argument.arguments : type === 'pure-token' ? [] : [argument];
    const plain = values.every((value) => value.arguments.length === 0);
    const word = this.values.length;
    if (word === WORDS_MAX) throw new Error(`too many words: ${this.line}`);
    if (token === undefined || !plain || token !== this.words[word]) {
      throw new Error(`not a word with values: ${argument.name} in ${this.line}`);
    }
    this.values.push(values.length);
    this.places.push(0);
    const bucket = bucketOf(token.length, token.charCodeAt(0), token.charCodeAt(token.length - 1));
    this.nexts.push(this.heads[bucket]!);
    this.heads[bucket] = word;
  }

  /** The words from `first` on are alternatives. */
  private group(first: number): void {
    const { once, together } = this.rules;
    const bits = (1 << this.values.length) - (1 << first);
    for (let word = first; word < this.values.length; word++) {
      this.groups.push(bits);
      const mayRepeat = once !== true && once?.includes(this.words[word]!) !== true;
      const alternatives = together === true ? 0 : bits & ~(1 << word);
      this.clashes.push(mayRepeat ? alternatives : alternatives | (1 << word));
    }
  }
}

/** A grammar of options in the notation of syntax lines: `[NX | XX] [COUNT count]`. */
export function grammar(line: string, rules?: Rules): Grammar {
  return new Grammar(line, rules);
}
