/**
 * Fields of any width at any bit, and their arithmetic, against the same done with BigInt on the
 * string taken as one long number.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addToField,
  type FieldType,
  type FieldValue,
  type Overflow,
  readField,
  writeField,
} from '../../src/datatypes/bitfield.ts';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

const type: fc.Arbitrary<FieldType> = fc.oneof(
  fc.integer({ min: 1, max: 64 }).map((bits) => ({ signed: true, bits })),
  fc.integer({ min: 1, max: 63 }).map((bits) => ({ signed: false, bits })),
);

const int64 = fc.oneof(
  fc.integer({ min: -300, max: 300 }).map(BigInt),
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
  fc
    .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([power, by, negative]) => {
      const n = (2n ** BigInt(power) + BigInt(by)) * (negative ? -1n : 1n);
      return n > INT64_MAX ? INT64_MAX : n < INT64_MIN ? INT64_MIN : n;
    }),
);

/** A number while safe, as all 64-bit integers here. */
function narrow(value: bigint): FieldValue {
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : value;
}

/** The bytes as one number, the first bit the highest; `bits` of it from bit `at` on. */
function modelRead(bytes: Uint8Array, at: number, { signed, bits }: FieldType): FieldValue {
  const padded = Buffer.concat([bytes, Buffer.alloc(80)]);
  const whole = BigInt(`0x${padded.toString('hex')}`);
  const shifted = whole >> BigInt(padded.length * 8 - at - bits);
  return narrow(signed ? BigInt.asIntN(bits, shifted) : BigInt.asUintN(bits, shifted));
}

function minMax({ signed, bits }: FieldType): readonly [bigint, bigint] {
  const span = 2n ** BigInt(bits);
  return signed ? [-span / 2n, span / 2n - 1n] : [0n, span - 1n];
}

describe('readField()', () => {
  it('reads what the model reads, zeros behind the end included', () => {
    const bytes = fc.uint8Array({ maxLength: 24 });
    fc.assert(
      fc.property(bytes, fc.nat(220), type, fc.nat(5), (value, at, field, off) => {
        const buf = Buffer.concat([Buffer.alloc(off, 0xa5), value, Buffer.alloc(20, 0xa5)]);
        const read = readField(buf, off, value.length, at, field);
        expect(read).toBe(modelRead(value, at, field));
      }),
      { numRuns: 3000 },
    );
  });

  it('answers numbers up to 2^53 - 1 and BigInts past that', () => {
    const buf = Buffer.alloc(8, 0xff);
    expect(readField(buf, 0, 8, 0, { signed: false, bits: 53 })).toBe(2 ** 53 - 1);
    expect(readField(buf, 0, 8, 0, { signed: false, bits: 54 })).toBe(2n ** 54n - 1n);
    expect(readField(buf, 0, 8, 0, { signed: false, bits: 63 })).toBe(INT64_MAX);
    expect(readField(buf, 0, 8, 0, { signed: true, bits: 64 })).toBe(-1);
    buf.fill(0, 1).writeUInt8(0x80, 0);
    expect(readField(buf, 0, 8, 0, { signed: true, bits: 64 })).toBe(INT64_MIN);
    expect(readField(buf, 0, 8, 0, { signed: true, bits: 54 })).toBe(-(2n ** 53n));
  });
});

