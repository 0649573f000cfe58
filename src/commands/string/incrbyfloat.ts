/**
 * INCRBYFLOAT, digit for digit as Redis on x86-64.
 */
import { plainEncoding } from '../../datatypes/string-encoding.ts';
import { textOf } from '../../datatypes/value.ts';
import { KEEP_TTL } from '../../keyspace/db.ts';
import { errors } from '../../util/errors.ts';
import { incrByFloat } from '../../util/long-double.ts';
import { command, keyAt } from '../spec.ts';

const ZERO = Buffer.from('0');

/** INCRBYFLOAT key increment */
export const incrbyfloat = command({
  name: 'incrbyfloat',
  arity: 3,
  group: 'string',
  since: '2.6.0',
  summary: 'Adds a floating-point amount to the number at a key; a missing key counts as 0.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key increment:double',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = db.writeString(args, 1);
    const sum =
      entry === 0
        ? incrByFloat(ZERO, 0, 1, args.buf, args.off[2]!, args.len[2]!)
        : incrByFloat(db.valueBuf, db.valueOff, db.valueLen, args.buf, args.off[2]!, args.len[2]!);
    if (sum.kind === 'notFloat') throw errors.notFloat;
    if (sum.kind === 'notFinite') throw errors.nanOrInfinity;
    const text = textOf(sum.text);
    db.setText(args, 1, entry, text, plainEncoding(text.len), KEEP_TTL);
    ctx.changed('incrbyfloat', args, 1);
    ctx.instead('SET')?.argument(args, 1).bytes(text.buf, 0, text.len).text('KEEPTTL');
    reply.bytes(text.buf);
  },
});
