/**
 * MIGRATE: keys to another server. They are read at once; then their client waits while
 * `src/server/migrations.ts` sends them, and writes of all clients are held back, reads not. When
 * the target has answered, the command runs again and removes what arrived.
 *
 * Its words are read by hand as far as KEYS goes, which takes all that follows, and because a later
 * AUTH or AUTH2 adds to an earlier one. Source: redis-server 7.0.15 (grammar, order of checks,
 * replies), which serves nobody meanwhile.
 */
import type { UnixMs } from '../../keyspace/entry.ts';
import { PayloadCodec } from '../../persistence/rdb/payload.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { heapGuard } from '../../util/heap-guard.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { int64Argument } from '../integers.ts';
import { type KeyList, keyUse } from '../key-list.ts';
import type { MigratingKey } from '../ports/migrations.ts';
import { command, keyAt } from '../spec.ts';
import { payloadOf, readWhole } from './whole-value.ts';

const keyWithKeys = new CommandError(
  'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
);
const mustWait = new CommandError('ERR MIGRATE is not allowed in transactions and scripts');
/** CLIENT UNBLOCK: nobody knows what the target has. */
const interrupted = 'IOERR error or timeout reading to target instance';

/** Arguments before the options. */
const FIXED = 6;
const KEY = 3;
const DEFAULT_TIMEOUT_MS = 1000;
/** What a key on its way costs on the heap, its bytes not counted. */
const KEY_BYTES = 400;

const options = grammar('[COPY] [REPLACE] [AUTH password | AUTH2 username password]', {
  together: true,
});
const COPY = options.word('COPY');
const REPLACE = options.word('REPLACE');
const AUTH = options.word('AUTH');
const AUTH2 = options.word('AUTH2');

/** What follows the fixed arguments. */
interface Words {
  /** As latin1 texts. */
  username: string | undefined;
  password: string | undefined;
  /** Keys are arguments [first, end). */
  first: number;
  end: number;
}

function readWords(args: Args): Words {
  const words: Words = { username: undefined, password: undefined, first: KEY, end: KEY + 1 };
  options.begin();
  for (let i = FIXED; i < args.argc; ) {
    if (args.is(i, 'KEYS')) {
      if (args.len[KEY] !== 0) throw keyWithKeys;
      words.first = i + 1;
      words.end = args.argc;
      break;
    }
    i = options.next(args, i);
    if (options.last === AUTH2) words.username = args.latin1(options.at(AUTH2));
    if (options.last === AUTH || options.last === AUTH2) words.password = args.latin1(i - 1);
  }
  return words;
}

/** Calls `word` for the options' positions up to KEYS, whose position it returns, or argc. */
function walkWords(args: Args, secret?: (i: number) => void): number {
  let i = FIXED;
  for (; i < args.argc && !args.is(i, 'KEYS'); i++) {
    const values = args.is(i, 'AUTH') ? 1 : args.is(i, 'AUTH2') ? 2 : 0;
    for (let value = 1; value <= values; value++) secret?.(i + value);
    i += values;
  }
  return Math.min(i, args.argc);
}

function secretsOf(args: Args): number[] {
  const found: number[] = [];
  walkWords(args, (i) => found.push(i));
  return found.filter((i) => i < args.argc);
}

const movedKey = keyUse('RW', 'access', 'delete');

function findKeys(args: Args, keys: KeyList): boolean {
  const at = walkWords(args);
  // Nothing after KEYS: the reference takes the empty text for the key then.
  if (at >= args.argc - 1) {
    if (args.argc <= KEY) return false;
    keys.add(KEY, movedKey);
    return true;
  }
  if (args.len[KEY] !== 0) return false;
  for (let i = at + 1; i < args.argc; i++) keys.add(i, movedKey);
  return true;
}

/** Leading digits, as C reads a number; what is none of those is 0. */
function portArgument(args: Args, i: number): number {
  const port = Number.parseInt(args.cString(i), 10);
  return Number.isNaN(port) ? 0 : port;
}

/** What is left of a time to live, ms, as RESTORE takes it: 0 says that the key stays. */
function ttlOf(expireAt: UnixMs, nowMs: number): string {
  if (expireAt < 0) return '0';
  const left = typeof expireAt === 'bigint' ? expireAt - BigInt(nowMs) : expireAt - nowMs;
  return String(left < 1 ? 1 : left);
}

