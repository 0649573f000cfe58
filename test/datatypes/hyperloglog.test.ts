/**
 * HyperLogLog alone: known hashes, registers, the draft against a plain array of registers, what
 * the sparse encoding may look like, and how good the estimate is.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cacheCount,
  cachedCount,
  count,
  countRegisters,
  DENSE_BYTES,
  denseRegister,
  estimate,
  forgetCount,
  HEADER_BYTES,
  indexOf,
  isDense,
  isHyperLogLog,
  longRun,
  mergeInto,
  position,
  positionOf,
  REGISTERS,
  RUN_LENGTH,
  rankOf,
  runValue,
  setDenseRegister,
  setDenseRegisters,
} from '../../src/datatypes/hyperloglog.ts';
import {
  CHANGED,
  DAMAGED,
  HyperLogLogDraft,
  UNCHANGED,
} from '../../src/datatypes/hyperloglog-draft.ts';
import { randomFrom } from '../util/float-texts.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const emptyValue = bytes(`HYLL\x01${'\0'.repeat(11)}\x7f\xff`);
const valueIn = ({ buf, off, len }: HyperLogLogDraft) => Buffer.from(buf.subarray(off, off + len));

/** `toEqual` takes milliseconds for so many elements. */
function expectSame(found: Uint8Array, wanted: Uint8Array): void {
  const at = found.findIndex((value, i) => value !== wanted[i]);
  expect(at, `${found[at]}, not ${wanted[at]}`).toBe(-1);
  expect(found.length).toBe(wanted.length);
}

function created(): HyperLogLogDraft {
  const draft = new HyperLogLogDraft();
  draft.create();
  return draft;
}

/** MurmurHash64A with BigInt, as its description has it. */
function murmur64(data: Uint8Array): bigint {
  const wrap = (n: bigint) => BigInt.asUintN(64, n);
  const m = 0xc6a4a7935bd1e995n;
  let hash = wrap(0xadc83b19n ^ (BigInt(data.length) * m));
  let at = 0;
  const word = (n: number) => {
    let w = 0n;
    for (let i = n - 1; i >= 0; i--) w = (w << 8n) | BigInt(data[at + i]!);
    return w;
  };
  for (; at + 8 <= data.length; at += 8) {
    const k = wrap(word(8) * m);
    hash = wrap((hash ^ wrap((k ^ (k >> 47n)) * m)) * m);
  }
  if (at < data.length) hash = wrap((hash ^ word(data.length - at)) * m);
  hash = wrap((hash ^ (hash >> 47n)) * m);
  return hash ^ (hash >> 47n);
}

/** Registers, read the slow way; the runs must be in the form in which a server writes them. */
function registersOf(value: Uint8Array): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  if (isDense(value, 0)) {
    for (let i = 0; i < REGISTERS; i++) registers[i] = denseRegister(value, 0, i);
    return registers;
  }
  let index = 0;
  for (let at = HEADER_BYTES; at < value.length; at++) {
    const op = value[at]!;
    const isLong = RUN_LENGTH[op] === 0;
    const length = isLong ? longRun(value, at++, value.length) : RUN_LENGTH[op]!;
    if (isLong && length <= 64) expect.fail(`a long run of ${length} zeros`);
    if (op >= 0x80) registers.fill(runValue(op), index, index + length);
    index += length;
  }
  expect(index).toBe(REGISTERS);
  return registers;
}

describe('positionOf()', () => {
  it('is the low bits of MurmurHash64A and the place of the lowest 1 above them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(9), (data, off) => {
        const hash = murmur64(data);
        let rank = 1;
        for (let rest = (hash >> 14n) | (1n << 50n); (rest & 1n) === 0n; rest >>= 1n) rank++;
        const found = positionOf(Buffer.concat([Buffer.alloc(off), data]), off, data.length);
        expect(indexOf(found)).toBe(Number(hash & 0x3fffn));
        expect(rankOf(found)).toBe(rank);
      }),
      { numRuns: 2000 },
    );
  });

  it('packs index and rank', () => {
    for (const [index, rank] of [
      [0, 1],
      [16383, 51],
      [8191, 63],
    ] as const) {
      expect(indexOf(position(index, rank))).toBe(index);
      expect(rankOf(position(index, rank))).toBe(rank);
    }
  });
});

