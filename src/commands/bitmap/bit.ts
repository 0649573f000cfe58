/**
 * Single bits: SETBIT, GETBIT. No allocation per call.
 */
import { byteOfBit } from '../../datatypes/bitmap.ts';
import { Encoding } from '../../datatypes/value-types.ts';
import { CommandError } from '../../util/errors.ts';
import { int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { bitOffset, openBits } from './bit-string.ts';

const notBit = new CommandError('ERR bit is not an integer or out of range');

/** SETBIT key offset value */
export const setbit = command({
  name: 'setbit',
  arity: 4,
  group: 'bitmap',
  since: '2.2.0',
  summary: 'Sets or clears a bit of a string, lengthening it as needed; returns the old bit.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key offset:integer value:integer',

  run(ctx, args, reply) {
    const offset = bitOffset(ctx, args, 2);
    const bit = int64Argument(args, 3, notBit);
    if (bit !== 0 && bit !== 1) throw notBit;
    const { db } = ctx;
    const entry = db.writeString(args, 1);
    const byte = byteOfBit(offset);
    const mask = 0x80 >> (offset - byte * 8);
    if (entry !== 0 && byte < db.valueLen) {
      const set = (db.valueBuf[db.valueOff + byte]! & mask) !== 0;
      if (set === (bit === 1) && db.encodingOf(entry) === Encoding.raw) {
        reply.int(bit);
        return;
      }
    }
    const longer = openBits(ctx, args, entry, byte + 1);
    const at = db.valueOff + byte;
    const before = db.valueBuf[at]!;
    const after = bit === 1 ? before | mask : before & ~mask;
    if (after !== before) db.valueBuf[at] = after;
    if (longer || after !== before) ctx.changed('setbit', args, 1);
    reply.int((before & mask) === 0 ? 0 : 1);
  },
});

/** GETBIT key offset */
export const getbit = command({
  name: 'getbit',
  arity: 3,
  group: 'bitmap',
  since: '2.2.0',
  summary: 'Returns a bit of a string; after its end all bits are 0.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key offset:integer',

  run(ctx, args, reply) {
    const offset = bitOffset(ctx, args, 2);
    const { db } = ctx;
    const entry = db.readString(args, 1);
    const byte = byteOfBit(offset);
    if (entry === 0 || byte >= db.valueLen) reply.int(0);
    else reply.int((db.valueBuf[db.valueOff + byte]! >> (7 - (offset - byte * 8))) & 1);
  },
});
