/**
 * XDELEX and XACKDEL with KEEPREF, DELREF and ACKED (Redis 8.2), which the reference server is too old for.
 * Expectations come from their documentation and from Redis's own tests.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  arity,
  call,
  events,
  expectErrors,
  expectReplies,
  INVALID_ID,
  replies,
  server,
  streamWithGroup,
  useStreamServer,
} from './stream-fixture.ts';

useStreamServer();

describe('XDELEX', () => {
  beforeEach(async () => {
    await streamWithGroup(3);
    await replies('XGROUP CREATE s g2 0', 'XREADGROUP GROUP g2 d COUNT 2 STREAMS s >');
    events.length = 0;
  });

  it('KEEPREF, the default, deletes and leaves what groups have pending', async () => {
    const { dirty } = server.keyspace.changes;
    await expectReplies(
      ['XDELEX s IDS 2 1-0 9-9', '[:1 :-1]'],
      ['XDELEX s keepref ids 1 2-0', '[:1]'],
      ['XDELEX s KEEPREF IDS 2 2-0 2-0', '[:-1 :-1]'],
      ['XLEN s', ':1'],
      ['XPENDING s g', '[:3 1-0 3-0 [[c 3]]]'],
      ['XPENDING s g2', '[:2 1-0 2-0 [[d 2]]]'],
    );
    expect(events).toEqual(['xdel s', 'xdel s']);
    expect(server.keyspace.changes.dirty).toBe(dirty + 2);
  });

  it('DELREF deletes with what is pending, even of entries that are gone', async () => {
    await call('XDEL s 1-0');
    events.length = 0;
    const { dirty } = server.keyspace.changes;
    await expectReplies(
      ['XDELEX s DELREF IDS 3 1-0 2-0 7-7', '[:-1 :1 :-1]'],
      ['XPENDING s g', '[:1 3-0 3-0 [[c 1]]]'],
      ['XPENDING s g2', '[:0 nil nil nil]'],
      ['XLEN s', ':1'],
    );
    expect(events).toEqual(['xdel s']);
    // Four pending entries and one entry.
    expect(server.keyspace.changes.dirty).toBe(dirty + 5);
  });

  it('ACKED deletes what all groups have read and acknowledged', async () => {
    await expectReplies(
      ['XDELEX s ACKED IDS 2 1-0 9-9', '[:2 :-1]'],
      ['XACK s g 1-0 2-0 3-0', ':3'],
      ['XDELEX s ACKED IDS 3 1-0 2-0 3-0', '[:2 :2 :2]'],
      ['XACK s g2 1-0 2-0', ':2'],
      // g2 was not told of 3-0.
      ['XDELEX s ACKED IDS 3 1-0 2-0 3-0', '[:1 :1 :2]'],
      ['XREADGROUP GROUP g2 d STREAMS s >', '[[s [[3-0 [f v3]]]]]'],
      ['XDELEX s ACKED IDS 1 3-0', '[:2]'],
      ['XACK s g2 3-0', ':1'],
      ['XDELEX s ACKED IDS 1 3-0', '[:1]'],
      ['XLEN s', ':0'],
      ['EXISTS s', ':1'],
    );
  });

  it('ACKED deletes nothing where there is no group', async () => {
    await expectReplies(
      ['XADD s2 1-0 f v', '1-0'],
      ['XDELEX s2 ACKED IDS 2 1-0 2-0', '[:2 :-1]'],
      ['XLEN s2', ':1'],
    );
  });

  it('takes the ids anywhere, and every id for missing where there is no key', async () => {
    await expectReplies(
      ['XDELEX s IDS 1 1-0 DELREF', '[:1]'],
      ['XPENDING s g2', '[:1 2-0 2-0 [[d 1]]]'],
      ['XDELEX none IDS 2 1-0 nonsense', '[:-1 :-1]'],
    );
  });

  it('refuses what it does not understand', async () => {
    await call('SET string x');
    const counts = ['abc', '0', '-5', '1.5'].map((n): [string, string] => [
      `XDELEX s IDS ${n} 1-0`,
      'ERR Number of IDs must be a positive integer',
    ]);
    await expectErrors(
      ...counts,
      ['XDELEX s', arity('xdelex')],
      ['XDELEX s DELREF IDS 1', 'ERR The `numids` parameter must match the number of arguments'],
      ['XDELEX s IDS 3 1-0 2-0', 'ERR The `numids` parameter must match the number of arguments'],
      ['XDELEX s IDS 1 1-0 2-0', 'ERR syntax error'],
      ['XDELEX s IDS 1 1-0 IDS 1 2-0', 'ERR syntax error'],
      ['XDELEX s KEEPREF DELREF IDS 1 1-0', 'ERR syntax error'],
      ['XDELEX s ACKED ACKED IDS 1 1-0', 'ERR syntax error'],
      ['XDELEX s 1-0 2-0 3-0', 'ERR syntax error'],
      ['XDELEX s KEEPREF DELREF IDS', 'ERR syntax error'],
      ['XDELEX s IDS 2 1-0 x', INVALID_ID],
      [
        'XDELEX string IDS 1 1-0',
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
    );
  });
});

describe('XACKDEL', () => {
  beforeEach(async () => {
    await streamWithGroup(3);
    await replies('XGROUP CREATE s g2 0', 'XREADGROUP GROUP g2 d COUNT 2 STREAMS s >');
    events.length = 0;
  });

  it('KEEPREF acknowledges, deletes and leaves what others have pending', async () => {
    const { dirty } = server.keyspace.changes;
    await expectReplies(
      ['XACKDEL s g IDS 3 1-0 2-0 9-9', '[:1 :1 :-1]'],
      ['XLEN s', ':1'],
      ['XPENDING s g', '[:1 3-0 3-0 [[c 1]]]'],
      ['XPENDING s g2', '[:2 1-0 2-0 [[d 2]]]'],
    );
    expect(events).toEqual(['xdel s']);
    expect(server.keyspace.changes.dirty).toBe(dirty + 4);
    // What is gone from the stream is acknowledged all the same.
    await expectReplies(
      ['XACKDEL s g2 KEEPREF IDS 2 1-0 1-0', '[:1 :-1]'],
      ['XPENDING s g2', '[:1 2-0 2-0 [[d 1]]]'],
    );
    expect(events).toEqual(['xdel s']);
  });

  it('leaves alone what the group has not pending', async () => {
    await expectReplies(
      ['XACKDEL s g2 IDS 1 3-0', '[:-1]'],
      ['XACKDEL s g2 DELREF IDS 1 3-0', '[:-1]'],
      ['XLEN s', ':3'],
      ['XPENDING s g', '[:3 1-0 3-0 [[c 3]]]'],
    );
    expect(events).toEqual([]);
  });

  it('DELREF takes it from all groups', async () => {
    await expectReplies(
      ['XACKDEL s g DELREF IDS 2 1-0 2-0', '[:1 :1]'],
      ['XPENDING s g2', '[:0 nil nil nil]'],
      ['XACKDEL s g2 DELREF IDS 2 1-0 2-0', '[:-1 :-1]'],
      ['XDEL s 3-0', ':1'],
      ['XACKDEL s g2 DELREF IDS 1 3-0', '[:-1]'],
      ['XPENDING s g', '[:0 nil nil nil]'],
    );
  });

  it('ACKED deletes when all have acknowledged', async () => {
    await expectReplies(
      ['XACKDEL s g ACKED IDS 3 1-0 2-0 3-0', '[:2 :2 :2]'],
      ['XPENDING s g', '[:0 nil nil nil]'],
      ['XPENDING s g2', '[:2 1-0 2-0 [[d 2]]]'],
      ['XACKDEL s g2 ACKED IDS 2 1-0 2-0', '[:1 :1]'],
      ['XRANGE s - +', '[[3-0 [f v3]]]'],
    );
  });

  it('finds nothing without key or group, and refuses what it does not understand', async () => {
    await call('SET string x');
    await expectErrors(
      ['XACKDEL none g IDS 2 1-0 2-0', '[:-1 :-1]'],
      ['XACKDEL s none IDS 2 1-0 x', '[:-1 :-1]'],
      ['XACKDEL s g', arity('xackdel')],
      ['XACKDEL s g IDS 0 1-0', 'ERR Number of IDs must be a positive integer'],
      ['XACKDEL s g IDS 2 1-0', 'ERR The `numids` parameter must match the number of arguments'],
      ['XACKDEL s g IDS 1 1-0 2-0', 'ERR syntax error'],
      ['XACKDEL s g ACKED DELREF IDS 1 1-0', 'ERR syntax error'],
      ['XACKDEL s g IDS 2 1-0 x', INVALID_ID],
      [
        'XACKDEL string g IDS 1 1-0',
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
    );
  });
});

it('COMMAND INFO knows the new commands', async () => {
  await expectReplies(
    [
      'COMMAND INFO xdelex',
      '[[xdelex :-5 [write fast] :1 :1 :1 [@write @stream @fast] [] ' +
        '[[flags [RW delete] begin_search [type index spec [index :1]] ' +
        'find_keys [type range spec [lastkey :0 keystep :1 limit :0]]]] []]]',
    ],
    ['COMMAND GETKEYS XNACK s g FAIL IDS 1 1-0', '[s]'],
  );
  const docs = await call('COMMAND DOCS xackdel xnack xcfgset xadd xreadgroup');
  for (const word of ['8.2.0', '8.8.0', '8.6.0', 'IDMP-MAXSIZE', 'IDMPAUTO', 'CLAIM', 'DELREF']) {
    expect(docs).toContain(word);
  }
});
