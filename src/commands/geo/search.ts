/**
 * The search that GEOSEARCH and GEORADIUS share, and its two endings: an answer or a sorted set.
 */
import { GeoMatches } from '../../datatypes/geo-matches.ts';
import { decodeScore, type Position } from '../../datatypes/geohash.ts';
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { KeyEvent } from '../../keyspace/events.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { distanceText, replyPosition } from './geo-arguments.ts';
import { collectMatches, findPosition } from './geo-set.ts';
import type { Locate, SearchOptions } from './search-options.ts';

const noMember = new CommandError('ERR could not decode requested zset member');

/** Reads the arguments after the key; `locate` is undefined when the key is missing. */
export type ReadOptions = (locate: Locate | undefined) => SearchOptions;

/** Searches the key that is argument `key`; `event` is that of a result that is stored. */
export function runSearch(
  ctx: Context,
  args: Args,
  reply: Reply,
  key: number,
  event: KeyEvent,
  readOptions: ReadOptions,
): void {
  const zset = ctx.keyspace.zsets;
  const present = ctx.db.readValue(args, key, zset) !== 0;
  const options = readOptions(
    present
      ? (i, shape) => {
          if (!findPosition(zset, args, i, shape)) throw noMember;
        }
      : undefined,
  );
  const matches = new GeoMatches();
  if (present) collectMatches(zset, options.shape, options.any ? options.count : 0, matches);
  const { size } = matches;
  const count = options.count === 0 ? size : Math.min(size, options.count);
  matches.arrange(options.order, count);
  if (options.storeKey === 0) replyMatches(reply, matches, count, options);
  else {
    storeMatches(ctx, args, matches, count, options, event);
    reply.int(count);
  }
}

const position: Position = { longitude: 0, latitude: 0 };

function replyMatches(
  reply: Reply,
  matches: GeoMatches,
  count: number,
  { withDistance, withHash, withPosition, shape }: SearchOptions,
): void {
  const extras = Number(withDistance) + Number(withHash) + Number(withPosition);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const match = matches.at(i);
    if (extras > 0) reply.array(1 + extras);
    reply.bulk(matches.bytes, matches.memberOff(match), matches.memberLen(match));
    if (withDistance) {
      reply.bulkLatin1(distanceText(matches.distance(match) / shape.metersPerUnit));
    }
    if (withHash) replyScore(reply, matches.score(match));
    if (withPosition) {
      decodeScore(matches.score(match), position);
      replyPosition(reply, position);
    }
  }
}

/** Scores at the rim of the grid exceed the integers that a number holds. */
function replyScore(reply: Reply, score: number): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) reply.int(whole);
  else reply.bigint(BigInt(whole));
}

/** Puts the first `count` matches in the place of whatever the key holds; none remove it. */
function storeMatches(
  ctx: Context,
  args: Args,
  matches: GeoMatches,
  count: number,
  options: SearchOptions,
  event: KeyEvent,
): void {
  const { db } = ctx;
  const key = options.storeKey;
  if (count === 0) {
    if (db.removeKey(args, key)) ctx.changed('del', args, key);
    return;
  }
  const result = ctx.keyspace.build(new SortedSetValue(ctx.keyspace.tools), (zset) => {
    zset.create();
    for (let i = 0; i < count; i++) {
      const match = matches.at(i);
      const score = options.storeDistance
        ? matches.distance(match) / options.shape.metersPerUnit
        : matches.score(match);
      zset.insert(matches.bytes, matches.memberOff(match), matches.memberLen(match), score);
    }
  });
  db.putValue(args, key, result);
  ctx.changed(event, args, key, count);
}
