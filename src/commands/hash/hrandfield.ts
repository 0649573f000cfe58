/**
 * Random fields and iteration: HRANDFIELD, HSCAN.
 */
import type { HashValue } from '../../datatypes/hash.ts';
import { sampleDistinct, shuffled } from '../../datatypes/sampling.ts';
import type { Reply } from '../../resp/reply.ts';
import { errors } from '../../util/errors.ts';
import { countArgument } from '../integers.ts';
import { checkRepetitions } from '../repetitions.ts';
import { replyScan, type Scanned, scanGrammars } from '../scan-options.ts';
import { command, keyAt } from '../spec.ts';

function replyField(hash: HashValue, reply: Reply, withValues: boolean): void {
  const { field, value } = hash;
  if (withValues) reply.pair();
  reply.bulk(field.buf, field.off, field.len);
  if (withValues) reply.bulk(value.buf, value.off, value.len);
}

function replyLength(reply: Reply, count: number, withValues: boolean): void {
  if (withValues) reply.pairs(count);
  else reply.array(count);
}

/** `count` different fields of a hash, all of them when it has fewer. */
function replyDistinct(
  hash: HashValue,
  count: number,
  withValues: boolean,
  random: () => number,
  reply: Reply,
): void {
  const { size } = hash;
  if (count >= size) {
    replyLength(reply, size, withValues);
    hash.forEach(() => {
      replyField(hash, reply, withValues);
    });
    return;
  }
  replyLength(reply, count, withValues);
  if (count * 3 <= size) {
    sampleDistinct(hash, count, () => {
      replyField(hash, reply, withValues);
    });
    return;
  }
  for (const at of shuffled(hash.places(), count, random)) {
    hash.seekTo(at);
    replyField(hash, reply, withValues);
  }
}

/** HRANDFIELD key [count [WITHVALUES]] */
export const hrandfield = command({
  name: 'hrandfield',
  arity: -2,
  group: 'hash',
  since: '6.2.0',
  summary: 'Returns random fields; a negative count allows repetitions.',
  complexity: 'O(N) where N is the number of fields returned.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key [count:integer [WITHVALUES]]',

  run(ctx, args, reply) {
    const { hashes, random } = ctx.keyspace;
    if (args.argc === 2) {
      if (ctx.db.readValue(args, 1, hashes) === 0) reply.null();
      else {
        hashes.seekRandom();
        replyField(hashes, reply, false);
      }
      return;
    }
    const withValues = args.argc > 3;
    const count = countArgument(args, 2);
    if (args.argc > 4 || (withValues && !args.is(3, 'WITHVALUES'))) throw errors.syntax;
    if (withValues) countArgument(args, 2, true);
    if (ctx.db.readValue(args, 1, hashes) === 0 || count === 0) {
      reply.array(0);
      return;
    }
    if (count > 0) {
      replyDistinct(hashes, count, withValues, random, reply);
      return;
    }
    const { field, value } = hashes;
    checkRepetitions(reply, -count, hashes, () => field.len + (withValues ? value.len : 0));
    replyLength(reply, -count, withValues);
    for (let i = 0; i < -count; i++) {
      hashes.seekRandom();
      replyField(hashes, reply, withValues);
    }
  },
});

/** HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES] */
export const hscan = command({
  name: 'hscan',
  arity: -3,
  group: 'hash',
  since: '2.8.0',
  summary:
    'Returns some fields and a cursor for the next call; all calls together see every field.',
  complexity: 'O(1) for every call, O(N) for a complete iteration.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: `key cursor:integer ${scanGrammars.valueless.line}`,

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    const { field, value } = hashes;
    const scanned: Scanned = {
      text: field,
      step: (from, emit) => hashes.scan(from, emit),
      write({ noValues }) {
        reply.bulk(field.buf, field.off, field.len);
        if (noValues) return 1;
        reply.bulk(value.buf, value.off, value.len);
        return 2;
      },
    };
    replyScan(ctx, args, reply, hashes, scanned, scanGrammars.valueless);
  },
});
