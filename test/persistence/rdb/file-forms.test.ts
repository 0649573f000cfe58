/**
 * RDB files put together by hand: every form that a version of Redis wrote becomes what is used
 * now, and what cannot be read is named with its place.
 */
import { describe, expect, it } from 'vitest';
import type { HashValue } from '../../../src/datatypes/hash.ts';
import type { StreamValue } from '../../../src/datatypes/stream.ts';
import { encodingName, ValueType } from '../../../src/datatypes/value-types.ts';
import type { Keyspace } from '../../../src/keyspace/keyspace.ts';
import { RdbFileError } from '../../../src/persistence/rdb/file-error.ts';
import type { RdbReadOptions } from '../../../src/persistence/rdb/file-reader.ts';
import { PayloadCodec } from '../../../src/persistence/rdb/payload.ts';
import {
  counted,
  double,
  file,
  int64,
  intset,
  key,
  length,
  listpack,
  stringKey,
  text,
  textDouble,
  texts,
  ziplist,
  zipmap,
} from './rdb-builder.ts';
import { load, NOW, newSpace, write } from './spaces.ts';

const many = (n: number, name: string) => Array.from({ length: n }, (_, i) => `${name}${i}`);

/** What a key holds, in a form to be compared. */
function shown(space: Keyspace, name: string, index = 0): unknown {
  const db = space.dbs[index]!;
  const entry = db.find(Buffer.from(name), 0, name.length);
  if (entry === 0) return undefined;
  const type = db.typeOf(entry);
  const of = ({ buf, off, len }: { buf: Uint8Array; off: number; len: number }) =>
    Buffer.from(buf.subarray(off, off + len)).toString('latin1');
  if (type === ValueType.string) {
    db.locateString(entry);
    return of({ buf: db.valueBuf, off: db.valueOff, len: db.valueLen });
  }
  const value = space.cursor(type);
  db.open(entry, value);
  value.checkInvariants();
  const parts: string[] = [];
  if (type === ValueType.list) {
    space.lists.openDetached(value.ref, value.encoding);
    space.lists.forRange(0, value.size, () => {
      parts.push(of(space.lists.element));
    });
  } else if (type === ValueType.set) {
    space.sets.openDetached(value.ref, value.encoding);
    space.sets.forEach(() => {
      parts.push(of(space.sets.member));
    });
    parts.sort();
  } else if (type === ValueType.zset) {
    space.zsets.openDetached(value.ref, value.encoding);
    space.zsets.forEach(() => {
      parts.push(`${of(space.zsets.member)}=${space.zsets.score}`);
    });
  } else if (type === ValueType.hash) {
    const hash = value as HashValue;
    hash.forEach(() => {
      const until = hash.fieldExpiry === 0 ? '' : ` until ${hash.fieldExpiry}`;
      parts.push(`${of(hash.field)}=${of(hash.value)}${until}`);
    });
    parts.sort();
  }
  return [encodingName(value.encoding), ...parts];
}

function loaded(parts: readonly Uint8Array[], version = 10): Keyspace {
  const space = newSpace();
  load(space, file(version, parts));
  return space;
}

