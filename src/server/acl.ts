/**
 * The users of a server: where they come from (configuration, ACL file, ACL SETUSER), who is logged
 * in, what was refused, and whose connections end when rules change. It owns what happens; the
 * rules themselves are in `src/acl`, the check of a command line in `src/commands/access.ts`.
 * Source of behaviour and texts: redis-server 7.0.15.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Catalogue } from '../acl/catalogue.ts';
import { AclLog, type Reason, type Where } from '../acl/log.ts';
import { RuleError } from '../acl/rule-error.ts';
import { joinSelectors } from '../acl/rule-words.ts';
import type { Rules } from '../acl/selector.ts';
import { cString, hasSpaces } from '../acl/text.ts';
import { User } from '../acl/user.ts';
import { DEFAULT_USER, Users } from '../acl/users.ts';
import { ALLOWED, argumentOf, check, Denied, reasonOf } from '../commands/access.ts';
import type { Command, CommandTable } from '../commands/command-table.ts';
import type { AclPort } from '../commands/ports/acl.ts';
import type { SessionPort } from '../commands/ports/session.ts';
import type { Config } from '../config/config.ts';
import { ConfigError, type ConfigLine } from '../config/errors.ts';
import { replaceFile } from '../config/rewrite.ts';
import { systemReason } from '../config/special-values.ts';
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { toLatin1 } from '../util/words.ts';
import { catalogueOf } from './acl-catalogue.ts';
import {
  bothSources,
  execErrors,
  noChannel,
  noFile,
  noKey,
  notSaved,
  scriptErrors,
  spacesInName,
} from './acl-errors.ts';
import { contextOf, listensToMore } from './acl-sessions.ts';
import { configWords } from './acl-text.ts';
import type { LogLevel } from './log.ts';
import type { Stats } from './stats.ts';

export interface AclParts {
  readonly config: Config;
  /** Before any command gets another name: rules go by the proper ones. */
  readonly commands: CommandTable;
  readonly stats: Stats;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
  readonly sessions: () => Iterable<SessionPort>;
  /** Told whether clients have to log in, whenever that may have changed. */
  readonly passwordRequired: (required: boolean) => void;
}

export class Acl implements AclPort {
  readonly users: Users;
  readonly log = new AclLog();
  /** Who commands of files and of a master run as: nobody can log in as this one. */
  readonly unrestricted: User;
  private readonly parts: AclParts;
  private readonly rules: Rules;
  /** Who a name that nobody has is compared with. */
  private readonly nobody: User;

  constructor(parts: AclParts) {
    this.parts = parts;
    const { config } = parts;
    this.rules = {
      get catalogue() {
        return catalogueOf(parts.commands);
      },
      get allChannels() {
        return config.string('acl-pubsub-default') === 'allchannels';
      },
      warnOfFirstArg: (rule) =>
        parts.log(
          'warning',
          'Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse ' +
            `of ACL and may get disabled in the future (offender: +${rule})`,
        ),
    };
    this.users = new Users(this.rules);
    this.unrestricted = User.unrestricted('(superuser)', this.rules);
    this.nobody = new User('', this.rules);
    config.describeUsers = () =>
      this.file === '' ? this.users.all().map((user) => configWords(user)) : [];
  }

  /** The name of the ACL file as it was given, empty when there is none. */
  private get file(): string {
    return this.parts.config.string('aclfile');
  }

  private get path(): string {
    const { config } = this.parts;
    return resolve(config.path('dir'), config.path('aclfile'));
  }

  /** The commands that rules can name; made when a rule names some, or somebody asks. */
  get catalogue(): Catalogue {
    return this.rules.catalogue;
  }

  // ---- where users come from ---------------------------------------------------------------

  /** Users of the configuration or of the ACL file, at start. Throws ConfigError. */
  loadConfigured(): void {
    const { config } = this.parts;
    if (config.users.length > 0 && this.file !== '') throw new ConfigError(bothSources);
    for (const line of config.users) this.loadLine(line);
    if (this.file !== '') {
      const found = this.readFile();
      if (typeof found === 'string') {
        throw new ConfigError(`Aborting startup because of ACL errors: ${found}`);
      }
      this.users.replace(found);
    }
    this.defaultChanged();
  }

