/**
 * All facts about a command, its handler aside: what COMMAND INFO, COMMAND DOCS, the gates,
 * ACL and docs/compatibility.md read. It knows no context: `spec.ts` binds it to the one handlers
 * get. A gate never asks for a command's name; it asks for a flag.
 */
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';
import type { KeyList, KeyUse } from './key-list.ts';

/** A flag: its bit in `Command.flagBits`, and whether COMMAND INFO shows it. */
interface FlagFact {
  readonly bit: number;
  readonly shown: boolean;
}

const shown = (index: number): FlagFact => ({ bit: 1 << index, shown: true });
const own = (index: number): FlagFact => ({ bit: 1 << index, shown: false });

/** What gates, ACL and COMMAND INFO know of a command: every flag that a spec may have. */
export const commandFlags = {
  write: shown(0),
  readonly: shown(1),
  denyoom: shown(2),
  admin: shown(3),
  pubsub: shown(4),
  noscript: shown(5),
  blocking: shown(6),
  loading: shown(7),
  stale: shown(8),
  skip_monitor: shown(9),
  skip_slowlog: shown(10),
  asking: shown(11),
  fast: shown(12),
  no_auth: shown(13),
  /** Redis has it and does not show it. */
  may_replicate: own(14),
  no_mandatory_keys: shown(15),
  no_multi: shown(16),
  movablekeys: shown(17),
  allow_busy: shown(18),
  no_async_loading: shown(19),
  /** Runs only when enable-debug-command (or its like) allows it for the client. */
  protected: own(20),
  /** Is run, not queued, between MULTI and EXEC. */
  immediate: own(21),
  /** Runs what was queued, so that the gates look at that, too. */
  commits: own(22),
  /** Its subcommands do not count as the command that CLIENT CACHING is about. */
  keeps_caching: own(23),
  /** What it meets by chance (expired keys) need not be removed together. */
  touches_arbitrary_keys: own(24),
  /** May be sent by a RESP2 client that is subscribed to something. */
  subscriber: own(25),
  /** Fails, like a write, while the data cannot be brought to the disk: a probe must see that. */
  fails_with_disk: own(26),
  /** Ends a transaction: in one, all others are refused for want of memory. */
  ends_multi: own(27),
} as const;

export type CommandFlag = keyof typeof commandFlags;

/** The family a command belongs to; a folder of `src/commands`. */
export type CommandGroup =
  | 'string'
  | 'generic'
  | 'list'
  | 'set'
  | 'sorted-set'
  | 'hash'
  | 'bitmap'
  | 'hyperloglog'
  | 'geo'
  | 'stream'
  | 'connection'
  | 'server'
  | 'pubsub'
  | 'transactions'
  | 'scripting'
  | 'cluster';

/** Where the keys of a command are, in the terms of COMMAND INFO's key specifications. */
export interface KeySpec {
  /** Access flags as COMMAND INFO names them: RO RW OW RM, access update insert delete, ... */
  readonly flags: readonly string[];
  readonly begin:
    | { readonly type: 'index'; readonly index: number }
    | { readonly type: 'keyword'; readonly keyword: string; readonly from: number }
    | { readonly type: 'unknown' };
  readonly find:
    | {
        readonly type: 'range';
        readonly last: number;
        readonly step: number;
        readonly limit: number;
      }
    | {
        readonly type: 'keynum';
        readonly keynum: number;
        readonly first: number;
        readonly step: number;
      }
    | { readonly type: 'unknown' };
  readonly notes?: string;
}

/** Which arguments of a command are channels: the first one, or all of them. */
export interface ChannelSpec {
  readonly all: boolean;
  /** Whether they are patterns of channels. */
  readonly arePatterns: boolean;
}

/** A command: its facts, and a handler that sees the world as a `C`. */
export interface Spec<C = unknown> {
  /** Lower case; for a subcommand the part after the container (`get` of `config|get`). */
  readonly name: string;
  /** Counts the name (and the container); negative means "at least". */
  readonly arity: number;
  readonly group: CommandGroup;
  readonly since: string;
  /** One line in our own words. */
  readonly summary: string;
  /** The cost in the usual notation, `O(1)`. */
  readonly complexity: string;
  readonly flags: readonly CommandFlag[];
  /** ACL categories beyond those that group and flags imply; `-name` for one that is not. */
  readonly categories?: readonly string[];
  readonly keys?: readonly KeySpec[];
  /**
   * Argument that names a field or member of the value at the first key (-1 for the last one): what
   * it needs from memory is fetched ahead in a pipeline. 0 when only the value is.
   */
  readonly member?: number;
  /** Command tips as COMMAND INFO reports them. */
  readonly tips?: readonly string[];
  /** The arguments in the notation of docs/architecture.md ("Syntax lines"). */
  readonly syntax?: string;
  readonly subcommands?: readonly Spec<C>[];
  /** Redis version that deprecated it, and what replaces it. */
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Of no use to applications: COMMAND DOCS says so. */
  readonly system?: true;
  /** The directive that allows it, of a `protected` command: enable-debug-command if not told. */
  readonly enabledBy?: 'enable-debug-command' | 'enable-module-command';
  /** What is done with the keys where that depends on the arguments (`variable_flags`). */
  keyUse?(args: Args): KeyUse;
  /**
   * Finds all keys where the specifications do not find just those that the handler uses: adds
   * them in order. False when the handler will refuse the arguments anyway.
   */
  findKeys?(args: Args, keys: KeyList): boolean;
  /** Channels among the arguments, from the first one on, that a user must be allowed to use. */
  readonly channels?: ChannelSpec;
  /** Arguments that MONITOR and logs must not show, passwords mostly. */
  secrets?(args: Args): readonly number[];
  /** Its flags with these arguments, for the gates: what it runs may declare some of its own. */
  flagsOf?(ctx: C, args: Args, flags: number): number;
  /**
   * Reads everything, then changes, then answers. What it throws before the first change is the
   * client's error; it must not throw after one. Absent on a pure container.
   */
  run?(ctx: C, args: Args, reply: Reply): void;
}
