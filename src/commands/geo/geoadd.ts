/**
 * GEOADD: a ZADD whose scores are positions.
 */
import { encodeScore, type Position } from '../../datatypes/geohash.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { command, keyAt } from '../spec.ts';
import { positionArgument } from './geo-arguments.ts';

const options = grammar('[NX | XX] [CH]');
const NX = options.word('NX');
const XX = options.word('XX');
const CH = options.word('CH');

const position: Position = { longitude: 0, latitude: 0 };

/** To the journal it is a ZADD; `first` is the first argument after the options. */
function noteScores(ctx: Context, args: Args, first: number, scores: Float64Array): void {
  const line = ctx.instead('zadd')?.argumentsFrom(args, 1, first);
  if (line === undefined) return;
  for (let i = 0; i < scores.length; i++) {
    line.integer(scores[i]!).argument(args, first + i * 3 + 2);
  }
}

/** GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...] */
export const geoadd = command({
  name: 'geoadd',
  arity: -5,
  group: 'geo',
  since: '3.2.0',
  summary: 'Adds members with their positions, or moves them.',
  complexity: 'O(log(N)) for each member, N being the number of members in the sorted set.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax:
    `key ${options.line} longitude:double latitude:double member ` +
    '[longitude:double latitude:double member ...]',

  run(ctx, args, reply) {
    const first = options.readWhile(args, 2);
    const onlyNew = options.has(NX);
    const onlyPresent = options.has(XX);
    const countChanged = options.has(CH);
    const elements = (args.argc - first) / 3;
    if (!Number.isInteger(elements) || elements === 0) throw errors.syntax;
    const scores = new Float64Array(elements);
    for (let i = 0; i < elements; i++) {
      positionArgument(args, first + i * 3, position);
      scores[i] = encodeScore(position.longitude, position.latitude);
    }

    const { db } = ctx;
    const zset = ctx.keyspace.zsets;
    let entry = db.writeValue(args, 1, zset);
    if (entry === 0) {
      if (onlyPresent) {
        reply.int(0);
        return;
      }
      zset.create();
      entry = db.addValue(args, 1, zset);
    }
    let added = 0;
    let moved = 0;
    for (let i = 0; i < elements; i++) {
      const member = first + i * 3 + 2;
      const off = args.off[member]!;
      const len = args.len[member]!;
      const score = scores[i]!;
      if (!zset.find(args.buf, off, len)) {
        if (onlyPresent) continue;
        zset.insert(args.buf, off, len, score);
        added++;
      } else if (!onlyNew && zset.score !== score) {
        zset.update(args.buf, off, len, score);
        moved++;
      }
    }
    if (added + moved > 0) {
      ctx.changedValue('zadd', entry, zset, args, 1, added + moved);
      noteScores(ctx, args, first, scores);
    }
    reply.int(countChanged ? added + moved : added);
  },
});
