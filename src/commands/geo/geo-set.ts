/**
 * Sorted sets as the geo commands use them: scores are positions.
 */
import { Region, type Shape } from '../../datatypes/geo-distance.ts';
import type { GeoMatches } from '../../datatypes/geo-matches.ts';
import { searchRanges } from '../../datatypes/geo-search.ts';
import { decodeScore, type Position } from '../../datatypes/geohash.ts';
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { Args } from '../../util/args.ts';

/** Elements that are looked at before a search with a limit asks whether it has enough. */
const STRIDE = 64;

/** The position of the member that is argument i; false when there is none. */
export function findPosition(zset: SortedSetValue, args: Args, i: number, into: Position): boolean {
  if (!zset.find(args.buf, args.off[i]!, args.len[i]!)) return false;
  decodeScore(zset.score, into);
  return true;
}

const position: Position = { longitude: 0, latitude: 0 };

/**
 * Adds to `matches` the members inside a shape, cell after cell and by score in each, until there
 * are `limit` of them (0: all). O(log n) a cell, at most nine, and O(1) for each member in them.
 */
export function collectMatches(
  zset: SortedSetValue,
  shape: Shape,
  limit: number,
  matches: GeoMatches,
): void {
  const region = new Region(shape);
  const wanted = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  const { member } = zset;
  const look = () => {
    decodeScore(zset.score, position);
    const meters = region.distanceInside(position.longitude, position.latitude);
    if (meters === -1 || matches.size >= wanted) return;
    matches.add(zset.score, meters, member.buf, member.off, member.len);
  };
  for (const { min, max } of searchRanges(shape)) {
    const from = zset.rankOfScore(min, false);
    const to = zset.rankOfScore(max, false);
    const stride = limit === 0 ? to - from : STRIDE;
    for (let rank = from; rank < to && matches.size < wanted; rank += stride) {
      zset.forRange(rank, Math.min(stride, to - rank), false, look);
    }
  }
}
