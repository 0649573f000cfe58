/**
 * Bounds of ranges, by score (`1.5`, `(1.5`, `-inf`) and by member (`[a`, `(a`, `-`, `+`), and the
 * ranks that lie between them. What C's strtod reads as a bound, this reads.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { readFloatText } from '../../util/float-text.ts';
import { parseDouble, parseDoubleText } from '../../util/numbers.ts';

const notFloat = new CommandError('ERR min or max is not a float');
const notLex = new CommandError('ERR min or max not valid string range item');

/** A stretch of ranks: the first one and how many. */
export interface Ranks {
  readonly from: number;
  readonly count: number;
}

export interface ScoreBounds {
  readonly min: number;
  readonly minExcluded: boolean;
  readonly max: number;
  readonly maxExcluded: boolean;
}

const OPEN = 40; // (

/** Argument i without its first `skip` bytes, as a number. */
function boundOf(args: Args, i: number, skip: number): number {
  const value = parseDouble(args.buf, args.off[i]! + skip, args.len[i]! - skip);
  return Number.isNaN(value) ? unusualBound(args.cString(i).slice(skip)) : value;
}

/** What strtod takes beyond that: nothing at all, leading blanks, overflow of decimals. */
function unusualBound(text: string): number {
  if (text === '') return 0;
  let blanks = 0;
  while (isBlank(text.charCodeAt(blanks))) blanks++;
  const number = text.slice(blanks);
  const value = parseDoubleText(number);
  if (!Number.isNaN(value)) return value;
  if (readFloatText(number)?.hex === false) return Number(number);
  throw notFloat;
}

function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

/** Arguments `minAt` and `maxAt` as bounds of scores. */
export function scoreBounds(args: Args, minAt: number, maxAt: number): ScoreBounds {
  const minExcluded = args.len[minAt]! > 0 && args.buf[args.off[minAt]!] === OPEN;
  const maxExcluded = args.len[maxAt]! > 0 && args.buf[args.off[maxAt]!] === OPEN;
  return {
    min: boundOf(args, minAt, minExcluded ? 1 : 0),
    minExcluded,
    max: boundOf(args, maxAt, maxExcluded ? 1 : 0),
    maxExcluded,
  };
}

/** The ranks whose scores lie between bounds. O(log n). */
export function scoreRanks(set: SortedSetValue, bounds: ScoreBounds): Ranks {
  const from = set.rankOfScore(bounds.min, bounds.minExcluded);
  const to = set.rankOfScore(bounds.max, !bounds.maxExcluded);
  return { from, count: Math.max(0, to - from) };
}

/**
 * Where a bound by member is: before all, after all, or at an argument's text after `[` or `(`.
 */
interface LexBound {
  readonly kind: 'first' | 'last' | 'at';
  readonly argument: number;
  readonly excluded: boolean;
}

export interface LexBounds {
  readonly min: LexBound;
  readonly max: LexBound;
}

function lexBound(args: Args, i: number): LexBound {
  const first = args.len[i]! > 0 ? args.buf[args.off[i]!]! : 0;
  if (first === 91 || first === 40) return { kind: 'at', argument: i, excluded: first === 40 };
  if (args.len[i] === 1 && (first === 45 || first === 43)) {
    return { kind: first === 45 ? 'first' : 'last', argument: i, excluded: false };
  }
  throw notLex;
}

/** Arguments `minAt` and `maxAt` as bounds of members. */
export function lexBounds(args: Args, minAt: number, maxAt: number): LexBounds {
  return { min: lexBound(args, minAt), max: lexBound(args, maxAt) };
}

/** Elements before a bound; `past` those that equal it count too. */
function lexRank(set: SortedSetValue, args: Args, bound: LexBound, past: boolean): number {
  if (bound.kind === 'first') return 0;
  if (bound.kind === 'last') return set.size;
  const i = bound.argument;
  return set.rankOfMember(args.buf, args.off[i]! + 1, args.len[i]! - 1, past);
}

/** The ranks whose members lie between bounds. O(log n). */
export function lexRanks(set: SortedSetValue, args: Args, bounds: LexBounds): Ranks {
  const from = lexRank(set, args, bounds.min, bounds.min.excluded);
  const to = lexRank(set, args, bounds.max, !bounds.max.excluded);
  return { from, count: Math.max(0, to - from) };
}

/** The ranks between two indexes, both included; negative ones count from the end. */
export function indexRanks(size: number, start: number, stop: number): Ranks {
  const from = start < 0 ? Math.max(0, size + start) : start;
  const last = Math.min(stop < 0 ? size + stop : stop, size - 1);
  return { from, count: Math.max(0, last - from + 1) };
}
