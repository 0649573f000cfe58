/**
 * Random command lines, made from the syntax that every command states of itself: mostly right ones,
 * some with words that are doubled, swapped or lost, and with options' names where keys, groups or
 * values stand.
 */
import type { Command } from '../../src/commands/command-table.ts';
import { type Argument, parseSyntax } from '../../src/commands/syntax.ts';

const KEYS = ['k1', 'k2', 'k3', 'k4', 'hash', 'list', 'set', 'zset', 'stream', 'geo'];
const TEXTS = ['a', 'b', 'm', '1', '2', '0', '-1', '', 'field', '10.5', 'g', 'c', 'x*', 'k*'];
const NUMBERS = ['0', '1', '2', '3', '1', '2', '1', '-1', '5', '100'];
const IDS = ['0', '0-0', '$', '>', '1-1', '5-1', '*', '-', '+', '(1-1'];

/** Options' names of many commands: what a careless reader of arguments falls for. */
const TRAPS = [
  ...['STORE', 'STOREDIST', 'STREAMS', 'GROUP', 'COUNT', 'BY', 'GET', 'LIMIT', 'KEYS', 'NOACK'],
  ...['BLOCK', 'WEIGHTS', 'AGGREGATE', 'WITHSCORES', 'REPLACE', 'DB', 'ASC', 'NX', 'XX', 'EX'],
];

/** Makes command lines of one command. */
export class LineMaker {
  readonly command: Command;
  private readonly syntax: readonly Argument[];
  private readonly random: () => number;
  /** Words that mean something, those of this command most of all. */
  private readonly traps: readonly string[];

  constructor(command: Command, random: () => number) {
    this.command = command;
    this.syntax = parseSyntax(command.spec.syntax ?? '');
    this.random = random;
    this.traps = [...TRAPS, ...tokensIn(this.syntax).flatMap((token) => [token, token, token])];
  }

  /** A command line; it may have too few or too many arguments. */
  next(): string[] {
    const words: string[] = [];
    let numkeys = -1;
    for (const argument of this.chance(0.1) ? this.shuffled() : this.syntax) {
      if (argument.name === 'numkeys') numkeys = words.length;
      this.expand(argument, words);
      if (argument.type === 'key' && numkeys >= 0) this.countKeys(words, numkeys);
    }
    if (this.chance(0.3)) this.mutate(words);
    return [...this.command.fullName.split('|'), ...words];
  }

  /** Options before what they usually follow. */
  private shuffled(): Argument[] {
    return this.syntax
      .map((argument) => ({ argument, order: this.random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ argument }) => argument);
  }

  private chance(p: number): boolean {
    return this.random() < p;
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }

  private expand(argument: Argument, words: string[]): void {
    if (argument.optional && this.chance(0.5)) return;
    const times = argument.multiple ? 1 + Math.floor(this.random() * 3) : 1;
    for (let i = 0; i < times; i++) {
      const hasToken = argument.token !== undefined && argument.type !== 'pure-token';
      if (hasToken && (i === 0 || argument.multipleToken === true)) words.push(argument.token!);
      this.value(argument, words);
    }
  }

  private value({ name, type, token, arguments: inner }: Argument, words: string[]): void {
    if (type === 'oneof') this.expand({ ...this.pick(inner), optional: false }, words);
    else if (type === 'block') for (const each of inner) this.expand(each, words);
    else if (type === 'pure-token') words.push(token ?? name);
    else if (this.chance(0.06)) words.push(this.pick(this.traps));
    else if (type === 'key') words.push(this.pick(KEYS));
    else if (type === 'integer' || type === 'double' || type === 'unix-time') {
      words.push(this.pick(NUMBERS));
    } else if (/id|start|end/.test(name)) words.push(this.pick(IDS));
    else words.push(this.pick(this.chance(0.1) ? KEYS : TEXTS));
  }

  /** Makes a number of keys right: `numkeys key [key ...]`. */
  private countKeys(words: string[], at: number): void {
    let keys = 0;
    while (KEYS.includes(words[at + 1 + keys] ?? '')) keys++;
    if (this.chance(0.9)) words[at] = String(keys);
  }

  private mutate(words: string[]): void {
    const at = Math.floor(this.random() * (words.length + 1));
    const length = 1 + Math.floor(this.random() * 3);
    const kind = this.random();
    const options = this.syntax.filter(({ optional }) => optional);
    if (options.length > 0 && this.chance(0.4)) {
      // An option once more, or one that excludes another: which one counts?
      this.expand({ ...this.pick(options), optional: false }, words);
      return;
    }
    if (kind < 0.35) words.splice(this.at(words), 0, ...words.slice(at, at + length));
    else if (kind < 0.55) words.splice(at, length);
    else if (kind < 0.75) words.splice(at, 0, this.pick(this.traps), this.pick(KEYS));
    else if (kind < 0.9) words[at] = this.pick([...this.traps, ...KEYS, ...NUMBERS]);
    else words.push(...words.slice(-length));
  }

  private at(words: readonly string[]): number {
    return Math.floor(this.random() * (words.length + 1));
  }
}

function tokensIn(syntax: readonly Argument[]): string[] {
  return syntax.flatMap(({ token, arguments: inner }) => [
    ...(token === undefined ? [] : [token]),
    ...tokensIn(inner),
  ]);
}