function problem(bytes: Uint8Array, options: Partial<RdbReadOptions> = {}): RdbFileError {
  const space = newSpace();
  try {
    load(space, bytes, options);
  } catch (error) {
    if (error instanceof RdbFileError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

describe('old forms', () => {
  it('a linked list of redis 1', () => {
    const space = loaded([key(1, 'k', texts(['a', 'b', 'a']))], 1);
    expect(shown(space, 'k')).toEqual(['quicklist', 'a', 'b', 'a']);
  });

  it('a list as a ziplist, with integers and texts of all lengths', () => {
    const elements = ['', 'x', 'y'.repeat(70), 'z'.repeat(20_000)];
    const integers = [0, 12, 13, -1, -128, 127, 128, -32768, 40000, -8388608, 8388608, 2 ** 40];
    const space = loaded([key(10, 'k', text(ziplist([...elements, ...integers])))], 6);
    expect(shown(space, 'k')).toEqual(['quicklist', ...elements, ...integers.map(String)]);
  });

  it('quicklists of ziplists, and of listpacks and single elements', () => {
    const nodes = counted([text(ziplist(['a', 1])), text(ziplist(['b']))]);
    expect(shown(loaded([key(14, 'k', nodes)], 7), 'k')).toEqual(['quicklist', 'a', '1', 'b']);
    const marked = [
      Buffer.concat([length(2), text(listpack(['a', 1]))]),
      Buffer.concat([length(1), text('plain')]),
    ];
    expect(shown(loaded([key(18, 'k', counted(marked))]), 'k')).toEqual([
      ...['quicklist', 'a', '1', 'plain'],
    ]);
  });

  it('sets: members, intsets of each width, a listpack of redis 7.2', () => {
    const space = loaded(
      [
        key(2, 'members', texts(['b', 'a'])),
        key(2, 'numbers', texts(['3', '1'])),
        key(11, 'i16', text(intset(2, [-5, 7]))),
        key(11, 'i32', text(intset(4, [-70000, 7]))),
        key(11, 'i64', text(intset(8, [-5, 2 ** 40]))),
        key(20, 'lp', text(listpack(['x', 5]))),
        key(2, 'large', texts(many(600, 'm'))),
      ],
      11,
    );
    expect(shown(space, 'members')).toEqual(['listpack', 'a', 'b']);
    expect(shown(space, 'numbers')).toEqual(['intset', '1', '3']);
    expect(shown(space, 'i16')).toEqual(['intset', '-5', '7']);
    expect(shown(space, 'i32')).toEqual(['intset', '-70000', '7']);
    expect(shown(space, 'i64')).toEqual(['intset', '-5', String(2 ** 40)]);
    expect(shown(space, 'lp')).toEqual(['listpack', '5', 'x']);
    expect(shown(space, 'large')).toHaveLength(601);
  });

  it('sorted sets: scores as text, as doubles, a ziplist, a listpack; in any order', () => {
    const asText = counted(
      [text('a'), textDouble('3.5'), text('b'), textDouble('-inf'), text('c'), textDouble('inf')],
      2,
    );
    const large = many(300, 'm').flatMap((name, i) => [text(name), double((i * 7919) % 300)]);
    const space = loaded([
      key(3, 'text', asText),
      key(5, 'doubles', counted([text('a'), double(2), text('b'), double(1)], 2)),
      key(12, 'ziplist', text(ziplist(['b', 1, 'a', '1.5']))),
      key(17, 'listpack', text(listpack(['a', 1, 'b', 2]))),
      key(17, 'unordered', text(listpack(['a', 2, 'b', 1]))),
      key(5, 'large', counted(large, 2)),
    ]);
    expect(shown(space, 'text')).toEqual(['listpack', 'b=-Infinity', 'a=3.5', 'c=Infinity']);
    expect(shown(space, 'doubles')).toEqual(['listpack', 'b=1', 'a=2']);
    expect(shown(space, 'ziplist')).toEqual(['listpack', 'b=1', 'a=1.5']);
    expect(shown(space, 'listpack')).toEqual(['listpack', 'a=1', 'b=2']);
    expect(shown(space, 'unordered')).toEqual(['listpack', 'b=1', 'a=2']);
    const [encoding, ...elements] = shown(space, 'large') as string[];
    expect(encoding).toBe('skiplist');
    expect(elements.map((e) => Number(e.split('=')[1]))).toEqual(many(300, '').map(Number));
  });

  it('sorted sets with equal scores, ascending, descending and mixed', () => {
    const names = many(500, 'm').sort();
    for (const order of [
      names,
      [...names].reverse(),
      [...names.slice(250), ...names.slice(0, 250)],
    ]) {
      const parts = order.flatMap((name) => [text(name), double(1)]);
      const space = loaded([key(5, 'k', counted(parts, 2))]);
      expect(shown(space, 'k')).toEqual(['skiplist', ...names.map((name) => `${name}=1`)]);
    }
  });

  it('hashes: pairs, a zipmap of redis 2, a ziplist, a listpack', () => {
    const space = loaded([
      key(4, 'pairs', texts(['f', 'v', 'g', 'w'], 2)),
      key(9, 'zipmap', text(zipmap(['f', 'v', 'g', '']))),
      key(13, 'ziplist', text(ziplist(['f', 1, 'g', 'x']))),
      key(16, 'listpack', text(listpack(['f', 'v']))),
      key(4, 'large', texts(many(1200, 'x'), 2)),
    ]);
    expect(shown(space, 'pairs')).toEqual(['listpack', 'f=v', 'g=w']);
    expect(shown(space, 'zipmap')).toEqual(['listpack', 'f=v', 'g=']);
    expect(shown(space, 'ziplist')).toEqual(['listpack', 'f=1', 'g=x']);
    expect(shown(space, 'listpack')).toEqual(['listpack', 'f=v']);
    expect(shown(space, 'large')).toHaveLength(601);
  });

  it('hashes with fields that expire, of redis 7.4 and of its candidates', () => {
    const later = NOW + 5000;
    const ttl = Buffer.alloc(9);
    ttl[0] = 0x81;
    ttl.writeBigUInt64BE(BigInt(later), 1);
    const space = loaded(
      [
        key(
          24,
          'ga',
          Buffer.concat([
            int64(later),
            length(2),
            length(1),
            texts2('f', 'v'),
            length(0),
            texts2('g', 'w'),
          ]),
        ),
        key(22, 'rc', Buffer.concat([length(1), ttl, texts2('f', 'v')])),
        key(
          25,
          'lp',
          Buffer.concat([int64(later), text(listpack(['f', 'v', later, 'g', 'w', 0]))]),
        ),
        key(23, 'lprc', text(listpack(['f', 'v', later]))),
      ],
      12,
    );
    expect(shown(space, 'ga')).toEqual(['listpackex', `f=v until ${later}`, 'g=w']);
    expect(shown(space, 'rc')).toEqual(['listpackex', `f=v until ${later}`]);
    expect(shown(space, 'lp')).toEqual(['listpackex', `f=v until ${later}`, 'g=w']);
    expect(shown(space, 'lprc')).toEqual(['listpackex', `f=v until ${later}`]);
    const again = write(space);
    expect(again.subarray(0, 9).toString()).toBe('REDIS0012');
    const copy = newSpace();
    load(copy, again);
    for (const name of ['ga', 'rc', 'lp', 'lprc']) {
      expect(shown(copy, name)).toEqual(shown(space, name));
    }
  });

  const texts2 = (a: string, b: string) => Buffer.concat([text(a), text(b)]);
});

describe('streams', () => {
  const id = (ms: number, seq: number) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64BE(BigInt(ms), 0);
    bytes.writeBigUInt64BE(BigInt(seq), 8);
    return bytes;
  };
  const node = listpack([2, 0, 1, 'f', 0, 2, 0, 0, 'v', 4, 2, 1, 0, 'w', 4]);
  const nodes = Buffer.concat([length(1), text(id(5, 1)), text(node)]);
  const two = (a: number, b: number) => Buffer.concat([length(a), length(b)]);

  function payload(space: Keyspace, name: string): Buffer {
    const db = space.dbs[0]!;
    const entry = db.find(Buffer.from(name), 0, name.length);
    return Buffer.from(PayloadCodec.of(space).dump(db, entry, true));
  }

  it('of each type, with groups, released entries and producers', () => {
    const pel = Buffer.concat([
      length(2),
      id(5, 1),
      int64(100),
      length(1),
      id(6, 1),
      int64(0),
      length(2),
    ]);
    const consumer = (active: boolean) =>
      Buffer.concat([
        length(1),
        text('c'),
        int64(50),
        ...(active ? [int64(60)] : []),
        length(1),
        id(5, 1),
      ]);
    const facts = Buffer.concat([length(2), two(6, 1)]);
    const facts2 = Buffer.concat([facts, two(5, 1), two(0, 0), length(2)]);
    const group = Buffer.concat([length(1), text('g'), two(6, 1)]);
    const producers = Buffer.concat([
      ...[length(50), length(10), length(1), text('p'), length(2)],
      ...[text('i1'), two(5, 1), text('i2'), two(6, 1), length(7), length(3)],
    ]);
    const space = loaded(
      [
        key(15, 't15', Buffer.concat([nodes, facts, group, pel, consumer(false)])),
        key(19, 't19', Buffer.concat([nodes, facts2, group, length(2), pel, consumer(false)])),
        key(21, 't21', Buffer.concat([nodes, facts2, group, length(2), pel, consumer(true)])),
        key(
          26,
          't26',
          Buffer.concat([nodes, facts2, group, length(2), pel, consumer(true), producers]),
        ),
        key(
          27,
          't27',
          Buffer.concat([
            nodes,
            facts2,
            group,
            length(2),
            pel,
            consumer(true),
            length(1),
            id(6, 1),
            producers,
          ]),
        ),
      ],
      14,
    );
    const db = space.dbs[0]!;
    for (const name of ['t15', 't19', 't21', 't26', 't27']) {
      const stream = space.cursor(ValueType.stream) as StreamValue;
      db.open(db.find(Buffer.from(name), 0, name.length), stream);
      stream.checkInvariants();
      expect(stream.size, name).toBe(2);
      const [found] = stream.groups.list();
      expect(stream.groups.pendingCount(found!), name).toBe(2);
      expect(stream.groups.releasedCount(found!), name).toBe(1);
      const [who] = stream.groups.listConsumers(found!);
      expect(stream.groups.activeAt(who!), name).toBe(name < 't21' ? 50 : 60);
      if (name < 't26') continue;
      const { producers: of } = stream;
      expect([of.durationSeconds, of.sizeMax, of.size, of.records]).toEqual([50, 10, 1, 2]);
      expect([of.added, of.duplicates]).toEqual([7, 3]);
    }
    // What was released needs 14, and comes back.
    const again = write(space);
    expect(again.subarray(0, 9).toString()).toBe('REDIS0014');
    const copy = newSpace();
    load(copy, again);
    for (const name of ['t15', 't19', 't21', 't26', 't27']) {
      expect(payload(copy, name).equals(payload(space, name)), name).toBe(true);
    }
  });
});

describe('between the keys', () => {
  it('databases, sizes, aux fields, slots, functions, both forms of expiry, access data', () => {
    const seconds = Math.floor(NOW / 1000);
    const aux: string[] = [];
    const functions: string[] = [];
    const space = newSpace();
    const reader = load(
      space,
      file(12, [
        Buffer.concat([Buffer.of(0xfa), text('redis-ver'), text('7.0.15')]),
        Buffer.concat([Buffer.of(0xfa), text('bits'), Buffer.of(0xc0, 64)]),
        Buffer.concat([Buffer.of(0xf5), text('#!lua name=x')]),
        Buffer.concat([Buffer.of(0xfe), length(3), Buffer.of(0xfb), length(9), length(1)]),
        Buffer.concat([Buffer.of(0xf4), length(1), length(2), length(3)]),
        Buffer.concat([
          Buffer.of(0xfd, ...int64(seconds + 10).subarray(0, 4)),
          stringKey('a', '1'),
        ]),
        Buffer.concat([Buffer.of(0xfc), int64(NOW + 1234), stringKey('b', '2')]),
        Buffer.concat([Buffer.of(0xfc), int64(NOW - 1), stringKey('gone', '2')]),
        Buffer.concat([Buffer.of(0xf8), length(100), stringKey('idle', '3')]),
        Buffer.concat([Buffer.of(0xf9, 77), stringKey('often', '4')]),
      ]),
      {
        onAux: (name, value) => aux.push(`${Buffer.from(name)}=${Buffer.from(value)}`),
        onFunction: (code) => functions.push(Buffer.from(code).toString()),
      },
    );
    const db = space.dbs[3]!;
    const find = (name: string) => db.find(Buffer.from(name), 0, name.length);
    expect(aux).toEqual(['redis-ver=7.0.15', 'bits=64']);
    expect(functions).toEqual(['#!lua name=x']);
    expect([reader.keys, reader.expired, db.size]).toEqual([4, 1, 4]);
    expect(db.expireAt(find('a'))).toBe((seconds + 10) * 1000);
    expect(db.expireAt(find('b'))).toBe(NOW + 1234);
    expect(space.idleSeconds(find('idle'))).toBe(100);
  });

  it('keeps what has expired where asked to', () => {
    const space = newSpace();
    const bytes = file(10, [Buffer.concat([Buffer.of(0xfc), int64(1), stringKey('k', 'v')])]);
    expect(load(space, bytes, { keepExpired: true }).keys).toBe(1);
    expect(space.dbs[0]!.size).toBe(1);
  });

  it('passes over collections without elements', () => {
    const empty = [key(2, 'a', length(0)), key(10, 'b', text(ziplist([]))), key(4, 'c', length(0))];
    const space = newSpace();
    const reader = load(space, file(9, [...empty, stringKey('k', 'v')]));
    expect([reader.empty, reader.keys, space.dbs[0]!.size]).toEqual([3, 1, 1]);
  });

  it('replaces keys where asked to, else names the one that is there twice', () => {
    const bytes = file(10, [stringKey('k', 'a'), key(1, 'k', texts(['b']))]);
    const space = newSpace();
    load(space, bytes, { replace: true });
    expect(shown(space, 'k')).toEqual(['quicklist', 'b']);
    expect(problem(bytes).message).toMatch(
      /^the key is there twice, at byte \d+ \(in key "k", list/,
    );
  });

  it('says where the file ends when something follows', () => {
    const bytes = file(10, [stringKey('k', 'v')]);
    const space = newSpace();
    const reader = load(space, Buffer.concat([bytes, Buffer.from('*1\r\n$4\r\nPING\r\n')]));
    expect(reader.offset).toBe(bytes.length);
  });
});

describe('what cannot be read', () => {
  const cases: readonly [string, Uint8Array, RegExp][] = [
    ['another file', Buffer.from('PNG and so on'), /^this is no RDB file, at byte 0$/],
    ['version 15', file(15, []), /^RDB version 0015 is not one of 1 to 14, at byte 5$/],
    ['version 0', file(0, []), /^RDB version 0000/],
    ['an unknown opcode', file(10, [Buffer.of(0xf2)]), /^unknown value type 242, at byte 10$/],
    [
      'an unknown type',
      file(10, [key(28, 'k', Buffer.of(0))]),
      /^unknown value type 28, at byte 10/,
    ],
    ['functions before 7.0', file(10, [Buffer.of(0xf6)]), /^functions of a release candidate/],
    ['key metadata', file(13, [Buffer.of(0xf3)]), /^data of modules about a key \(opcode 243\)/],
    [
      'a slot',
      file(12, [Buffer.concat([Buffer.of(0xf4), length(16384), length(1), length(1)])]),
      /slot 16384/,
    ],
    ['database 16', file(10, [Buffer.of(0xfe, 16)]), /^there is no database 16 here, at byte 11$/],
    ['a NaN', file(10, [key(3, 'k', counted([text('a'), textDouble('nan')], 2))]), /a score is no/],
    [
      'a member twice',
      file(10, [key(2, 'k', texts(['a', 'a']))]),
      /in key "k", set, of database 0/,
    ],
    ['a field twice', file(10, [key(16, 'k', text(listpack(['a', 1, 'a', 2])))]), /hashListpack/],
    [
      'a large set with one twice',
      file(10, [key(2, 'k', texts([...many(900, 'm'), 'm3']))]),
      /set/,
    ],
    ['a large hash', file(10, [key(4, 'k', texts([...many(1800, 'm'), 'm0', 'x'], 2))]), /hash/],
    [
      'a large sorted set',
      file(10, [
        key(
          5,
          'k',
          counted(
            [...many(900, 'm'), 'm7'].flatMap((m) => [text(m), double(1)]),
            2,
          ),
        ),
      ]),
      /zset/,
    ],
    ['a length past the end', file(10, [key(2, 'k', length(100_000))]), /reaches past the end/],
    [
      'a module value',
      file(10, [
        key(7, 'k', Buffer.concat([Buffer.of(0x81), Buffer.from('8c0c4ce8b0d04c00', 'hex')])),
      ]),
      /^a value of the module ".{9}", at byte 21 \(in key "k", module/,
    ],
  ];

  it.each(cases)('%s', (_name, bytes, message) => {
    expect(problem(bytes).message).toMatch(message);
  });

  it('modules by name; who only checks passes over their data', () => {
    // "ReJSON-RL" in nine characters of six bits, version 3.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    let moduleId = 0n;
    for (const letter of 'ReJSON-RL')
      moduleId = (moduleId << 6n) | BigInt(alphabet.indexOf(letter));
    const idBytes = Buffer.alloc(9);
    idBytes[0] = 0x81;
    idBytes.writeBigUInt64BE((moduleId << 10n) | 3n, 1);
    const parts = Buffer.concat([
      length(5),
      text('{}'),
      length(2),
      length(7),
      length(4),
      double(1),
      length(0),
    ]);
    const value = key(7, 'k', Buffer.concat([idBytes, parts]));
    const aux = Buffer.concat([Buffer.of(0xf7), idBytes, length(2), length(1), parts]);
    expect(problem(file(10, [value])).message).toMatch(/^a value of the module "ReJSON-RL"/);
    expect(problem(file(10, [aux])).message).toMatch(/^data of the module "ReJSON-RL"/);
    const space = newSpace();
    const bytes = file(10, [aux, value, stringKey('x', 'y')]);
    expect(load(space, bytes, { checkOnly: true }).keys).toBe(1);
    expect(space.dbs[0]!.size).toBe(0);
  });

  it('a wrong checksum, but not where it is 0 or nobody asks', () => {
    const bytes = file(10, [stringKey('k', 'v')]);
    bytes[bytes.length - 1]! ^= 1;
    expect(problem(bytes).message).toBe(
      `the checksum is wrong (RDB CRC error), at byte ${bytes.length - 8}`,
    );
    load(newSpace(), bytes, { checksum: false });
    load(newSpace(), file(10, [stringKey('k', 'v')], false));
    load(newSpace(), file(4, [stringKey('k', 'v')]));
    // Version 12 with one bit changed: without this it would be a file that nobody checks.
    const damaged = file(12, [stringKey('k', 'v')]);
    damaged[7] = 0x30;
    expect(problem(damaged).message).toMatch(
      /^bytes follow the end, but version 2 has no checksum/,
    );
  });
});