  private loadLine(line: ConfigLine): void {
    const [name = '', ...words] = line.words;
    if (hasSpaces(name)) throw new ConfigError('Spaces not allowed in ACL usernames', line);
    const isDefault = name === DEFAULT_USER;
    const before = this.parts.config.users.slice(0, this.parts.config.users.indexOf(line));
    if (before.some((other) => other.words[0] === name)) {
      throw new ConfigError(
        'Duplicate user found. A user can only be defined once in config files',
        line,
      );
    }
    const user = this.users.create(name);
    if (isDefault) user.apply('reset');
    const joined = joinSelectors(words);
    if ('unclosed' in joined) {
      throw new ConfigError('Unmatched parenthesis in selector definition', line);
    }
    for (const rule of joined.rules) {
      try {
        user.apply(rule);
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        throw new ConfigError(`Error in user declaration: ${error.message}`, line);
      }
    }
    user.seal();
    if (isDefault) this.users.default.become(user);
    else this.users.add(user);
    if (!user.isOn) {
      this.parts.log(
        'notice',
        `The user '${name}' is disabled (there is no 'on' modifier in the user description). ` +
          'Make sure this is not a configuration error.',
      );
    }
  }

  private readFile(): Map<string, User> | string {
    let text: string;
    try {
      text = readFileSync(this.path, 'latin1');
    } catch (error) {
      return `Error loading ACLs, opening file '${this.file}': ${systemReason(error)}`;
    }
    return this.users.parse(text, this.file);
  }

  load(by: SessionPort): void {
    if (this.file === '') throw noFile;
    const found = this.readFile();
    if (typeof found === 'string') throw new CommandError(`ERR ${found}`);
    const before = this.users.default.channels;
    const gone = new Set(this.users.replace(found));
    for (const session of [...this.parts.sessions()]) {
      if (gone.has(session.user)) this.cutOff(session, by);
    }
    this.defaultChanged();
    this.endSubscriptions(this.users.default, before, by);
  }

  save(): void {
    if (this.file === '') throw noFile;
    const content = this.users.lines().map((line) => `${line}\n`);
    try {
      replaceFile(this.path, Buffer.from(content.join(''), 'latin1'));
    } catch (error) {
      this.parts.log('warning', `Writing ACL file for ACL SAVE: ${systemReason(error)}`);
      throw notSaved;
    }
  }

  // ---- changes -----------------------------------------------------------------------------

  /** `requirepass` is the password of the default user; empty means that none is needed. */
  setDefaultPassword(password: string): void {
    const user = this.users.default;
    user.apply(password === '' ? 'nopass' : 'resetpass');
    if (password !== '') user.apply(`>${password}`);
    this.defaultChanged();
  }

  private defaultChanged(): void {
    const { isOn, nopass } = this.users.default;
    this.parts.passwordRequired(!(isOn && nopass));
  }

  setUser(name: string, words: readonly string[], by: SessionPort): void {
    if (hasSpaces(name)) throw spacesInName;
    const joined = joinSelectors(words);
    if ('unclosed' in joined) {
      throw new CommandError(
        `ERR Unmatched parenthesis in acl selector starting at '${cString(joined.unclosed)}'.`,
      );
    }
    const known = this.users.get(name);
    const user = known?.copy() ?? this.users.create(name);
    for (const rule of joined.rules) {
      try {
        user.apply(rule);
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        throw new CommandError(
          `ERR Error in ACL SETUSER modifier '${cString(rule)}': ${error.message}`,
        );
      }
    }
    user.seal();
    if (known === undefined) {
      this.users.add(user);
      return;
    }
    const before = known.channels;
    known.become(user);
    if (known === this.users.default) this.defaultChanged();
    this.endSubscriptions(known, before, by);
  }

  /** All users as lines, for `restoreUsers`. */
  describeUsers(): readonly string[] {
    return this.users.lines();
  }

  /** Puts users back as `describeUsers` has shown them; those made since are gone, cut off. */
  restoreUsers(lines: readonly string[]): void {
    const { users } = this;
    if (users.lines().join('\n') === lines.join('\n')) return;
    const found = users.parse(lines.join('\n'), 'users');
    if (typeof found === 'string') throw new Error(found);
    const made = users.all().filter(({ name }) => !found.has(name));
    this.deleteUsers(made.map(({ name }) => name));
    for (const [name, user] of found) {
      const known = users.get(name);
      if (known === undefined) users.add(user);
      else known.become(user);
    }
    this.defaultChanged();
  }

  deleteUsers(names: readonly string[], by?: SessionPort): number {
    const gone = new Set<User>();
    for (const name of names) {
      const user = this.users.remove(name);
      if (user !== undefined) gone.add(user);
    }
    if (gone.size === 0) return 0;
    for (const session of [...this.parts.sessions()]) {
      if (gone.has(session.user)) this.cutOff(session, by);
    }
    return gone.size;
  }