/** The request that makes the key that is argument i: its bytes. O(size). */
function restoreRequest(
  args: Args,
  i: number,
  ttl: string,
  payload: Uint8Array,
  replaces: boolean,
): Buffer {
  return Buffer.concat([
    Buffer.from(`*${replaces ? 5 : 4}\r\n$7\r\nRESTORE\r\n$${args.len[i]!}\r\n`),
    args.view(i),
    Buffer.from(`\r\n$${ttl.length}\r\n${ttl}\r\n$${payload.length}\r\n`),
    payload,
    Buffer.from(replaces ? '\r\n$7\r\nREPLACE\r\n' : '\r\n'),
  ]);
}

/** Those of the keys that are there, as requests. O(their size). */
function readKeys(ctx: Context, args: Args, { first, end }: Words): MigratingKey[] {
  heapGuard.require(KEY_BYTES * (end - first));
  const { db } = ctx;
  const keys: MigratingKey[] = [];
  for (let i = first; i < end; i++) {
    const entry = readWhole(ctx, args, i);
    if (entry === 0) continue;
    const ttl = ttlOf(db.expireAt(entry), ctx.nowMs);
    const request = restoreRequest(args, i, ttl, payloadOf(ctx, entry), options.has(REPLACE));
    keys.push({ argument: i, name: args.latin1(i), request });
  }
  PayloadCodec.of(ctx.keyspace).release();
  return keys;
}

/** The target has answered: removes what it has, unless a copy was wanted, and says how it went. */
function settle(ctx: Context, args: Args, reply: Reply): void {
  const { arrived, error } = ctx.server.migrations.outcome(ctx.session);
  readWords(args);
  const removed: number[] = [];
  for (const i of options.has(COPY) ? [] : arrived) {
    const entry = ctx.db.findKey(args, i);
    if (entry === 0) continue;
    ctx.db.remove(entry);
    ctx.changed('del', args, i);
    removed.push(i);
  }
  // After all of them: an expired key that was met puts a line of its own there.
  if (removed.length > 0) {
    const line = ctx.instead('DEL');
    for (const i of removed) line?.argument(args, i);
  }
  // What was removed is at the target, whatever became of the others: it is not taken back.
  if (error !== undefined) throw error;
  reply.ok();
}

/**
 * MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE]
 * [AUTH password | AUTH2 username password] [KEYS key [key ...]]
 */
export const migrate = command({
  name: 'migrate',
  arity: -6,
  group: 'generic',
  since: '2.6.0',
  summary: 'Brings keys to another server and removes them here.',
  complexity: 'O(N) where N is the size of the values.',
  flags: ['write', 'movablekeys'],
  categories: ['dangerous'],
  keys: [
    keyAt(KEY, 'RW', 'access', 'delete'),
    {
      flags: ['RW', 'access', 'delete', 'incomplete'],
      begin: { type: 'keyword', keyword: 'KEYS', from: -2 },
      find: { type: 'range', last: -1, step: 1, limit: 0 },
    },
  ],
  findKeys,
  tips: ['nondeterministic_output'],
  syntax:
    'host port:integer <key#0 | ""> destination-db:integer timeout:integer ' +
    `${options.line} [KEYS key#1 [key ...]]`,
  secrets: secretsOf,

  run(ctx, args, reply) {
    ctx.noEffect();
    if (ctx.retrying) {
      settle(ctx, args, reply);
      return;
    }
    const words = readWords(args);
    const timeoutMs = Number(int64Argument(args, 5));
    const database = int64Argument(args, 4);
    if (!ctx.mayBlock) throw mustWait;
    const keys = readKeys(ctx, args, words);
    if (keys.length === 0) {
      reply.simple('NOKEY');
      return;
    }
    const { migrations } = ctx.server;
    const { session } = ctx;
    ctx.block(
      {
        args,
        keys: [],
        type: -1,
        untilMs: 0,
        onTimeout: (r) => r.error(interrupted),
        onEnd: () => migrations.end(session),
      },
      reply,
    );
    migrations.start(session, {
      host: args.cString(1),
      port: portArgument(args, 2),
      database: String(database),
      timeoutMs: timeoutMs > 0 ? timeoutMs : DEFAULT_TIMEOUT_MS,
      login: loginOf(words),
      keys,
    });
  },
});

/** What AUTH is sent with. */
function loginOf({ username, password }: Words): string[] {
  return [username, password].filter((word) => word !== undefined);
}
