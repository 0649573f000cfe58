/**
 * A small file with every type, cut off and changed in every way: what is wrong is told, nothing is
 * kept by the reader, and how the bytes come in makes no difference.
 *
 * The long tier (RESPITE_FULL=1) flips every bit of a file of 16 KiB and changes every byte without
 * a checksum; the short one takes a sample.
 */
import { describe, expect, it } from 'vitest';
import { datasetDigest } from '../../../src/commands/server/digest.ts';
import { ArenaFullError } from '../../../src/memory/arena.ts';
import { RdbFileError } from '../../../src/persistence/rdb/file-error.ts';
import type { RdbReadOptions } from '../../../src/persistence/rdb/file-reader.ts';
import { InProcess } from '../../harness/in-process.ts';
import { between, randomFrom } from '../../util/float-texts.ts';
import { length, texts } from './rdb-builder.ts';
import { clear, load, newSpace, write } from './spaces.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const SEED = 20261128;

/** A file with every type and representation, of about so many bytes. */
function sample(bytes: number): Buffer {
  const commands = new InProcess();
  const call = (...words: string[]) => commands.call(...words);
  const filler = 'x'.repeat(Math.max(8, Math.floor(bytes / 30)));
  call('SET', 'string', 'value');
  call('SET', 'number', '12345');
  call('SET', 'compressed', 'abcabcabc'.repeat(Math.max(4, Math.floor(bytes / 200))));
  // Bytes that cannot be compressed make up the size.
  const random = randomFrom(SEED);
  const noise = Array.from({ length: Math.max(64, bytes - 700) }, () => between(random, 0, 255));
  commands.call('SET', 'long', Buffer.from(noise));
  call('RPUSH', 'list', 'a', '1', filler.slice(0, 300), '-70000');
  call('SADD', 'intset', '1', '-2', '70000');
  call('SADD', 'set', 'a', 'b', filler.slice(0, 70));
  call('HSET', 'hash', 'f', 'v', 'g', '17');
  call('HSET', 'table', 'f', filler.slice(0, 100), 'g', 'w');
  call('ZADD', 'zset', '1', 'a', '2.5', 'b');
  call('ZADD', 'skiplist', '1', 'a', '2.5', filler.slice(0, 70).padEnd(70, 'y'));
  call('XADD', 'stream', '5-1', 'f', 'v');
  call('XADD', 'stream', '6-1', 'f', 'w', 'g', 'x');
  call('XGROUP', 'CREATE', 'stream', 'group', '0');
  call('XREADGROUP', 'GROUP', 'group', 'me', 'COUNT', '1', 'STREAMS', 'stream', '>');
  call('HSET', 'timed', 'f', 'v', 'g', 'w');
  call('HPEXPIREAT', 'timed', '4000000000000', 'FIELDS', '1', 'f');
  call('PEXPIREAT', 'string', '4000000000000');
  return write(commands.server.keyspace, {
    aux: [
      ['redis-ver', '7.0.15'],
      ['redis-bits', '64'],
    ],
    compress: true,
  });
}

/** What a damaged file leads to: an error of ours, or undefined when it could be loaded. */
function outcome(bytes: Uint8Array, options: Partial<RdbReadOptions> = {}): Error | undefined {
  const space = newSpace();
  const before = space.arena.usedBytes;
  let error: Error | undefined;
  try {
    load(space, bytes, options);
  } catch (caught) {
    error = caught as Error;
    if (!(error instanceof RdbFileError) && !(error instanceof ArenaFullError)) throw error;
  }
  for (const db of space.dbs) {
    db.forEach((entry) => {
      if (db.typeOf(entry) === 0) return;
      const value = space.cursor(db.typeOf(entry));
      db.open(entry, value);
      value.checkInvariants();
    });
  }
  clear(space);
  expect(space.arena.usedBytes).toBe(before);
  return error;
}