  /** Nobody any more, and soon not connected any more. */
  private cutOff(session: SessionPort, by?: SessionPort): void {
    session.user = this.users.default;
    session.authenticated = false;
    if (session === by) session.closeAfterReply();
    else session.kill();
  }

  /**
   * Ends the connections of a user that are subscribed to what it may not listen to any more.
   * `before` are the channels that were allowed, undefined for all.
   */
  private endSubscriptions(
    user: User,
    before: readonly string[] | undefined,
    by: SessionPort,
  ): void {
    const now = user.channels;
    if (now === undefined || before?.every((channel) => now.includes(channel))) return;
    for (const session of [...this.parts.sessions()]) {
      if (session.user === user && listensToMore(session, user)) this.cutOff(session, by);
    }
  }

  // ---- sessions ----------------------------------------------------------------------------

  authenticate(session: SessionPort, name: string, password: Uint8Array, args: Args): boolean {
    const user = this.users.get(name);
    // A name that nobody has takes the same way.
    if (!(user ?? this.nobody).accepts(password) || user === undefined) {
      this.note(session, 'auth', contextOf(session), args.latin1(0), name);
      return false;
    }
    session.authenticated = true;
    session.user = user;
    return true;
  }

  /**
   * Logs a client in as the user whom its certificate names. Without such a user, or one that is
   * off, it is who it was: anyone may have a certificate that our authorities have signed.
   */
  certified(session: SessionPort, name: string): void {
    const user = this.users.get(name);
    if (user?.isOn === true) {
      session.authenticated = true;
      session.user = user;
    } else this.note(session, 'tls-cert', 'toplevel', '', name);
  }

  logout(session: SessionPort): void {
    const user = this.users.default;
    session.user = user;
    session.authenticated = user.isOn && user.nopass;
  }

  // ---- checks ------------------------------------------------------------------------------

  /** Why the session's user may not run a command line; noted in the log. */
  refuse(session: SessionPort, command: Command, args: Args): CommandError | undefined {
    const reason = this.denied(session, command, args, contextOf(session));
    if (reason === undefined) return undefined;
    if (reason === 'key') return noKey;
    if (reason === 'channel') return noChannel;
    const { fullName } = command;
    return new CommandError(`NOPERM this user has no permissions to run the '${fullName}' command`);
  }

  /** As `refuse`, of a command that EXEC is about to run. */
  refuseInExec(session: SessionPort, command: Command, args: Args): CommandError | undefined {
    const reason = this.denied(session, command, args, 'multi');
    return reason === undefined ? undefined : execErrors[reason];
  }

  /** As `refuse`, of a command that a script calls. */
  refuseInScript(session: SessionPort, command: Command, args: Args): CommandError | undefined {
    const reason = this.denied(session, command, args, 'lua');
    return reason === undefined ? undefined : scriptErrors[reason];
  }

  private denied(
    session: SessionPort,
    command: Command,
    args: Args,
    context: Where,
  ): 'command' | 'key' | 'channel' | undefined {
    const answer = check(session.user, command, args);
    if (answer === ALLOWED) return undefined;
    const reason = reasonName(answer);
    const object = reason === 'command' ? command.fullName : args.latin1(argumentOf(answer));
    this.note(session, reason, context, object, session.user.name);
    return reason;
  }

  explain(user: User, command: Command, args: Args): string | undefined {
    const answer = check(user, command, args);
    if (answer === ALLOWED) return undefined;
    const reason = reasonName(answer);
    if (reason === 'command') {
      return `This user has no permissions to run the '${command.fullName}' command`;
    }
    const name = args.cString(argumentOf(answer));
    return `This user has no permissions to access the '${name}' ${reason}`;
  }

  private note(
    session: SessionPort,
    reason: Reason,
    context: Where,
    object: string,
    username: string,
  ): void {
    const { config, now, stats } = this.parts;
    if (reason === 'auth') stats.aclDeniedAuth++;
    else if (reason === 'tls-cert') stats.aclDeniedTlsCert++;
    else if (reason === 'command') stats.aclDeniedCommand++;
    else if (reason === 'key') stats.aclDeniedKey++;
    else stats.aclDeniedChannel++;
    const atMs = now();
    const clientInfo = toLatin1(session.describe(atMs));
    this.log.max = config.number('acllog-max-len');
    this.log.add({ reason, context, object, username, clientInfo, atMs });
  }
}

function reasonName(answer: number): 'command' | 'key' | 'channel' {
  const reason = reasonOf(answer);
  if (reason === Denied.key) return 'key';
  return reason === Denied.channel ? 'channel' : 'command';
}
