/**
 * Random members and iteration: ZRANDMEMBER, ZSCAN.
 */
import { sampleIndexes } from '../../datatypes/sampling.ts';
import { errors } from '../../util/errors.ts';
import { countArgument } from '../integers.ts';
import { checkRepetitions } from '../repetitions.ts';
import { replyScan } from '../scan-options.ts';
import { command, keyAt } from '../spec.ts';
import { replyElement, replyElements } from './results.ts';

/** ZRANDMEMBER key [count [WITHSCORES]] */
export const zrandmember = command({
  name: 'zrandmember',
  arity: -2,
  group: 'sorted-set',
  since: '6.2.0',
  summary: 'Returns random members; a negative count allows repetitions.',
  complexity: 'O(M*log(N)) where N is the size of the sorted set and M the absolute count.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key [count:integer [WITHSCORES]]',

  run(ctx, args, reply) {
    const { zsets, random } = ctx.keyspace;
    if (args.argc === 2) {
      if (ctx.db.readValue(args, 1, zsets) === 0) reply.null();
      else {
        zsets.seek(Math.floor(random() * zsets.size));
        replyElement(zsets, reply, false);
      }
      return;
    }
    const withScores = args.argc > 3;
    const count = countArgument(args, 2);
    if (args.argc > 4 || (withScores && !args.is(3, 'WITHSCORES'))) throw errors.syntax;
    if (withScores) countArgument(args, 2, true);
    if (ctx.db.readValue(args, 1, zsets) === 0 || count === 0) {
      reply.array(0);
      return;
    }
    const { size } = zsets;
    if (count >= size) {
      replyElements(reply, size, withScores);
      zsets.forEach(() => {
        replyElement(zsets, reply, withScores);
      });
      return;
    }
    if (count < 0) checkRepetitions(reply, -count, zsets, () => zsets.member.len);
    replyElements(reply, Math.abs(count), withScores);
    if (count > 0) {
      for (const rank of sampleIndexes(size, count, random)) {
        zsets.seek(rank);
        replyElement(zsets, reply, withScores);
      }
      return;
    }
    for (let i = 0; i < -count; i++) {
      zsets.seek(Math.floor(random() * size));
      replyElement(zsets, reply, withScores);
    }
  },
});

/** ZSCAN key cursor [MATCH pattern] [COUNT count] */
export const zscan = command({
  name: 'zscan',
  arity: -3,
  group: 'sorted-set',
  since: '2.8.0',
  summary: 'Returns some members and a cursor for the next call; all calls together see every one.',
  complexity: 'O(1) for every call, O(N) for a complete iteration.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key cursor:integer [MATCH pattern] [COUNT count]',

  run(ctx, args, reply) {
    const { zsets } = ctx.keyspace;
    const { member } = zsets;
    replyScan(ctx, args, reply, zsets, {
      text: member,
      step: (from, emit) => zsets.scan(from, emit),
      write() {
        reply.bulk(member.buf, member.off, member.len);
        reply.bulkLatin1(zsets.scoreText);
        return 2;
      },
    });
  },
});
