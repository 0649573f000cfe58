/**
 * What the range commands are told: by what the range goes, its bounds, LIMIT and WITHSCORES. As in
 * Redis the older forms know LIMIT and WITHSCORES even where they refuse them with texts of their
 * own, so all forms are read by one grammar, and a form says which words it lacks.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { grammar } from '../grammar.ts';
import { intArgument } from '../integers.ts';
import {
  indexRanks,
  type LexBounds,
  lexBounds,
  lexRanks,
  type Ranks,
  type ScoreBounds,
  scoreBounds,
  scoreRanks,
} from './bounds.ts';

const limitByRank = new CommandError(
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
);
const lexWithScores = new CommandError(
  'ERR syntax error, WITHSCORES not supported in combination with BYLEX',
);

/** The options of ZRANGE; other forms lack some. */
export const rangeOptions = grammar(
  '[BYSCORE | BYLEX] [REV] [LIMIT offset:integer count:integer] [WITHSCORES]',
  { once: ['BYSCORE', 'BYLEX', 'REV'] },
);
const BYSCORE = rangeOptions.word('BYSCORE');
const BYLEX = rangeOptions.word('BYLEX');
const REV = rangeOptions.word('REV');
const LIMIT = rangeOptions.word('LIMIT');
const WITHSCORES = rangeOptions.word('WITHSCORES');

type By = 'rank' | 'score' | 'lex';

/** What a command name says; `undefined` is for the options to say. */
export interface RangeForm {
  readonly by?: By;
  readonly reverse?: boolean;
  /** Position of the key that is read; the bounds follow it. */
  readonly keyAt: number;
  /** Scores are stored, not replied. */
  readonly store?: true;
}

/** What was asked for; `ranksOf` looks it up. */
export interface Range {
  readonly by: By;
  readonly reverse: boolean;
  readonly withScores: boolean;
  /** What LIMIT says; a count below 0 is all. */
  readonly offset: number;
  readonly limit: number;
  /** Of a range by rank. */
  readonly start: number;
  readonly stop: number;
  /** Of a range by score, or by text. */
  readonly scores: ScoreBounds | undefined;
  readonly texts: LexBounds | undefined;
}

/** Whether a form lacks an option. */
function lacks({ by, reverse, store }: RangeForm, word: number): boolean {
  if (word === BYSCORE || word === BYLEX) return by !== undefined;
  if (word === REV) return reverse !== undefined;
  return word === WITHSCORES && store === true;
}

/** What the range goes by, as the options that were read say. */
function chosenBy(): By {
  if (rangeOptions.has(BYLEX)) return 'lex';
  return rangeOptions.has(BYSCORE) ? 'score' : 'rank';
}

/** Reads the bounds and options of a command. Throws what Redis answers. */
export function readRange(args: Args, form: RangeForm): Range {
  let offset = 0;
  let limit = -1;
  rangeOptions.begin();
  for (let i = form.keyAt + 3; i < args.argc; ) {
    i = rangeOptions.next(args, i);
    const word = rangeOptions.last;
    if (lacks(form, word)) throw errors.syntax;
    if (word !== LIMIT) continue;
    offset = intArgument(args, i - 2);
    limit = intArgument(args, i - 1);
  }
  const by = form.by ?? chosenBy();
  const reverse = form.reverse ?? rangeOptions.has(REV);
  const withScores = rangeOptions.has(WITHSCORES);
  if (limit !== -1 && by === 'rank') throw limitByRank;
  if (withScores && by === 'lex') throw lexWithScores;
  const first = form.keyAt + 1;
  const minAt = reverse ? first + 1 : first;
  const maxAt = reverse ? first : first + 1;
  return {
    by,
    reverse,
    withScores,
    offset,
    limit,
    start: by === 'rank' ? intArgument(args, first) : 0,
    stop: by === 'rank' ? intArgument(args, first + 1) : 0,
    scores: by === 'score' ? scoreBounds(args, minAt, maxAt) : undefined,
    texts: by === 'lex' ? lexBounds(args, minAt, maxAt) : undefined,
  };
}

/** The ranks that a range has in a sorted set; `args` are those it was read from. O(log n). */
export function ranksOf(set: SortedSetValue, args: Args, range: Range): Ranks {
  const { scores, texts, reverse } = range;
  if (scores !== undefined) return limitRanks(scoreRanks(set, scores), range);
  if (texts !== undefined) return limitRanks(lexRanks(set, args, texts), range);
  const { from, count } = indexRanks(set.size, range.start, range.stop);
  return reverse ? { from: set.size - from - count, count } : { from, count };
}

/** What LIMIT leaves of a stretch of ranks that is walked from its start, or its end. */
function limitRanks(ranks: Ranks, { offset, limit, reverse }: Range): Ranks {
  if (offset === 0 && limit < 0) return ranks;
  if (offset < 0 || offset >= ranks.count) return { from: 0, count: 0 };
  const left = ranks.count - offset;
  const count = limit < 0 ? left : Math.min(limit, left);
  const from = reverse ? ranks.from + left - count : ranks.from + offset;
  return { from, count };
}