describe('a file with all types', () => {
  const bytes = sample(1500);
  const whole = newSpace();
  load(whole, bytes);
  const digest = datasetDigest(whole);

  it('is the same whatever pieces it comes in', () => {
    for (const piece of [1, 2, 3, 7, 64, 1000]) {
      for (const known of [true, false]) {
        const space = newSpace();
        const total = known ? bytes.length : Number.POSITIVE_INFINITY;
        load(space, bytes, { bytes: total }, piece);
        expect(datasetDigest(space), `pieces of ${piece}`).toBe(digest);
      }
    }
  });

  it('is refused wherever it is cut off, and says so', () => {
    for (let end = 0; end < bytes.length; end++) {
      const error = outcome(bytes.subarray(0, end));
      expect(error, `${end} bytes`).toBeInstanceOf(RdbFileError);
      expect((error as RdbFileError).message, `${end} bytes`).toMatch(
        /ends too early|past the end of the file|no RDB file/,
      );
      const place = (error as RdbFileError).place.offset;
      expect(place).toBeLessThanOrEqual(end);
    }
  });

  it('is refused wherever it is cut off when nobody knows how long it is', () => {
    for (let end = 0; end < bytes.length; end += 3) {
      const space = newSpace();
      expect(
        () => load(space, bytes.subarray(0, end), { bytes: Number.POSITIVE_INFINITY }),
        `${end} bytes`,
      ).toThrow(RdbFileError);
    }
  });

  it('is refused with any bit changed', () => {
    const all = FULL ? sample(16_384) : bytes;
    const step = FULL ? 1 : 13;
    let flips = 0;
    for (let bit = 0; bit < all.length * 8; bit += step) {
      const damaged = Buffer.from(all);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(outcome(damaged), `bit ${bit}`).toBeInstanceOf(Error);
      flips++;
    }
    if (FULL) console.log(`${flips} bits of ${all.length} bytes changed, all found`);
  });

  it('does no harm with bytes changed and no checksum', () => {
    const random = randomFrom(SEED);
    const rounds = FULL ? 200_000 : 1500;
    let refused = 0;
    for (let i = 0; i < rounds; i++) {
      const damaged = Buffer.from(bytes);
      for (let n = between(random, 1, 3); n > 0; n--) {
        damaged[between(random, 9, bytes.length - 10)] = between(random, 0, 255);
      }
      if (outcome(damaged, { checksum: false }) !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(rounds / 4);
    if (FULL) console.log(`${rounds} damaged files without a checksum, ${refused} refused`);
  });

  it('allocates nothing because it is announced', () => {
    const space = newSpace();
    const before = space.arena.reservedBytes;
    const announced = [
      [0, Buffer.concat([Buffer.of(0x80), Buffer.from('3ffffff0', 'hex')])],
      [2, length(2 ** 30)],
      [4, length(2 ** 30)],
      [5, length(2 ** 30)],
      [18, length(2 ** 30)],
    ] as const;
    for (const [type, count] of announced) {
      const start = Buffer.concat([
        Buffer.from('REDIS0010'),
        Buffer.of(type, 1, 0x6b),
        count,
        texts(['a', 'b']),
      ]);
      expect(() => load(space, start)).toThrow(/past the end/);
    }
    expect(space.arena.reservedBytes - before).toBeLessThan(4 * 1024 * 1024);
  });
});

describe('long strings', () => {
  it('go to the arena as they come, plain or compressed, as values and as elements', () => {
    const random = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 2654435761) >>> 13));
    const commands = new InProcess();
    commands.call('SET', 'plain', random);
    commands.call('SET', 'compressed', Buffer.alloc(900_000, 'ab'));
    commands.call('HSET', 'h', 'f', random.subarray(0, 300_000));
    commands.call('RPUSH', 'l', random.subarray(0, 200_000), 'x');
    const { keyspace } = commands.server;
    const bytes = write(keyspace);
    for (const piece of [4096, 100_000, bytes.length]) {
      const space = newSpace();
      load(space, bytes, {}, piece);
      expect(datasetDigest(space), `pieces of ${piece}`).toBe(datasetDigest(keyspace));
      const before = space.arena.usedBytes;
      expect(before).toBeLessThan(3_000_000);
    }
  });
});
