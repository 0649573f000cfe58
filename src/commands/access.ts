/**
 * Whether a user may run a command line: its command, its keys, its channels.
 * Source of the rules: redis-server 7.0.15 (ACLCheckAllUserCommandPerm, by its effects).
 */
import type { Selector } from '../acl/selector.ts';
import { asciiLower, cString } from '../acl/text.ts';
import type { User } from '../acl/user.ts';
import type { Args } from '../util/args.ts';
import { type Command, Flag } from './command-table.ts';
import { KeyList } from './key-list.ts';
import type { KeyFinder } from './key-specs.ts';

/** Why a command line is refused; when selectors disagree, the highest one counts. */
export const Denied = { command: 1, key: 2, channel: 4 } as const;

/** What `check` answers for what may run. */
export const ALLOWED = 0;

const REASON_BITS = 3;

/** The reason (`Denied`) in an answer of `check`. */
export function reasonOf(answer: number): number {
  return answer & ((1 << REASON_BITS) - 1);
}

/** The argument that an answer of `check` is about, 0 for the command itself. */
export function argumentOf(answer: number): number {
  return answer >>> REASON_BITS;
}

const { no_auth: NO_AUTH } = Flag;

/** The keys of the command line being checked: nothing else runs meanwhile. */
const keys = new KeyList();

/** ALLOWED, or a reason with an argument. O(selectors * (keys * key patterns + ...)). */
export function check(user: User, command: Command, args: Args): number {
  if (user.unrestricted) return ALLOWED;
  const { selectors } = user;
  let worst: number = Denied.command;
  let worstAt = 0;
  keys.count = -1;
  for (let i = 0; i < selectors.length; i++) {
    const answer = checkSelector(selectors[i]!, command, args);
    if (answer === ALLOWED) return ALLOWED;
    const reason = reasonOf(answer);
    const at = argumentOf(answer);
    if (reason > worst || (reason === worst && at > worstAt)) {
      worst = reason;
      worstAt = at;
    }
  }
  return worst | (worstAt << REASON_BITS);
}

/**
 * Whether some selector allows the command line and lets every key be accessed in this way: for
 * commands whose keys are not all in their arguments (SORT's patterns).
 */
export function mayAccessAll(user: User, command: Command, args: Args, access: number): boolean {
  if (user.unrestricted) return true;
  keys.count = -1;
  return user.selectors.some(
    (each) => each.allowsAllKeys(access) && checkSelector(each, command, args) === ALLOWED,
  );
}

function checkSelector(selector: Selector, command: Command, args: Args): number {
  if (!selector.allCommands && !mayRun(selector, command, args)) return Denied.command;
  const { channels } = command;
  if (!selector.allKeys && command.keys !== undefined) {
    const denied = deniedKey(selector, command.keys, args);
    if (denied !== 0) return Denied.key | (denied << REASON_BITS);
  }
  if (!selector.allChannels && channels !== undefined) {
    const end = channels.all ? args.argc : 2;
    for (let at = 1; at < end; at++) {
      const { buf, off, len } = args;
      if (!selector.allowsChannel(buf, off[at]!, len[at]!, channels.arePatterns)) {
        return Denied.channel | (at << REASON_BITS);
      }
    }
  }
  return ALLOWED;
}

/** The first key that may not be used as it is to be used; 0 when there is none. */
function deniedKey(selector: Selector, finder: KeyFinder, args: Args): number {
  const { buf, off, len } = args;
  const only = finder.onlyKey;
  if (only > 0) {
    if (only >= args.argc) return 0;
    const { access } = finder.useOfFirst(args);
    return selector.keys.allows(buf, off[only]!, len[only]!, access) ? 0 : only;
  }
  if (keys.count < 0) finder.find(args, keys);
  for (let i = 0; i < keys.count; i++) {
    const at = keys.at[i]!;
    if (!selector.keys.allows(buf, off[at]!, len[at]!, keys.uses[i]!.access)) return at;
  }
  return 0;
}

function mayRun(selector: Selector, command: Command, args: Args): boolean {
  if (selector.hasCommand(command.id) || (command.flagBits & NO_AUTH) !== 0) return true;
  const words = selector.firstArgs.get(command.id);
  if (words === undefined || args.argc < 2) return false;
  const given = asciiLower(cString(args.latin1(1)));
  return words.some((word) => asciiLower(word) === given);
}
