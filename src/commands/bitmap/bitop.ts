/**
 * BITOP: strings combined bit by bit into another. DIFF, DIFF1, ANDOR and ONE are those of Redis
 * 8.2.
 */
import { type BitOperation, combine } from '../../datatypes/bitmap-combine.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyRange } from '../spec.ts';

interface Operation {
  readonly word: string;
  readonly operation: BitOperation;
  readonly sourcesMin: number;
  readonly sourcesMax: number;
  /** What is answered to another number of sources. */
  readonly refusal: CommandError;
}

const notOfMany = new CommandError('ERR BITOP NOT must be called with a single source key.');

function defined(operation: BitOperation, sourcesMin: number, sourcesMax = Infinity): Operation {
  const word = operation.toUpperCase();
  const refusal =
    operation === 'not'
      ? notOfMany
      : new CommandError(`ERR BITOP ${word} must be called with at least two source keys.`);
  return { word, operation, sourcesMin, sourcesMax, refusal };
}

const operations: readonly Operation[] = [
  defined('and', 1),
  defined('or', 1),
  defined('xor', 1),
  defined('not', 1, 1),
  defined('diff', 2),
  defined('diff1', 2),
  defined('andor', 2),
  defined('one', 1),
];

function operationArgument(args: Args): BitOperation {
  const found = operations.find(({ word }) => args.is(1, word));
  if (found === undefined) throw errors.syntax;
  const sources = args.argc - 3;
  if (sources < found.sourcesMin || sources > found.sourcesMax) throw found.refusal;
  return found.operation;
}

/** The strings at the source keys, as views valid until the next write; missing ones are empty. */
function sourceStrings(ctx: Context, args: Args): Uint8Array[] {
  const { db } = ctx;
  // Finding a key may remove an expired one; so the views are made when all keys were found.
  const entries: number[] = [];
  for (let i = 3; i < args.argc; i++) entries.push(db.readString(args, i));
  return entries.map((entry) => {
    if (entry === 0) return new Uint8Array(0);
    db.locateString(entry);
    return db.valueBuf.subarray(db.valueOff, db.valueOff + db.valueLen);
  });
}

/** BITOP operation destkey key [key ...] */
export const bitop = command({
  name: 'bitop',
  arity: -4,
  group: 'bitmap',
  since: '2.6.0',
  summary: 'Combines strings bit by bit and stores the result; returns its length.',
  complexity: 'O(N) where N is the length of all strings together.',
  flags: ['write', 'denyoom'],
  keys: [keyRange(2, 2, 1, 'OW', 'update'), keyRange(3, -1, 1, 'RO', 'access')],
  syntax: '<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey:key key [key ...]',

  run(ctx, args, reply) {
    const operation = operationArgument(args);
    const sources = sourceStrings(ctx, args);
    const length = sources.reduce((longest, { length }) => Math.max(longest, length), 0);
    const { db } = ctx;
    if (length > 0) {
      db.buildString(args, 2, length, (out) => combine(operation, sources, out));
      ctx.changed('set', args, 2);
    } else {
      const entry = db.write(args, 2);
      if (entry !== 0) {
        db.remove(entry);
        ctx.changed('del', args, 2);
      }
    }
    reply.int(length);
  },
});
