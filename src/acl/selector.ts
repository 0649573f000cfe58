/**
 * A selector: one set of rules on commands, keys and channels. A user has one and may have more; a
 * command line must pass all rules of one of them.
 * Source of behaviour and texts: redis-server 7.0.15.
 */
import { splitWords } from '../util/words.ts';
import { hasBit, setBit } from './bits.ts';
import type { Catalogue, RuleCommand } from './catalogue.ts';
import { describeCommands } from './describe.ts';
import { Access, Pattern } from './pattern.ts';
import { NO_PATTERNS } from './pattern-set.ts';
import { ruleErrors } from './rule-error.ts';
import { asciiLower, cString, hasSpaces } from './text.ts';

/** What selectors share: the commands there are, and what is told of misused rules. */
export interface Rules {
  readonly catalogue: Catalogue;
  /** Whether new selectors may use all channels (`acl-pubsub-default`). */
  readonly allChannels: boolean;
  /** A rule allows a first argument of a command, which is no good way to restrict anything. */
  warnOfFirstArg(rule: string): void;
}

export class Selector {
  /** `+@all` was the last word on all commands, and no command was taken away since. */
  allCommands = false;
  /** Commands to come may be run as well: what `+@all` began with. */
  futureCommands = false;
  allKeys = false;
  allChannels: boolean;
  keys = NO_PATTERNS;
  channels: Pattern[] = [];
  /** First arguments with which a command may be run that may not be run otherwise. */
  firstArgs = new Map<number, string[]>();
  private readonly rules: Rules;
  /** As `bits`; undefined while all commands are alike, so that none need be known. */
  private ownBits: Int32Array | undefined = undefined;

  constructor(rules: Rules) {
    this.rules = rules;
    this.allChannels = rules.allChannels;
  }

  /** A selector from `(rules of it)`. Throws RuleError. */
  static parse(text: string, rules: Rules): Selector {
    const selector = new Selector(rules);
    // As in Redis, quotes that do not match leave a selector that allows nothing.
    for (const word of splitWords(text.slice(1, -1)) ?? []) selector.apply(word);
    return selector;
  }

  copy(): Selector {
    const copy = new Selector(this.rules);
    copy.ownBits = this.ownBits?.slice();
    copy.allCommands = this.allCommands;
    copy.futureCommands = this.futureCommands;
    copy.allKeys = this.allKeys;
    copy.allChannels = this.allChannels;
    copy.keys = this.keys;
    copy.channels = [...this.channels];
    copy.firstArgs = new Map([...this.firstArgs].map(([id, words]) => [id, [...words]]));
    return copy;
  }

  // ---- questions ---------------------------------------------------------------------------

  /** Commands that may be run, a bit for each number. */
  private get bits(): Int32Array {
    if (this.ownBits === undefined) {
      this.ownBits = new Int32Array((this.rules.catalogue.commands.length + 31) >>> 5);
      if (this.allCommands) this.ownBits.fill(-1);
    }
    return this.ownBits;
  }

  /** Whether nothing is forbidden. */
  get isUnrestricted(): boolean {
    return this.allCommands && this.allKeys && this.allChannels;
  }

  hasCommand(id: number): boolean {
    return this.ownBits === undefined ? this.allCommands : hasBit(this.ownBits, id);
  }

  /** Whether a key may be accessed in this way (`Access`). O(patterns). */
  allowsKey(buf: Uint8Array, off: number, len: number, access: number): boolean {
    return this.allKeys || this.keys.allows(buf, off, len, access);
  }

  /** Whether every key may be accessed in this way. O(patterns). */
  allowsAllKeys(access: number): boolean {
    const isEvery = ({ text, access: given }: Pattern) =>
      text === '*' && (given & access) === access;
    return this.allKeys || this.keys.list.some(isEvery);
  }

