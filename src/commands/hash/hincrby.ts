/**
 * Numbers in fields: HINCRBY, HINCRBYFLOAT.
 */
import { integerText, type Text, textOf } from '../../datatypes/value.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { incrByFloat, longDoubleKind } from '../../util/long-double.ts';
import { parseInt64 } from '../../util/numbers.ts';
import { addInt64, type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { hashForWriting } from './hash-value.ts';

const notInteger = new CommandError('ERR hash value is not an integer');
const notFloat = new CommandError('ERR hash value is not a float');
const notFinite = new CommandError('ERR value is NaN or Infinity');
const ZERO = textOf('0');

/** HINCRBY key field increment */
export const hincrby = command({
  name: 'hincrby',
  arity: 4,
  group: 'hash',
  since: '2.0.0',
  summary: 'Adds to the integer in a field; a missing field counts as 0.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  member: 2,
  syntax: 'key field increment:integer',

  run(ctx, args, reply) {
    const by = int64Argument(args, 3);
    const { hashes } = ctx.keyspace;
    let value: Int64 | undefined = 0;
    if (ctx.db.writeValue(args, 1, hashes) !== 0 && hashes.findArgument(args, 2)) {
      value = parseInt64(hashes.value.buf, hashes.value.off, hashes.value.len);
    }
    if (value === undefined) throw notInteger;
    const sum = addInt64(value, by);
    if (sum === undefined) throw errors.overflow;
    const entry = hashForWriting(ctx, args, 1);
    hashes.setText(args, 2, integerText(sum), true);
    ctx.changedValue('hincrby', entry, hashes, args, 1);
    if (typeof sum === 'number') reply.int(sum);
    else reply.bigint(sum);
  },
});

/** HINCRBYFLOAT key field increment */
export const hincrbyfloat = command({
  name: 'hincrbyfloat',
  arity: 4,
  group: 'hash',
  since: '2.6.0',
  summary: 'Adds a floating-point amount to the number in a field; a missing field counts as 0.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  member: 2,
  syntax: 'key field increment:double',

  run(ctx, args, reply) {
    const kind = longDoubleKind(args.latin1(3));
    if (kind === 'notFloat') throw errors.notFloat;
    if (kind === 'infinite') throw notFinite;
    const { hashes } = ctx.keyspace;
    let value: Text = ZERO;
    let timed = false;
    if (ctx.db.writeValue(args, 1, hashes) !== 0 && hashes.findArgument(args, 2)) {
      value = hashes.value;
      timed = hashes.fieldExpiry !== 0;
    }
    const sum = incrByFloat(value.buf, value.off, value.len, args.buf, args.off[3]!, args.len[3]!);
    if (sum.kind === 'notFloat') throw notFloat;
    if (sum.kind === 'notFinite') throw errors.nanOrInfinity;
    const entry = hashForWriting(ctx, args, 1);
    const text = textOf(sum.text);
    hashes.setText(args, 2, text, true);
    ctx.changedValue('hincrbyfloat', entry, hashes, args, 1);
    // HSET would take the field's time to live away.
    const line = timed
      ? ctx.instead('HSETEX')?.argument(args, 1).text('KEEPTTL').text('FIELDS').integer(1)
      : ctx.instead('HSET')?.argument(args, 1);
    line?.argument(args, 2).bytes(text.buf, 0, text.len);
    reply.bytes(text.buf);
  },
});
