/**
 * PFADD: adds elements to a HyperLogLog.
 */
import {
  denseRegister,
  forgetCount,
  indexOf,
  isDense,
  positionOf,
  rankOf,
  setDenseRegister,
} from '../../datatypes/hyperloglog.ts';
import { DAMAGED } from '../../datatypes/hyperloglog-draft.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import {
  damaged,
  draft,
  expectHyperLogLog,
  makeRaw,
  makeWritable,
  sparseBytesMax,
  storeDraft,
} from './hyperloglog-value.ts';

const ELEMENTS_AT = 2;

/**
 * Adds to a dense value in place: a copy of its 12 KiB would cost more than all the rest. Returns
 * how many elements raised a register.
 */
function addDense(ctx: Context, args: Args, entry: Entry): number {
  const { db } = ctx;
  let raised = 0;
  for (let i = ELEMENTS_AT; i < args.argc; i++) {
    const position = positionOf(args.buf, args.off[i]!, args.len[i]!);
    const index = indexOf(position);
    const rank = rankOf(position);
    if (denseRegister(db.valueBuf, db.valueOff, index) >= rank) continue;
    if (raised === 0) makeWritable(db, entry);
    setDenseRegister(db.valueBuf, db.valueOff, index, rank);
    raised++;
  }
  if (raised > 0) forgetCount(db.valueBuf, db.valueOff);
  return raised;
}

/** Adds to a sparse or missing value by way of the draft. */
function addSparse(ctx: Context, args: Args, entry: Entry): number {
  const { db } = ctx;
  if (entry === 0) draft.create();
  else draft.load(db.valueBuf, db.valueOff, db.valueLen);
  const bytesMax = sparseBytesMax(ctx);
  // A new key counts as a change even if no element follows.
  let raised = entry === 0 ? 1 : 0;
  for (let i = ELEMENTS_AT; i < args.argc; i++) {
    const done = draft.add(positionOf(args.buf, args.off[i]!, args.len[i]!), bytesMax);
    if (done === DAMAGED) throw damaged;
    raised += done;
  }
  if (raised > 0) {
    draft.forgetCount();
    storeDraft(db, entry, args, 1);
  }
  return raised;
}

/** PFADD key [element ...] */
export const pfadd = command({
  name: 'pfadd',
  arity: -2,
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Shows elements to a HyperLogLog, which is created if missing.',
  complexity: 'O(1) per element.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  syntax: 'key [element ...]',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = db.writeString(args, 1);
    if (entry !== 0) expectHyperLogLog(db);
    const inPlace = entry !== 0 && isDense(db.valueBuf, db.valueOff);
    const raised = inPlace ? addDense(ctx, args, entry) : addSparse(ctx, args, entry);
    if (raised === 0) {
      makeRaw(db, entry);
      reply.int(0);
      return;
    }
    // Redis counts every element that raised a register.
    ctx.changed('pfadd', args, 1, raised);
    reply.int(1);
  },
});