  /** Whether a channel may be used, or a pattern of channels that is in the rules as it is. */
  allowsChannel(buf: Uint8Array, off: number, len: number, isPattern: boolean): boolean {
    if (this.allChannels) return true;
    if (!isPattern) return this.channels.some((each) => each.matches(buf, off, len));
    const name = cString(Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1'));
    return this.channels.some(({ text }) => text === name);
  }

  // ---- rules -------------------------------------------------------------------------------

  /** Applies a rule, latin1. Throws RuleError. */
  apply(rule: string): void {
    const word = asciiLower(cString(rule));
    if (word === 'allkeys' || word === '~*') this.setKeys(true);
    else if (word === 'resetkeys') this.setKeys(false);
    else if (word === 'allchannels' || word === '&*') this.setChannels(true);
    else if (word === 'resetchannels') this.setChannels(false);
    else if (word === 'allcommands' || word === '+@all') this.setAllCommands(true);
    else if (word === 'nocommands' || word === '-@all') this.setAllCommands(false);
    else if (word.startsWith('~') || word.startsWith('%')) this.addKeyPattern(rule);
    else if (word.startsWith('&')) this.addChannel(rule.slice(1));
    else if (word.startsWith('+@')) this.setCategory(word.slice(2), true);
    else if (word.startsWith('-@')) this.setCategory(word.slice(2), false);
    else if (word.startsWith('+')) this.allow(rule.slice(1));
    else if (word.startsWith('-')) this.setCommand(this.find(word.slice(1)), false);
    else throw ruleErrors.syntax;
  }

  private setKeys(all: boolean): void {
    this.allKeys = all;
    this.keys = NO_PATTERNS;
  }

  private setChannels(all: boolean): void {
    this.allChannels = all;
    this.channels = [];
  }

  private setAllCommands(all: boolean): void {
    this.ownBits = undefined;
    this.allCommands = all;
    this.futureCommands = all;
    this.firstArgs.clear();
  }

  private addKeyPattern(rule: string): void {
    if (this.allKeys) throw ruleErrors.keyAfterAll;
    let access: number = Access.both;
    let at = 1;
    if (rule.startsWith('%')) {
      access = 0;
      while (at < rule.length) {
        const char = rule[at++]!;
        if (char === '~') break;
        const bit = char === 'R' || char === 'r' ? Access.read : Access.write;
        if (!'RrWw'.includes(char) || (access & bit) !== 0) throw ruleErrors.syntax;
        access |= bit;
      }
      if (access === 0) throw ruleErrors.syntax;
    }
    const text = rule.slice(at);
    if (hasSpaces(text)) throw ruleErrors.syntax;
    this.keys = this.keys.with(text, access);
  }

  private addChannel(text: string): void {
    if (this.allChannels) throw ruleErrors.channelAfterAll;
    if (hasSpaces(text)) throw ruleErrors.syntax;
    if (this.channels.some((each) => each.text === text)) return;
    this.channels.push(new Pattern(text, Access.both));
  }

  private find(name: string): RuleCommand {
    const command = this.rules.catalogue.find(name);
    if (command === undefined) throw ruleErrors.unknownName;
    return command;
  }

  /** `+command`, `+container|subcommand` or `+command|first-argument`. */
  private allow(rule: string): void {
    const name = cString(rule);
    const bar = name.lastIndexOf('|');
    if (bar < 0) {
      this.setCommand(this.find(name), true);
      return;
    }
    const command = this.find(name.slice(0, bar));
    const sub = name.slice(bar + 1);
    if (command.isSubcommand) throw ruleErrors.firstArgOfSubcommand;
    if (sub === '') throw ruleErrors.syntax;
    if (command.children.length > 0) {
      this.setCommand(this.find(name), true);
      return;
    }
    // Unlike 7.0.15: such a word would become rules of its own when the rules are saved.
    if (hasSpaces(sub) || hasSpaces(rule)) throw ruleErrors.syntax;
    this.rules.warnOfFirstArg(name);
    const words = this.firstArgs.get(command.id) ?? [];
    if (!words.some((word) => asciiLower(word) === asciiLower(sub))) words.push(sub);
    this.firstArgs.set(command.id, words);
  }

  private setCategory(name: string, allowed: boolean): void {
    const members = this.rules.catalogue.category(name);
    if (members === undefined) throw ruleErrors.unknownName;
    for (const command of members) this.setCommand(command, allowed);
  }

  private setCommand(command: RuleCommand, allowed: boolean): void {
    setBit(this.bits, command.id, allowed);
    for (const child of command.children) setBit(this.bits, child.id, allowed);
    this.firstArgs.delete(command.id);
    if (!allowed) this.allCommands = false;
  }

  // ---- description -------------------------------------------------------------------------

  /** The rules on commands that make these bits. */
  describeCommands(): string {
    if (this.ownBits === undefined && this.firstArgs.size === 0) {
      return this.futureCommands ? '+@all' : '-@all';
    }
    return describeCommands(this.bits, this.futureCommands, this.firstArgs, this.rules.catalogue);
  }

  /** Key patterns as rules. */
  describeKeys(): string[] {
    return this.allKeys ? ['~*'] : this.keys.list.map(keyRule);
  }

  /** Channel patterns as rules. */
  describeChannels(): string[] {
    return this.allChannels ? ['&*'] : this.channels.map(({ text }) => `&${text}`);
  }

  /** All rules, each a word. */
  describe(): string[] {
    const reset = this.allChannels ? [] : ['resetchannels'];
    const commands = this.describeCommands().split(' ');
    return [...this.describeKeys(), ...reset, ...this.describeChannels(), ...commands];
  }
}

function keyRule({ text, access }: Pattern): string {
  if (access === Access.both) return `~${text}`;
  return access === Access.read ? `%R~${text}` : `%W~${text}`;
}
