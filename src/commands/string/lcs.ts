/**
 * LCS: the longest common subsequence of two strings.
 */
import { type LcsResult, lcs, lcsLength, lcsMemory } from '../../datatypes/lcs.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { intArgument } from '../integers.ts';
import { command, keyRange } from '../spec.ts';

const notStrings = new CommandError('ERR The specified keys must contain string values');
const lengthAndIndexes = new CommandError(
  'ERR If you want both the length and indexes, please just use IDX.',
);
const tooMuchMemory = new CommandError(
  'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
);

const options = grammar('[LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]');
const LEN = options.word('LEN');
const IDX = options.word('IDX');
const MINMATCHLEN = options.word('MINMATCHLEN');
const WITHMATCHLEN = options.word('WITHMATCHLEN');

interface Request {
  readonly indexes: boolean;
  readonly lengthOnly: boolean;
  readonly withLengths: boolean;
  readonly minMatchLen: number;
}

function readOptions(args: Args): Request {
  let minMatchLen = 0;
  options.begin();
  for (let i = 3; i < args.argc; ) {
    i = options.next(args, i);
    if (options.last === MINMATCHLEN) minMatchLen = intArgument(args, options.at(MINMATCHLEN));
  }
  const lengthOnly = options.has(LEN);
  const indexes = options.has(IDX);
  if (indexes && lengthOnly) throw lengthAndIndexes;
  return { indexes, lengthOnly, withLengths: options.has(WITHMATCHLEN), minMatchLen };
}

/** The string at the key that is argument i, as a view; empty when there is none. */
function stringArgument(ctx: Context, args: Args, i: number): Uint8Array {
  const { db } = ctx;
  const entry = db.read(args, i);
  if (entry === 0) return new Uint8Array(0);
  if (db.typeOf(entry) !== ValueType.string) throw notStrings;
  db.locateString(entry);
  return db.valueBuf.subarray(db.valueOff, db.valueOff + db.valueLen);
}

function replyIndexes(result: LcsResult, withLengths: boolean, reply: Reply): void {
  reply.map(2);
  reply.bulkLatin1('matches');
  reply.array(result.matches.length);
  for (const { aStart, aEnd, bStart, bEnd } of result.matches) {
    reply.array(withLengths ? 3 : 2);
    reply.array(2);
    reply.int(aStart);
    reply.int(aEnd);
    reply.array(2);
    reply.int(bStart);
    reply.int(bEnd);
    if (withLengths) reply.int(aEnd - aStart + 1);
  }
  reply.bulkLatin1('len');
  reply.int(result.length);
}

/** LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN] */
export const lcsCommand = command({
  name: 'lcs',
  arity: -3,
  group: 'string',
  since: '7.0.0',
  summary: 'Returns the longest common subsequence of two strings, its length, or where it is.',
  complexity: 'O(N*M) where N and M are the lengths of the strings.',
  flags: ['readonly'],
  keys: [keyRange(1, 2, 1, 'RO', 'access')],
  syntax: `key1:key key2:key ${options.line}`,

  run(ctx, args, reply) {
    const a = stringArgument(ctx, args, 1);
    const b = stringArgument(ctx, args, 2);
    const request = readOptions(args);
    const limit = ctx.server.config.number('proto-max-bulk-len');
    if (lcsMemory(a.length, b.length) > limit) throw tooMuchMemory;
    if (request.lengthOnly) reply.int(lcsLength(a, b));
    else {
      const result = lcs(a, b, request);
      if (request.indexes) replyIndexes(result, request.withLengths, reply);
      else reply.bytes(result.bytes);
    }
  },
});
