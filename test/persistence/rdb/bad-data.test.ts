/** What is wrong with a value is said where one can read it: RESTORE's refusals, files at start. */
import { afterEach, describe, expect, it } from 'vitest';
import { BadDataError } from '../../../src/persistence/rdb/bad-data.ts';
import { PayloadCodec } from '../../../src/persistence/rdb/payload.ts';
import { BareServer } from '../../harness/bare-server.ts';
import { closeAll, connectTo, startServer } from '../../harness/in-process-server.ts';
import { SimulatedDisk } from '../../harness/simulated-disk.ts';
import { payloadOf } from './mutations.ts';
import {
  counted,
  double,
  file,
  intset,
  key,
  length,
  listpack,
  stringKey,
  text,
  texts,
  ziplist,
  zipmap,
} from './rdb-builder.ts';

afterEach(closeAll);

/** With one byte more at the end than it says. */
const longer = (packed: Uint8Array) => text(Buffer.concat([packed, Buffer.of(0xff)]));
const oneNode = (kind: number, bytes: Uint8Array) =>
  Buffer.concat([length(1), length(kind), bytes]);

/** An empty stream whose group has a consumer twice. */
const twoConsumers = Buffer.concat([
  ...[length(0), length(0), length(0), length(0), length(1)],
  ...[text('g'), length(0), length(0), length(0), length(2)],
  ...[text('c'), Buffer.alloc(8), length(0), text('c'), Buffer.alloc(8), length(0)],
]);

const bad: readonly (readonly [what: string, type: number, body: Uint8Array, reason: string])[] = [
  ['a list', 10, longer(ziplist(['a'])), 'List ziplist integrity check failed'],
  ['a sorted set', 12, longer(ziplist(['a', 1])), 'Zset ziplist integrity check failed'],
  ['half a pair', 12, text(ziplist(['a'])), 'Zset ziplist integrity check failed'],
  ['a hash', 13, longer(ziplist(['a', 'b'])), 'Hash ziplist integrity check failed'],
  ['a zipmap', 9, longer(zipmap(['a', 'b'])), 'Zipmap integrity check failed'],
  ['integers', 11, longer(intset(2, [1, 2])), 'Intset integrity check failed'],
  ['a node', 14, Buffer.concat([length(1), longer(ziplist(['a']))]), 'Quicklist ziplist integrity'],
  ['a newer node', 18, oneNode(2, longer(listpack(['a']))), 'Quicklist listpack integrity check'],
  ['a node of no kind', 18, oneNode(3, text('a')), 'the bytes make no sense'],
  ['an empty single element', 18, oneNode(1, text('')), 'the bytes make no sense'],
  ['a newer hash', 16, longer(listpack(['a', 'b'])), 'Hash listpack integrity check failed'],
  ['a zipmap of nothing', 9, text(zipmap([])), 'Zipmap integrity check failed'],
  ['a field twice', 16, text(listpack(['a', 1, 'a', 2])), 'Hash listpack integrity check failed: '],
  [
    'older',
    13,
    text(ziplist(['a', 1, 'a', 2])),
    'Hash ziplist integrity check failed: hash ziplist',
  ],
  ['scores', 12, text(ziplist(['a', 1, 'a', 2])), 'Zset ziplist integrity check failed: zset'],
  [
    'a set',
    20,
    text(listpack(['a', 'a'])),
    'Set listpack integrity check failed: set listpack with',
  ],
  ['a member twice', 2, texts(['a', 'a']), 'an element is there twice'],
  ['no score', 5, counted([text('a'), double(Number.NaN)], 2), 'a score is no number'],
  ['no elements', 2, length(0), 'a collection without elements'],
  [
    'a stream',
    15,
    Buffer.concat([length(1), text('1234567812345678'), text('x')]),
    'Stream listpack',
  ],
  ['consumers', 15, twoConsumers, 'Duplicate stream consumer detected'],
];

describe('RESTORE', () => {
  it('says what is wrong with a value in the log, to those who ask for much', async () => {
    const lines: string[] = [];
    const server = await startServer({ loglevel: 'verbose' }, { log: (line) => lines.push(line) });
    const client = await connectTo(server);
    for (const [what, type, body, reason] of bad) {
      const payload = payloadOf(Buffer.concat([Buffer.of(type), body]));
      lines.length = 0;
      const reply = await client.call('RESTORE', 'k', '0', payload);
      expect([what, String('bytes' in reply && reply.bytes)]).toEqual([
        what,
        'ERR Bad data format',
      ]);
      expect([what, lines.join('')]).toEqual([what, expect.stringContaining(`value: ${reason}`)]);
    }
    await client.call('CONFIG', 'SET', 'loglevel', 'notice');
    lines.length = 0;
    const [, type, body] = bad[0]!;
    await client.call('RESTORE', 'k', '0', payloadOf(Buffer.concat([Buffer.of(type), body])));
    expect(lines).toEqual([]);
  });

  it('costs no stack, however often', () => {
    const { keyspace } = new BareServer(new SimulatedDisk()).server;
    const payload = payloadOf(Buffer.concat([Buffer.of(11), longer(intset(2, [1]))]));
    try {
      PayloadCodec.of(keyspace).load(payload, 0, payload.length);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BadDataError);
      expect((error as Error).stack).not.toContain(' at ');
    }
  });
});

describe('an RDB file at start', () => {
  const empty = (n: number) => Array.from({ length: n }, (_, i) => key(2, `e${i}`, length(0)));

  it('keys without elements are left out; ten are named, all are counted', async () => {
    const disk = new SimulatedDisk();
    disk.put('/dump.rdb', file(10, [stringKey('k', 'v'), key(4, 'a\nb', length(0)), ...empty(11)]));
    const bare = new BareServer(disk);
    await bare.start();
    const log = bare.logged.join('\n');
    expect(bare.server.keyspace.dbs[0]!.size).toBe(1);
    expect(log).toContain('skipping empty key: a?b');
    expect(log).toContain('skipping empty key: e8');
    expect(log).not.toContain('e9');
    expect(log).toContain('keys loaded: 1, keys expired: 0, empty keys skipped: 12.');
  });

  it('nothing is said of such keys when there are none', async () => {
    const disk = new SimulatedDisk();
    disk.put('/dump.rdb', file(10, [stringKey('k', 'v')]));
    const bare = new BareServer(disk);
    await bare.start();
    expect(bare.logged.join('\n')).toContain('keys loaded: 1, keys expired: 0.');
  });

  it('says which pack is damaged, in which key', async () => {
    const disk = new SimulatedDisk();
    disk.put('/dump.rdb', file(10, [key(13, 'h', longer(ziplist(['a', 'b'])))]));
    const bare = new BareServer(disk);
    await expect(bare.start()).rejects.toThrow();
    expect(bare.logged.join('\n')).toMatch(
      /Hash ziplist integrity check failed, at byte .*key "h"/,
    );
  });
});
