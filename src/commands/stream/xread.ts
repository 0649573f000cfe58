/**
 * Reading what is new: XREAD, XREADGROUP.
 */
import type { StreamValue } from '../../datatypes/stream.ts';
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Reply } from '../../resp/reply.ts';
import { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { keysToWaitFor } from '../blocking.ts';
import type { Context } from '../context.ts';
import type { KeySpec } from '../facts.ts';
import { type KeyList, keyUse } from '../key-list.ts';
import { command } from '../spec.ts';
import { deliver, findIdle, nextIdleAt, replyHistory } from './delivery.ts';
import { noteConsumer } from './effects.ts';
import { replyEntries } from './entries.ts';
import { consumerForUse, noGroup } from './group-arguments.ts';
import { idArgument, isCharacter } from './ids.ts';
import { firstKeyOf, NEVER_BLOCK, type ReadOptions, readOptions } from './read-options.ts';

const newIdWithoutGroup = new CommandError(
  'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> ' +
    'option.',
);
const lastIdInGroup = new CommandError(
  'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this ' +
    'consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just ' +
    'return an empty result set.',
);
const keyGone = new CommandError('UNBLOCKED the stream key no longer exists');
const groupGone = new CommandError(
  'NOGROUP the consumer group this client was blocked on no longer exists',
);

/** One stream of a command line. */
class Source {
  readonly id = new StreamId();
  /** Entries above the id are wanted; with a group: never delivered ones. */
  fresh = false;
  /** The id was `$` or `+`: it stands for another one at any other moment. */
  last = false;
}

/** The first source of every call: as a rule there is one. */
const first = new Source();

/** Opens the stream at argument i; false when there is none. */
function openStream(ctx: Context, args: Args, i: number): boolean {
  const { streams } = ctx.keyspace;
  if (!ctx.retrying) return ctx.db.readValue(args, i, streams) !== 0;
  if (!ctx.isAwaited(args, i)) return false;
  // Not `read`: it is no access of the client's that might count as a hit or a miss.
  const entry = ctx.db.find(args.buf, args.off[i]!, args.len[i]!);
  if (entry === 0 || ctx.db.typeOf(entry) !== streams.type) return false;
  ctx.db.open(entry, streams);
  return true;
}

/** The group of the stream that was opened, if it was; throws when there is none. */
function checkGroup(ctx: Context, args: Args, found: boolean, key: number, group: number): void {
  if (found && findGroup(ctx.keyspace.streams, args, group) !== 0) return;
  if (ctx.retrying) throw found ? groupGone : keyGone;
  throw noGroup(args, key, group, ' in XREADGROUP with GROUP option');
}

function findGroup(stream: StreamValue, args: Args, i: number): GroupRef {
  return stream.groups.find(args.buf, args.off[i]!, args.len[i]!);
}

function readSources(ctx: Context, args: Args, options: ReadOptions): Source[] {
  const { firstKey, streams, group } = options;
  const sources: Source[] = [];
  for (let key = firstKey; key < firstKey + streams; key++) {
    const i = key + streams;
    const source = key === firstKey ? first : new Source();
    source.id.setMin();
    source.fresh = group === 0;
    source.last = false;
    const found = openStream(ctx, args, key);
    if (group !== 0 && ctx.isAwaited(args, key)) checkGroup(ctx, args, found, key, group);
    if (isCharacter(args, i, '$')) {
      if (group !== 0) throw lastIdInGroup;
      source.last = true;
      if (found) ctx.keyspace.streams.readLastId(source.id);
    } else if (group === 0 && isCharacter(args, i, '+')) {
      // Redis 7.4: the last entry, or the first that comes where there is none.
      source.last = true;
      if (found) readBeforeLast(ctx.keyspace.streams, source.id);
    } else if (isCharacter(args, i, '>')) {
      if (group === 0) throw newIdWithoutGroup;
      source.fresh = true;
    } else {
      idArgument(args, i, source.id);
      // Redis marks `>` by the largest id, so that one means the same.
      if (source.id.isMax) source.fresh = true;
    }
    sources.push(source);
  }
  return sources;
}

/** The id that only the last entry of a stream is above; its last id when there is no entry. */
function readBeforeLast(stream: StreamValue, id: StreamId): void {
  if (stream.size === 0) {
    stream.readLastId(id);
    return;
  }
  stream.readEdge(true, id);
  id.decrement();
}

const NONE: readonly GroupRef[] = [];
const edge = new StreamId();
const highest = new StreamId();
highest.setMax();

/** Whether the stream that is open has an entry above an id. */
function hasAbove(stream: StreamValue, id: StreamId): boolean {
  if (stream.size === 0) return false;
  stream.readEdge(true, edge);
  return edge.compare(id) > 0;
}

/** Replies with what the stream that is open has for one source, if anything. */
function serve(
  ctx: Context,
  args: Args,
  key: number,
  source: Source,
  options: ReadOptions,
  reply: Reply,
): boolean {
  const { streams } = ctx.keyspace;
  const { id, fresh } = source;
  const group = options.group === 0 ? 0 : findGroup(streams, args, options.group);
  if (group !== 0 && fresh) streams.groups.readLastId(group, id);
  const claims = group !== 0 && fresh && options.minIdleMs >= 0;
  const idle = claims ? findIdle(ctx, args, key, group, options.minIdleMs, options.count) : NONE;
  if (fresh && idle.length === 0 && !hasAbove(streams, id)) return false;
  id.increment();
  reply.nestedPair();
  reply.bulk(args.buf, args.off[key]!, args.len[key]!);
  if (group === 0) {
    streams.seek(id, highest);
    replyEntries(reply, streams.cursor, options.count);
    return true;
  }
  const consumersBefore = streams.groups.consumerCount(group);
  const consumer = consumerForUse(ctx, args, key, group, options.group + 1);
  const isNew = streams.groups.consumerCount(group) !== consumersBefore;
  // Otherwise the entries that it claims tell of it.
  if (isNew && (options.noAck || !fresh)) noteConsumer(ctx, args, key, group, options.group + 1);
  // That entries are delivered again to their own consumer is no effect to Redis.
  ctx.noEffect();
  if (fresh) deliver(ctx, args, key, group, consumer, idle, options, reply);
  else replyHistory(ctx, group, consumer, id, options.count, reply);
  ctx.wrote();
  return true;
}

function read(ctx: Context, args: Args, reply: Reply, inGroup: boolean): void {
  const options = readOptions(ctx, args, inGroup);
  const { firstKey, streams } = options;
  const sources = readSources(ctx, args, options);
  const mark = reply.beginDeferred();
  let served = 0;
  for (let i = 0; i < streams; i++) {
    if (!openStream(ctx, args, firstKey + i)) continue;
    if (serve(ctx, args, firstKey + i, sources[i]!, options, reply)) served++;
    // A stream that is named twice was waited for once, from its first id on.
    if (ctx.retrying) break;
  }
  if (served > 0) {
    reply.endNestedMap(mark, served);
    return;
  }
  if (options.untilMs === NEVER_BLOCK) {
    reply.nullArray();
    return;
  }
  ctx.block(
    {
      args: withLastIds(args, options, sources),
      keys: keysToWaitFor(args, firstKey, firstKey + streams),
      type: ctx.keyspace.streams.type,
      wants: sources.map((source) => wantOf(args, options, source)),
      wakesWhenGone: options.group !== 0,
      untilMs: options.untilMs,
      retryAtMs: nextClaimAt(ctx, args, options, sources),
      onTimeout: (r) => r.nullArray(),
    },
    reply,
  );
}

/**
 * What a source waits for: who waits for the same of a stream gets something or nothing just like
 * this one. Consumers of a group want any entry that nobody has, and perhaps idle ones.
 */
function wantOf(args: Args, { group, minIdleMs }: ReadOptions, { id }: Source): string {
  return group === 0 ? id.toString() : `${minIdleMs} ${args.latin1(group)}`;
}

/** When a pending entry of any of the streams can be claimed, 0 when that cannot be foreseen. */
function nextClaimAt(
  ctx: Context,
  args: Args,
  { minIdleMs, firstKey, group }: ReadOptions,
  sources: readonly Source[],
): number {
  if (minIdleMs < 0) return 0;
  const { streams } = ctx.keyspace;
  let next = 0;
  for (const [i, { fresh }] of sources.entries()) {
    const key = firstKey + i;
    const entry = fresh ? ctx.db.find(args.buf, args.off[key]!, args.len[key]!) : 0;
    if (entry === 0 || ctx.db.typeOf(entry) !== streams.type) continue;
    ctx.db.open(entry, streams);
    const found = findGroup(streams, args, group);
    const at = found === 0 ? 0 : nextIdleAt(ctx, found, minIdleMs);
    if (at !== 0 && (next === 0 || at < next)) next = at;
  }
  return next;
}

/** The command line with the ids that `$` and `+` stand for at this moment. */
function withLastIds(args: Args, options: ReadOptions, sources: readonly Source[]): Args {
  if (!sources.some(({ last }) => last)) return args;
  const parts: (Uint8Array | string)[] = [];
  for (let i = 0; i < args.argc; i++) parts.push(args.view(i));
  const firstId = options.firstKey + options.streams;
  for (const [i, { id, last }] of sources.entries()) {
    if (last) parts[firstId + i] = id.toString();
  }
  return Args.of(...parts);
}

function keysBehindStreams(from: number): KeySpec {
  return {
    flags: ['RO', 'access'],
    begin: { type: 'keyword', keyword: 'STREAMS', from },
    find: { type: 'range', last: -1, step: 1, limit: 2 },
  };
}

const use = keyUse('RO', 'access');

/** Adds the first half of what follows STREAMS. */
function findKeys(args: Args, keys: KeyList): boolean {
  const first = firstKeyOf(args);
  if (first === 0) return false;
  const count = (args.argc - first) >> 1;
  for (let i = 0; i < count; i++) keys.add(first + i, use);
  return true;
}

/** XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...] */
export const xread = command({
  name: 'xread',
  arity: -4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns the entries of streams that are above given ids; can wait for one.',
  complexity: 'O(M) for each stream where M is the number of entries returned.',
  flags: ['readonly', 'blocking', 'movablekeys'],
  keys: [keysBehindStreams(1)],
  findKeys,
  syntax:
    '[COUNT count:integer] [BLOCK milliseconds:integer] STREAMS key [key ...] id:string [id:string ...]',
  run: (ctx, args, reply) => read(ctx, args, reply, false),
});

/**
 * XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK]
 * STREAMS key [key ...] id [id ...]
 */
export const xreadgroup = command({
  name: 'xreadgroup',
  arity: -7,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns entries that nobody of a group has read, or what a consumer has pending.',
  complexity: 'O(M) for each stream where M is the number of entries returned.',
  flags: ['write', 'blocking', 'movablekeys'],
  keys: [keysBehindStreams(4)],
  findKeys,
  syntax:
    'GROUP group consumer [COUNT count:integer] [BLOCK milliseconds:integer] ' +
    '[CLAIM min-idle-time:integer] [NOACK] STREAMS key [key ...] id:string [id:string ...]',
  run: (ctx, args, reply) => read(ctx, args, reply, true),
});
