/**
 * PFMERGE: makes a HyperLogLog the union of itself and others.
 */
import { isDense, mergeInto, REGISTERS } from '../../datatypes/hyperloglog.ts';
import { DAMAGED } from '../../datatypes/hyperloglog-draft.ts';
import { command, keyAt, keyRange } from '../spec.ts';
import {
  damaged,
  draft,
  expectHyperLogLog,
  sparseBytesMax,
  storeDraft,
} from './hyperloglog-value.ts';

/** The union's registers, used by one call at a time. */
const union = new Uint8Array(REGISTERS);

/** PFMERGE destkey [sourcekey ...] */
export const pfmerge = command({
  name: 'pfmerge',
  arity: -2,
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Merges HyperLogLogs into the first one, which is created if missing.',
  complexity: 'O(N) with N keys of 16384 registers each.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'access', 'insert'), keyRange(2, -1, 1, 'RO', 'access')],
  syntax: 'destkey:key [sourcekey:key ...]',

  run(ctx, args, reply) {
    const { db } = ctx;
    union.fill(0);
    let anyDense = false;
    for (let i = 1; i < args.argc; i++) {
      if (db.readString(args, i) === 0) continue;
      expectHyperLogLog(db);
      anyDense ||= isDense(db.valueBuf, db.valueOff);
      if (!mergeInto(union, db.valueBuf, db.valueOff, db.valueLen)) throw damaged;
    }

    const entry = db.writeString(args, 1);
    if (entry === 0) draft.create();
    else draft.load(db.valueBuf, db.valueOff, db.valueLen);
    if (anyDense && !draft.makeDense()) throw damaged;
    if (draft.addAll(union, sparseBytesMax(ctx)) === DAMAGED) throw damaged;
    draft.forgetCount();

    storeDraft(db, entry, args, 1);
    // As in Redis a merge is an addition of many elements to those who listen.
    ctx.changed('pfadd', args, 1);
    reply.ok();
  },
});