describe('header', () => {
  it('isHyperLogLog() asks for magic, encoding and the length of a dense value', () => {
    const dense = Buffer.alloc(DENSE_BYTES);
    dense.write('HYLL');
    expect(isHyperLogLog(dense, 0, dense.length)).toBe(true);
    expect(isHyperLogLog(dense, 0, dense.length - 1)).toBe(false);
    expect(isHyperLogLog(emptyValue, 0, 18)).toBe(true);
    expect(isHyperLogLog(emptyValue, 0, 16)).toBe(true);
    expect(isHyperLogLog(emptyValue, 0, 15)).toBe(false);
    for (let i = 0; i < 5; i++) {
      const other = Buffer.from(emptyValue);
      other[i]! += 1;
      expect(isHyperLogLog(other, 0, 18)).toBe(false);
    }
  });

  it('cachedCount() gives what cacheCount() was given, until forgetCount()', () => {
    const value = Buffer.from(emptyValue);
    for (const n of [0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
      cacheCount(value, 0, n);
      expect(cachedCount(value, 0)).toBe(n);
    }
    cacheCount(value, 0, 2 ** 62);
    expect(cachedCount(value, 0)).toBe(2n ** 62n);
    forgetCount(value, 0);
    expect(cachedCount(value, 0)).toBeUndefined();
    expect(value.readBigUInt64LE(8)).toBe(2n ** 63n + 2n ** 62n);
    cacheCount(value, 0, -(2 ** 63));
    expect(cachedCount(value, 0)).toBeUndefined();
  });
});

describe('dense registers', () => {
  it('hold what they are given, without touching their neighbours', () => {
    const value = new Uint8Array(DENSE_BYTES + 1).fill(0xa5);
    const random = randomFrom(1);
    const expected = registersOf(Buffer.concat([bytes('HYLL\0'), value.subarray(5)]));
    for (let i = 0; i < 50_000; i++) {
      const index = Math.floor(random() * REGISTERS);
      expected[index] = Math.floor(random() * 64);
      setDenseRegister(value, 0, index, expected[index]!);
    }
    value[4] = 0;
    expectSame(registersOf(value), expected);
    expect(value.subarray(5, HEADER_BYTES).every((byte) => byte === 0xa5)).toBe(true);
    expect(value[DENSE_BYTES]).toBe(0xa5);
    const again = new Uint8Array(DENSE_BYTES);
    setDenseRegisters(again, 0, expected);
    expectSame(again.subarray(HEADER_BYTES), value.subarray(HEADER_BYTES, DENSE_BYTES));
  });
});

describe('HyperLogLogDraft', () => {
  it('begins with one run of zeros', () => {
    expect(valueIn(created())).toEqual(emptyValue);
  });

  it('holds the highest rank of every register, in any encoding', () => {
    // Few registers and ranks: neighbours that join are what matters.
    const index = fc.oneof(fc.nat(12), fc.integer({ min: 16370, max: 16383 }), fc.nat(16383));
    const rank = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 32 }));
    const adds = fc.array(fc.tuple(index, rank), { maxLength: 200 });
    fc.assert(
      fc.property(adds, fc.constantFrom(0, 22, 40, 120, 3000), (list, limit) => {
        const draft = created();
        const model = new Uint8Array(REGISTERS);
        for (const [i, r] of list) {
          const raised = r > model[i]! ? CHANGED : UNCHANGED;
          model[i] = Math.max(model[i]!, r);
          expect(draft.add(position(i, r), limit)).toBe(raised);
          if (isDense(draft.buf, draft.off)) expect(draft.len).toBe(DENSE_BYTES);
          else expect(draft.len).toBeLessThanOrEqual(Math.max(limit, 18));
        }
        const value = valueIn(draft);
        expectSame(registersOf(value), model);
        expect(count(value, 0, value.length)).toBe(countRegisters(model));
        const merged = new Uint8Array(REGISTERS);
        expect(mergeInto(merged, value, 0, value.length)).toBe(true);
        expectSame(merged, model);
        expect(draft.makeDense()).toBe(true);
        expectSame(registersOf(valueIn(draft)), model);
        const all = created();
        all.addAll(model, limit);
        expectSame(registersOf(valueIn(all)), model);
      }),
      { numRuns: 200 },
    );
  });

  it('turns dense for a rank above 32', () => {
    const draft = created();
    draft.add(position(5, 32), 3000);
    expect(isDense(draft.buf, draft.off)).toBe(false);
    draft.add(position(6, 33), 3000);
    expect(isDense(draft.buf, draft.off)).toBe(true);
    expect(registersOf(valueIn(draft)).subarray(4, 8)).toEqual(Uint8Array.of(0, 32, 33, 0));
  });

  it('leaves the stored value alone', () => {
    const stored = Buffer.concat([Buffer.from('before'), emptyValue, Buffer.from('after')]);
    const before = Buffer.from(stored);
    const draft = new HyperLogLogDraft();
    for (const change of [
      () => draft.add(position(7, 3), 3000),
      () => draft.add(position(7, 40), 3000),
      () => draft.makeDense(),
      () => draft.forgetCount(),
    ]) {
      draft.load(stored, 6, 18);
      change();
      expect(stored).toEqual(before);
      expect(valueIn(draft)).not.toEqual(emptyValue);
    }
  });

  it('grows past its own buffer', () => {
    const long = Buffer.concat([emptyValue, Buffer.alloc(70_000, 0x00)]);
    const draft = new HyperLogLogDraft();
    draft.load(long, 0, long.length);
    expect(draft.add(position(100, 1), 1_000_000)).toBe(CHANGED);
    expect(draft.len).toBe(long.length + 3);
    draft.create();
    expect(valueIn(draft)).toEqual(emptyValue);
  });

  it.each([
    ['no runs', ''],
    ['too few registers', '\x7f\xfe'],
    ['a second byte that is missing', '\x7f'],
    ['too many zeros', '\x7f\xff\x00'],
    ['a value too many', '\x7f\xff\x80'],
  ])('knows damaged runs: %s', (_, runs) => {
    const value = Buffer.concat([emptyValue.subarray(0, HEADER_BYTES), bytes(runs)]);
    const draft = new HyperLogLogDraft();
    const load = () => draft.load(value, 0, value.length);
    load();
    expect(draft.makeDense()).toBe(false);
    expect(draft.add(position(0, 40), 3000)).toBe(DAMAGED);
    load();
    if (value.length < 18) expect(draft.add(position(16383, 1), 3000)).toBe(DAMAGED);
    expect(count(value, 0, value.length)).toBeUndefined();
    expect(mergeInto(new Uint8Array(REGISTERS), value, 0, value.length)).toBe(false);
  });
});

