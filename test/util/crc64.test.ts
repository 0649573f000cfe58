/**
 * CRC-64 (Jones): the published check value, and the fast path against a bit-by-bit one.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crc64 } from '../../src/util/crc64.ts';

function hexOf(bytes: Uint8Array): string {
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return crc.hex();
}

/** One bit at a time, in BigInt. */
function slow(bytes: Uint8Array): string {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let i = 0; i < 8; i++)
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  }
  return crc.toString(16).padStart(16, '0');
}

describe('Crc64', () => {
  it('has the check value of its polynomial', () => {
    expect(hexOf(Buffer.from('123456789'))).toBe('e9c6d914c4b8d9ca');
    expect(hexOf(new Uint8Array(0))).toBe('0000000000000000');
  });

  it('agrees with the definition, in one piece or in many', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
        const expected = slow(bytes);
        expect(hexOf(bytes)).toBe(expected);
        const cuts = [0, Math.min(a, bytes.length), Math.min(b, bytes.length), bytes.length];
        cuts.sort((x, y) => x - y);
        const crc = new Crc64();
        for (let i = 1; i < cuts.length; i++) crc.update(bytes, cuts[i - 1]!, cuts[i]!);
        expect(crc.hex()).toBe(expected);
      }),
    );
  });

  it('is written least significant byte first', () => {
    const crc = new Crc64();
    crc.update(Buffer.from('123456789'), 0, 9);
    const bytes = Buffer.alloc(10);
    crc.write(bytes, 1);
    expect(bytes.toString('hex')).toBe('00cad9b8c414d9c6e900');
    expect(crc.isAt(bytes, 1)).toBe(true);
    for (let i = 1; i < 9; i++) {
      bytes[i]! ^= 0x10;
      expect(crc.isAt(bytes, 1)).toBe(false);
      bytes[i]! ^= 0x10;
    }
    crc.reset();
    expect(crc.hex()).toBe('0000000000000000');
  });
});
