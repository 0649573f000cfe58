/**
 * PFDEBUG: looks into a HyperLogLog.
 */
import {
  denseRegister,
  HEADER_BYTES,
  isDense,
  longRun,
  REGISTERS,
  RUN_LENGTH,
  runValue,
} from '../../datatypes/hyperloglog.ts';
import type { Db } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { damaged, draft, expectHyperLogLog, makeRaw, storeDraft } from './hyperloglog-value.ts';

const noKey = new CommandError('ERR The specified key does not exist');
const notSparse = new CommandError('ERR HLL encoding is not sparse');

/** Makes the value dense if it is not; answers whether it did. */
function makeDense(ctx: Context, args: Args, entry: Entry): boolean {
  const { db } = ctx;
  if (isDense(db.valueBuf, db.valueOff)) return false;
  draft.load(db.valueBuf, db.valueOff, db.valueLen);
  if (!draft.makeDense()) throw damaged;
  storeDraft(db, entry, args, 2);
  ctx.changed(NO_EVENT, args, 2);
  return true;
}

function replyRegisters(db: Db, reply: Reply): void {
  const { valueBuf, valueOff } = db;
  reply.array(REGISTERS);
  for (let i = 0; i < REGISTERS; i++) reply.int(denseRegister(valueBuf, valueOff, i));
}

/** The runs as text: `z:n` and `Z:n` for short and long runs of zeros, `v:value,n`. */
function runsOf({ valueBuf, valueOff, valueLen }: Db): string {
  const end = valueOff + valueLen;
  const runs: string[] = [];
  for (let at = valueOff + HEADER_BYTES; at < end; at++) {
    const op = valueBuf[at]!;
    const length = RUN_LENGTH[op]!;
    if (length === 0) runs.push(`Z:${longRun(valueBuf, at++, end)}`);
    else if (op < 0x80) runs.push(`z:${length}`);
    else runs.push(`v:${runValue(op)},${length}`);
  }
  return runs.join(' ');
}

/** PFDEBUG <GETREG | DECODE | ENCODING | TODENSE> key */
export const pfdebug = command({
  name: 'pfdebug',
  arity: 3,
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Shows registers, runs or encoding of a HyperLogLog, or makes it dense.',
  complexity: 'O(N) where N is the number of registers.',
  flags: ['write', 'denyoom', 'admin'],
  system: true,
  keys: [keyAt(2, 'RW', 'access')],
  syntax: 'subcommand:string key',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = db.writeString(args, 2);
    if (entry === 0) throw noKey;
    expectHyperLogLog(db);
    makeRaw(db, entry);
    if (args.is(1, 'GETREG')) {
      makeDense(ctx, args, entry);
      replyRegisters(db, reply);
    } else if (args.is(1, 'DECODE')) {
      if (isDense(db.valueBuf, db.valueOff)) throw notSparse;
      reply.bulkLatin1(runsOf(db));
    } else if (args.is(1, 'ENCODING')) {
      reply.simple(isDense(db.valueBuf, db.valueOff) ? 'dense' : 'sparse');
    } else if (args.is(1, 'TODENSE')) {
      reply.int(makeDense(ctx, args, entry) ? 1 : 0);
    } else {
      throw new CommandError(`ERR Unknown PFDEBUG subcommand '${args.cString(1)}'`);
    }
  },
});
