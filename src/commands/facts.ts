/**
 * What there is to know about a command, handler aside: what COMMAND INFO, COMMAND DOCS, the gates,
 * ACL and docs/compatibility.md read. It knows no context: `spec.ts` binds it to the one handlers
 * get. A gate never asks for a command's name; it asks for a flag.
 */
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';

/** What gates, ACL and COMMAND INFO know of a command. */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'asking'
  | 'fast'
  | 'no_auth'
  | 'may_replicate'
  | 'no_mandatory_keys'
  | 'no_multi'
  | 'movablekeys'
  | 'allow_busy'
  | 'no_async_loading'
  /** Ours, not shown: runs only when enable-debug-command (or its like) allows it for the client. */
  | 'protected'
  /** Ours: is run, not queued, between MULTI and EXEC. */
  | 'immediate'
  /** Ours: runs what was queued, so that the gates look at that, too. */
  | 'commits'
  /** Ours: its subcommands do not count as the command that CLIENT CACHING is about. */
  | 'keeps_caching'
  /** Ours: what it meets by chance (expired keys) need not be removed together. */
  | 'touches_arbitrary_keys'
  /** Ours: may be sent by a RESP2 client that is subscribed to something. */
  | 'subscriber';

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

/** A command: its facts, and a handler that sees the world as a `C`. */
export interface Spec<C = unknown> {
  /** Lower case; for a subcommand the part behind the container (`get` of `config|get`). */
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
  /** The flags of the keys where they depend on the arguments (`variable_flags`). */
  keyFlags?(args: Args): readonly string[];
  /** Arguments that MONITOR and logs must not show, passwords mostly. */
  secrets?(args: Args): readonly number[];
  /**
   * Reads everything, then changes, then answers. What it throws before the first change is the
   * client's error; it must not throw after one. Absent on a pure container.
   */
  run?(ctx: C, args: Args, reply: Reply): void;
}