describe('writeField()', () => {
  it('writes the low bits and no others', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 24 }),
        fc.nat(127),
        type,
        int64,
        (value, at, field, written) => {
          const buf = Buffer.from(value);
          writeField(buf, 0, at, field.bits, narrow(written));
          const bits = (bytes: Uint8Array) =>
            Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
          const low = BigInt.asUintN(field.bits, written).toString(2).padStart(field.bits, '0');
          const before = bits(value);
          const after = before.slice(0, at) + low + before.slice(at + field.bits);
          expect(bits(buf)).toBe(after);
          const [min, max] = minMax(field);
          if (written >= min && written <= max) {
            expect(readField(buf, 0, 24, at, field)).toBe(narrow(written));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('writes beyond 2^32 bits', () => {
    // Only the arithmetic: the buffer stands for the end of a string that long.
    const buf = new Uint8Array(16);
    writeField(buf, -(2 ** 30), 2 ** 33 + 4, 16, 0xbeef);
    expect(Buffer.from(buf).toString('hex', 0, 3)).toBe('0beef0');
    const field = { signed: false, bits: 16 };
    expect(readField(buf, -(2 ** 30), 2 ** 31, 2 ** 33 + 4, field)).toBe(0xbeef);
  });
});

/** Whether Redis says that a sum is too large, too small or fits. */
function direction(field: FieldType, value: bigint, sum: bigint): 'over' | 'under' | 'fits' {
  const [min, max] = minMax(field);
  if (sum > max) return 'over';
  if (sum >= min) return 'fits';
  if (!field.signed && value < 0n) return 'over';
  // In C the distance to the largest value has left 64 bits.
  if (field.signed && field.bits < 64 && max - value > INT64_MAX) return 'over';
  return 'under';
}

function modelAdd(
  field: FieldType,
  value: bigint,
  by: bigint,
  overflow: Overflow,
): FieldValue | undefined {
  const sum = value + by;
  const [min, max] = minMax(field);
  const where = direction(field, value, sum);
  if (where === 'fits') return narrow(sum);
  if (overflow === 'fail') return undefined;
  if (overflow === 'saturate') return narrow(where === 'over' ? max : min);
  return narrow(field.signed ? BigInt.asIntN(field.bits, sum) : BigInt.asUintN(field.bits, sum));
}

const overflow = fc.constantFrom<Overflow>('wrap', 'saturate', 'fail');

describe('addToField()', () => {
  it('increments a value of the type as the model does', () => {
    fc.assert(
      fc.property(type, int64, int64, overflow, (field, start, by, mode) => {
        const value = BigInt(modelAdd(field, start, 0n, 'wrap')!);
        const sum = addToField(field, narrow(value), narrow(by), mode);
        expect(sum).toBe(modelAdd(field, value, by, mode));
      }),
      { numRuns: 5000 },
    );
  });

  it('fits a new value as the model does', () => {
    fc.assert(
      fc.property(type, int64, overflow, (field, value, mode) => {
        expect(addToField(field, narrow(value), 0, mode)).toBe(modelAdd(field, value, 0n, mode));
      }),
      { numRuns: 5000 },
    );
  });

  it.each<[signed: boolean, bits: number, value: FieldValue, by: FieldValue, Overflow, unknown]>([
    [false, 8, 255, 1, 'wrap', 0],
    [false, 8, 255, 1, 'saturate', 255],
    [false, 8, 255, 1, 'fail', undefined],
    [false, 8, 0, -256, 'wrap', 0],
    [false, 8, 0, -1, 'saturate', 0],
    [false, 8, -1, 0, 'saturate', 255],
    [true, 8, 127, 1, 'wrap', -128],
    [true, 8, -128, -1, 'wrap', 127],
    [true, 8, -128, -1, 'saturate', -128],
    [true, 1, 0, 1, 'wrap', -1],
    [true, 1, 0, 1, 'saturate', 0],
    [true, 64, INT64_MAX, 1, 'wrap', INT64_MIN],
    [true, 64, INT64_MAX, 1, 'saturate', INT64_MAX],
    [true, 64, INT64_MIN, -1, 'wrap', INT64_MAX],
    [true, 64, INT64_MIN, INT64_MIN, 'wrap', 0],
    [false, 63, INT64_MAX, 1, 'wrap', 0],
    [false, 63, 0, -1, 'wrap', INT64_MAX],
    [true, 8, INT64_MIN, 0, 'saturate', 127],
    [true, 8, INT64_MIN + 128n, 0, 'saturate', -128],
  ])('signed %s, %i bits: %s + %s, %s: %s', (signed, bits, value, by, mode, result) => {
    expect(addToField({ signed, bits }, value, by, mode)).toBe(result);
  });
});