describe('estimate()', () => {
  const counts = (...pairs: [rank: number, registers: number][]) => {
    const list = new Int32Array(64);
    for (const [rank, registers] of pairs) list[rank] = registers;
    return list;
  };

  it('is 0 for no element and leaves 63 bits for all', () => {
    expect(estimate(counts([0, REGISTERS]))).toBe(0);
    expect(estimate(counts([51, REGISTERS]))).toBe(-(2 ** 63));
    expect(estimate(counts([0, REGISTERS - 1], [1, 1]))).toBe(1);
  });

  it('errs by less than 1 % in the mean, and by no more than 4 % at any size', () => {
    const rounds = 10;
    const element = Buffer.alloc(8);
    for (const size of [1, 10, 100, 1000, 10_000, 40_000, 100_000]) {
      let sum = 0;
      for (let round = 0; round < rounds; round++) {
        const draft = created();
        for (let i = 0; i < size; i++) {
          element.writeUInt32LE(i, 0);
          element.writeUInt32LE(round, 4);
          draft.add(positionOf(element, 0, 8), 3000);
        }
        const error = count(draft.buf, draft.off, draft.len)! - size;
        expect(Math.abs(error), `${size} elements`).toBeLessThanOrEqual(size * 0.04);
        sum += error;
      }
      expect(Math.abs(sum / rounds), `${size} elements`).toBeLessThanOrEqual(size * 0.01);
    }
  });
});
