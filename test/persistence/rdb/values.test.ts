/**
 * Values in RDB encoding: the numbers on disk, forms that the reference server is too old to write
 * (fields with a time to live, sets as listpacks, streams of 7.2) or too new (streams of 5.0), and
 * lengths that promise more than there is.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HashValue } from '../../../src/datatypes/hash.ts';
import type { SetValue } from '../../../src/datatypes/set.ts';
import type { StreamValue } from '../../../src/datatypes/stream.ts';
import { Encoding, ValueType } from '../../../src/datatypes/value-types.ts';
import { Keyspace } from '../../../src/keyspace/keyspace.ts';
import { HeapArena } from '../../../src/memory/heap-arena.ts';
import { BadDataError } from '../../../src/persistence/rdb/bad-data.ts';
import { RdbInput } from '../../../src/persistence/rdb/input.ts';
import { RdbOutput } from '../../../src/persistence/rdb/output.ts';
import { PayloadCodec } from '../../../src/persistence/rdb/payload.ts';
import { RDB_VERSION, RDB_VERSION_FIELD_TTL, RdbType } from '../../../src/persistence/rdb/types.ts';
import { Args } from '../../../src/util/args.ts';
import { bodyOf, payloadOf } from './mutations.ts';

const NOW = 1_700_000_000_000;

function newSpace(): Keyspace {
  const space = new Keyspace({
    arena: new HeapArena(),
    databases: 1,
    hashKey: Int32Array.of(7, 11),
    random: Math.random,
  });
  space.nowMs = NOW;
  return space;
}

function load(space: Keyspace, payload: Buffer, key = 'k'): number {
  const codec = PayloadCodec.of(space);
  expect(codec.isSound(payload, 0, payload.length)).toBe(true);
  const value = codec.load(payload, 0, payload.length)!;
  const entry = space.dbs[0]!.addValue(Args.of(key), 0, value);
  space.dbs[0]!.fieldsChanged(entry, value);
  return entry;
}

function dump(space: Keyspace, entry: number): Buffer {
  return Buffer.from(PayloadCodec.of(space).dump(space.dbs[0]!, entry, false));
}

function refused(body: Uint8Array): boolean {
  const space = newSpace();
  const before = space.arena.usedBytes;
  const payload = payloadOf(body);
  let error: unknown;
  try {
    PayloadCodec.of(space).load(payload, 0, payload.length);
  } catch (caught) {
    error = caught;
  }
  expect(space.arena.usedBytes).toBe(before);
  return error instanceof BadDataError;
}

describe('numbers on disk', () => {
  it('are what they have always been', () => {
    expect(RdbType).toEqual({
      ...{ string: 0, list: 1, set: 2, zsetText: 3, hash: 4, zset: 5, hashZipmap: 9 },
      ...{
        moduleOld: 6,
        module: 7,
        hashTtlOld: 22,
        hashListpackTtlOld: 23,
        stream4: 26,
        stream5: 27,
      },
      ...{ listZiplist: 10, setIntset: 11, zsetZiplist: 12, hashZiplist: 13, listQuicklist: 14 },
      ...{ stream: 15, hashListpack: 16, zsetListpack: 17, listQuicklist2: 18, stream2: 19 },
      ...{ setListpack: 20, stream3: 21, hashTtl: 24, hashListpackTtl: 25 },
    });
    expect([RDB_VERSION, RDB_VERSION_FIELD_TTL]).toEqual([10, 12]);
  });
});

describe('lengths and strings', () => {
  it('come back as they were', () => {
    const lengths = [0, 1, 63, 64, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2n ** 64n - 1n];
    const out = new RdbOutput();
    for (const n of lengths) out.length(n);
    const input = new RdbInput();
    input.open(out.buf, 0, out.pos);
    for (const n of lengths) expect(input.number()).toBe(n);
    expect(input.left).toBe(0);
  });

  it('strings of all kinds come back', () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => Buffer.from(n.toString())),
      fc.integer().map((n) => Buffer.from(String(n))),
      fc
        .tuple(fc.string(), fc.integer({ min: 1, max: 200 }))
        .map(([s, n]) => Buffer.from(s.repeat(n))),
      fc
        .constantFrom('-0', '007', '+1', ' 1', '1 ', '', '2147483648', '-129')
        .map((s) => Buffer.from(s)),
    );
    fc.assert(
      fc.property(fc.array(text), fc.boolean(), (texts, compress) => {
        const out = new RdbOutput();
        out.compress = compress;
        for (const bytes of texts) out.string(bytes, 0, bytes.length);
        const input = new RdbInput();
        input.open(out.buf, 0, out.pos);
        for (const bytes of texts) expect(Buffer.from(input.bytes())).toEqual(Buffer.from(bytes));
        expect(input.left).toBe(0);
      }),
    );
  });
});

describe('a hash with fields that expire', () => {
  function make(space: Keyspace, fields: number, expiries: Record<string, number>): number {
    const hash = space.hashes;
    hash.create();
    for (let i = 0; i < fields; i++) {
      const field = Buffer.from(`f${i}`);
      const value = Buffer.from(`v${i}`);
      hash.set(field, 0, field.length, value, 0, value.length);
    }
    for (const [name, when] of Object.entries(expiries)) {
      const field = Buffer.from(name);
      expect(hash.find(field, 0, field.length)).toBe(true);
      hash.setExpiry(when);
    }
    const entry = space.dbs[0]!.addValue(Args.of('made'), 0, hash);
    space.dbs[0]!.fieldsChanged(entry, hash);
    return entry;
  }

  function contents(space: Keyspace, entry: number): string[] {
    const hash = space.cursor(ValueType.hash) as HashValue;
    space.dbs[0]!.open(entry, hash);
    hash.checkInvariants();
    const found: string[] = [];
    for (const place of hash.places()) {
      hash.seekTo(place);
      const text = ({ buf, off, len }: HashValue['field']) =>
        Buffer.from(buf.subarray(off, off + len)).toString();
      const field = text(hash.field);
      const value = text(hash.value);
      hash.find(Buffer.from(field), 0, field.length);
      found.push(`${field}=${value}@${hash.fieldExpiry}`);
    }
    return found.sort();
  }

  for (const [fields, encoding, type] of [
    [5, Encoding.listpackEx, RdbType.hashListpackTtl],
    [2000, Encoding.hashtableEx, RdbType.hashTtl],
  ] as const) {
    it(`of ${fields} fields comes back with its times`, () => {
      const space = newSpace();
      const expiries = { f3: NOW + 5000, f1: NOW + 100_000, f4: NOW + 5000, f0: NOW + 1 };
      const made = make(space, fields, expiries);
      expect(space.dbs[0]!.encodingOf(made)).toBe(encoding);
      const payload = dump(space, made);
      expect(payload[0]).toBe(type);
      expect(payload.readUInt16LE(payload.length - 10)).toBe(12);
      expect(Number(payload.readBigInt64LE(1))).toBe(NOW + 1);
      const entry = load(space, payload);
      expect(contents(space, entry)).toEqual(contents(space, made));
      expect(space.dbs[0]!.encodingOf(entry)).toBe(encoding);
      expect(space.dbs[0]!.fieldExpires.size).toBe(2);
      space.nowMs = NOW + 10_000;
      while (space.dbs[0]!.expireDueFields(10));
      expect(contents(space, entry)).toEqual(contents(space, made));
      expect(contents(space, entry).length).toBe(fields - 3);
    });
  }

  it('packed ones are in the order of their times, those without one last', () => {
    const space = newSpace();
    const payload = dump(space, make(space, 4, { f2: NOW + 1, f0: NOW + 9, f3: NOW + 5 }));
    const text = payload.toString('latin1');
    const order = ['f2', 'f3', 'f0', 'f1'].map((field) => text.indexOf(field));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('keeps its form when no field expires any more', () => {
    const space = newSpace();
    const made = make(space, 1000, { f0: NOW + 1 });
    const hash = space.cursor(ValueType.hash) as HashValue;
    space.dbs[0]!.open(made, hash);
    hash.find(Buffer.from('f0'), 0, 2);
    hash.setExpiry(0);
    const entry = load(space, dump(space, made));
    expect(contents(space, entry)).toEqual(contents(space, made));
  });

  it('is refused with times out of bounds', () => {
    const listpack = (expiry: string) => `${'25'}`.length > 0 && expiry;
    expect(listpack('x')).toBe('x');
    const out = new RdbOutput();
    out.byte(RdbType.hashTtl);
    out.int64(NOW);
    out.length(1);
    out.length(2n ** 60n);
    out.string(Buffer.from('f'), 0, 1);
    out.string(Buffer.from('v'), 0, 1);
    expect(refused(out.view())).toBe(true);
  });
});

describe('newer and older forms', () => {
  it('a set as listpack', () => {
    const space = newSpace();
    const listpack = Buffer.from('0d000000030081610281620205 01ff'.replace(' ', ''), 'hex');
    listpack.writeUInt32LE(listpack.length, 0);
    const body = Buffer.concat([Buffer.from([20, listpack.length]), listpack]);
    const entry = load(space, payloadOf(body, 11));
    const set = space.cursor(ValueType.set) as SetValue;
    space.dbs[0]!.open(entry, set);
    expect(set.size).toBe(3);
    for (const member of ['a', 'b', '5']) expect(set.has(Buffer.from(member), 0, 1)).toBe(true);
    listpack.write('a', 10);
    expect(refused(Buffer.concat([Buffer.from([20, listpack.length]), listpack]))).toBe(true);
  });

  /** A stream of entries 1-1 and 2-1 whose group read the first one. */
  function streamBody(type: number): Buffer {
    const node = '1d0000000000020100010101816602000102010001000181760204010201010100018177020401ff';
    const listpack = Buffer.from(node, 'hex');
    listpack.writeUInt32LE(listpack.length, 0);
    listpack.writeUInt16LE(15, 4);
    const out = new RdbOutput();
    const id = Buffer.alloc(16);
    id[7] = 1;
    id[15] = 1;
    out.byte(type);
    out.length(1);
    out.string(id, 0, 16);
    out.compress = false;
    out.string(listpack, 0, listpack.length);
    const v2 = type !== RdbType.stream;
    const numbers = [2, 2, 1, ...(v2 ? [1, 1, 0, 0, 2] : []), 1];
    for (const n of numbers) out.length(n);
    out.string(Buffer.from('g'), 0, 1);
    for (const n of [1, 1, ...(v2 ? [1] : []), 1]) out.length(n);
    out.raw(id, 0, 16);
    out.int64(NOW);
    out.length(3);
    out.length(1);
    out.string(Buffer.from('c'), 0, 1);
    out.int64(NOW + 1);
    if (type === RdbType.stream3) out.int64(NOW + 2);
    out.length(1);
    out.raw(id, 0, 16);
    return Buffer.from(out.view());
  }

  for (const [type, active] of [
    [RdbType.stream, NOW + 1],
    [RdbType.stream2, NOW + 1],
    [RdbType.stream3, NOW + 2],
  ] as const) {
    it(`a stream of type ${type}`, () => {
      const space = newSpace();
      const entry = load(space, payloadOf(streamBody(type)));
      const stream = space.cursor(ValueType.stream) as StreamValue;
      space.dbs[0]!.open(entry, stream);
      stream.checkInvariants();
      expect(stream.size).toBe(2);
      expect(stream.entriesAdded).toBe(2);
      const { groups } = stream;
      const group = groups.find(Buffer.from('g'), 0, 1);
      expect(groups.entriesRead(group)).toBe(1);
      expect(groups.pendingCount(group)).toBe(1);
      const consumer = groups.findConsumer(group, Buffer.from('c'), 0, 1);
      expect(groups.seenAt(consumer)).toBe(NOW + 1);
      expect(groups.activeAt(consumer)).toBe(active);
      expect(groups.ownPendingCount(consumer)).toBe(1);
      expect(bodyOf(dump(space, entry))).toEqual(streamBody(RdbType.stream2));
      const body = streamBody(type);
      for (let n = 0; n < body.length; n++) expect(refused(body.subarray(0, n)), `${n}`).toBe(true);
    });
  }
});

describe('what promises more than there is', () => {
  it.each([
    ['a list', '0181ffffffffffffffff0161'],
    ['a set', '02817fffffffffffffff0161'],
    ['a hash', '0480ffffffff01610161'],
    ['a sorted set', '0580ffffffff0161'],
    ['a string', '0080ffffffff61'],
    ['a compressed string', '00c305 80ffffffff 04 6162636465'],
    ['compressed bytes', '00c3 81000000ffffffffff 05 0461626364'],
    ['a quicklist', '1280ffffffff02'],
    ['a stream', '1381000000ffffffffff10'],
    ['an intset', '0b0c 02000000 ffffff7f 01000200'],
    ['a zipmap', '0908 01 fe ffffffff 61 ff'],
  ])('%s', (_name, hex) => {
    expect(refused(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(true);
  });
});
