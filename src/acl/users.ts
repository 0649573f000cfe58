/**
 * All users by name, and their text: what an ACL file holds.
 * Source of format and texts: redis-server 7.0.15 (ACLLoadFromFile, by its effects).
 */
import { RuleError } from './rule-error.ts';
import { joinSelectors } from './rule-words.ts';
import type { Rules } from './selector.ts';
import { hasSpaces } from './text.ts';
import { User } from './user.ts';

export const DEFAULT_USER = 'default';

export class Users {
  /** Who clients are until they say who they are. Always the same object. */
  readonly default: User;
  private byName = new Map<string, User>();
  private readonly rules: Rules;

  constructor(rules: Rules) {
    this.rules = rules;
    this.default = User.unrestricted(DEFAULT_USER, rules);
    this.byName.set(DEFAULT_USER, this.default);
  }

  get(name: string): User | undefined {
    return this.byName.get(name);
  }

  get size(): number {
    return this.byName.size;
  }

  /** In the order of their names' bytes. */
  all(): User[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A user that is not among the others yet. */
  create(name: string): User {
    return new User(name, this.rules);
  }

  add(user: User): void {
    this.byName.set(user.name, user);
  }

  /** Takes a user away; the default one stays. */
  remove(name: string): User | undefined {
    const user = this.byName.get(name);
    if (user === undefined || user === this.default) return undefined;
    this.byName.delete(name);
    return user;
  }

  /** Puts others in the place of all users; returns those that are gone. */
  replace(others: ReadonlyMap<string, User>): User[] {
    const gone = this.all().filter((user) => user !== this.default);
    const fresh = others.get(DEFAULT_USER) ?? User.unrestricted(DEFAULT_USER, this.rules);
    this.default.become(fresh);
    this.byName = new Map(others);
    this.byName.set(DEFAULT_USER, this.default);
    return gone;
  }

  /** The lines of a file that holds all users. */
  lines(): string[] {
    return this.all().map((user) => `user ${user.name} ${user.describe().join(' ')}`);
  }

  /** Reads the text of a file: its users, or what is wrong with it, all in one line. */
  parse(text: string, file: string): Map<string, User> | string {
    const found = new Map<string, User>();
    const wrong: string[] = [];
    for (const [i, line] of text.split('\n').entries()) {
      const words = trim(line, ' \t\r')
        .split(' ')
        .filter((word, at) => word !== '' || at > 0);
      if (words.length > 0) this.parseLine(words, found, `${file}:${i + 1}`, i + 1, wrong);
    }
    if (wrong.length === 0) return found;
    return (
      `${wrong.join('')}WARNING: ACL errors detected, no change to the previously active ACL ` +
      'rules was performed'
    );
  }

  private parseLine(
    words: readonly string[],
    found: Map<string, User>,
    place: string,
    line: number,
    wrong: string[],
  ): void {
    const [keyword, name] = words;
    if (keyword !== 'user' || name === undefined) {
      wrong.push(`${place} should start with user keyword followed by the username. `);
      return;
    }
    if (hasSpaces(name)) {
      wrong.push(`'${place}: username '${name}' contains invalid characters. `);
      return;
    }
    if (found.has(name)) {
      wrong.push(`WARNING: Duplicate user '${name}' found on line ${line}. `);
      return;
    }
    const user = this.create(name);
    found.set(name, user);
    const joined = joinSelectors(words.slice(2));
    if ('unclosed' in joined) {
      wrong.push(`${place}: Unmatched parenthesis in selector definition.`);
      return;
    }
    applyAll(user, joined.rules, place, wrong);
    user.seal();
  }
}

/** Applies rules of a file; of what is wrong and may be secret, only the first is told. */
function applyAll(user: User, rules: readonly string[], place: string, wrong: string[]): void {
  let told = false;
  for (const given of rules) {
    const rule = trim(given, '\t\r\n');
    try {
      user.apply(rule);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      if (error.isAboutName) {
        wrong.push(`${place}: Error in applying operation '${rule}': ${error.message}. `);
      } else if (!told) {
        wrong.push(`${place}: ${error.message}. `);
        told = true;
      }
    }
  }
}

function trim(text: string, characters: string): string {
  let from = 0;
  let end = text.length;
  while (from < end && characters.includes(text[from]!)) from++;
  while (end > from && characters.includes(text[end - 1]!)) end--;
  return text.slice(from, end);
}
