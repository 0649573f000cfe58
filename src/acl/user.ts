/**
 * A user: who may log in, with which passwords, and what the selectors then allow.
 * Source of behaviour: redis-server 7.0.15 (ACL SETUSER).
 */
import { hashOf, isHash, isOneOf } from './passwords.ts';
import { ruleErrors } from './rule-error.ts';
import { type Rules, Selector } from './selector.ts';
import { asciiLower, cString, selectorWord } from './text.ts';

export class User {
  readonly name: string;
  /**
   * Whether nothing is forbidden, so that nobody need look. Kept up by `become` and `seal`.
   */
  unrestricted = false;
  isOn = false;
  /** Any password will do. */
  nopass = false;
  /** What was said of payloads of RESTORE; they are checked in any case. */
  sanitizing: 'sanitize-payload' | 'skip-sanitize-payload' | undefined = undefined;
  /** The first one is that of the user itself. */
  selectors: Selector[];
  private digests = new Map<string, Uint8Array>();
  private readonly rules: Rules;

  /** A user that is off and may do nothing. */
  constructor(name: string, rules: Rules) {
    this.name = name;
    this.rules = rules;
    this.selectors = [new Selector(rules)];
  }

  /** A user as the default one is at first: on, without a password, nothing forbidden. */
  static unrestricted(name: string, rules: Rules): User {
    const user = new User(name, rules);
    for (const rule of ['+@all', '~*', '&*', 'on', 'nopass']) user.apply(rule);
    user.seal();
    return user;
  }

  copy(): User {
    const copy = new User(this.name, this.rules);
    copy.become(this);
    return copy;
  }

  /** Takes all of another user but the name. */
  become(other: User): void {
    this.isOn = other.isOn;
    this.nopass = other.nopass;
    this.sanitizing = other.sanitizing;
    this.digests = new Map(other.digests);
    this.selectors = other.selectors.map((selector) => selector.copy());
    this.seal();
  }

  /** To be called after rules were applied. */
  seal(): void {
    this.unrestricted = this.selectors.some(({ isUnrestricted }) => isUnrestricted);
  }

  // ---- passwords ---------------------------------------------------------------------------

  /** Digests of the passwords, as hexadecimal text. */
  get passwords(): Iterable<string> {
    return this.digests.keys();
  }

  /** Whether this password lets one in as this user. */
  accepts(password: Uint8Array): boolean {
    const matches = isOneOf(password, [...this.digests.values()]);
    return this.isOn && (this.nopass || matches);
  }

  // ---- rules -------------------------------------------------------------------------------

  /** Applies a rule, latin1; an empty one does nothing. Throws RuleError. */
  apply(rule: string): void {
    const word = asciiLower(cString(rule));
    const first = rule[0];
    if (rule === '') return;
    if (word === 'on') this.isOn = true;
    else if (word === 'off') this.isOn = false;
    else if (word === 'nopass') this.setNopass(true);
    else if (word === 'resetpass') this.setNopass(false);
    else if (word === 'sanitize-payload' || word === 'skip-sanitize-payload') {
      this.sanitizing = word;
    } else if (first === '>') this.addPassword(hashOf(rule.slice(1)));
    else if (first === '#') this.addPassword(checkedHash(rule));
    else if (first === '<') this.removePassword(hashOf(rule.slice(1)));
    else if (first === '!') this.removePassword(checkedHash(rule));
    else if (first === '(' && rule.endsWith(')')) {
      this.selectors.push(Selector.parse(rule, this.rules));
    } else if (word === 'clearselectors') this.selectors.length = 1;
    else if (word === 'reset') this.reset();
    else this.selectors[0]!.apply(rule);
  }

  private reset(): void {
    this.isOn = false;
    this.setNopass(false);
    this.sanitizing = 'sanitize-payload';
    this.selectors = [new Selector(this.rules)];
  }

  private setNopass(nopass: boolean): void {
    this.nopass = nopass;
    this.digests.clear();
  }

  private addPassword(hash: string): void {
    this.digests.set(hash, new Uint8Array(Buffer.from(hash, 'hex')));
    this.nopass = false;
  }

  private removePassword(hash: string): void {
    if (!this.digests.delete(hash)) throw ruleErrors.noSuchPassword;
  }

  // ---- description -------------------------------------------------------------------------

  /** Words that describe it, passwords and selectors aside. */
  describeFlags(): string[] {
    const flags = [this.isOn ? 'on' : 'off'];
    if (this.nopass) flags.push('nopass');
    if (this.sanitizing !== undefined) flags.push(this.sanitizing);
    return flags;
  }

  /** Rules that make this user from a new one; a selector is one of them, with spaces in it. */
  describe(): string[] {
    const [root, ...others] = this.selectors;
    const hashes = [...this.digests.keys()].map((hash) => `#${hash}`);
    const selectors = others.map((each) => `(${each.describe().map(selectorWord).join(' ')})`);
    return [...this.describeFlags(), ...hashes, ...root!.describe(), ...selectors];
  }

  /** Channel patterns of all selectors; undefined when one of them allows every channel. */
  get channels(): string[] | undefined {
    if (this.selectors.some(({ allChannels }) => allChannels)) return undefined;
    return this.selectors.flatMap(({ channels }) => channels.map(({ text }) => text));
  }

  /** Whether some selector allows a channel, or a pattern of channels as it is. */
  mayListen(name: Uint8Array, isPattern: boolean): boolean {
    return this.selectors.some((each) => each.allowsChannel(name, 0, name.length, isPattern));
  }
}

function checkedHash(rule: string): string {
  const hash = rule.slice(1);
  if (!isHash(hash)) throw ruleErrors.badHash;
  return hash;
}
