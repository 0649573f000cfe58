/**
 * Stream commands that the reference server is too old for: XDELEX and XACKDEL with KEEPREF, DELREF
 * and ACKED (Redis 8.2), XREADGROUP CLAIM (8.4), IDMP and XCFGSET (8.6), XNACK and XIDMPRECORD (8.8).
 * Expectations come from their documentation and from Redis's own tests.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import type { Reply } from '../harness/reply.ts';
import { splitWords } from '../harness/script.ts';

const START = 1_000_000_000_000;
const INVALID_ID = 'ERR Invalid stream ID specified as stream command argument';
const INT_MAX = '9223372036854775807';

let nowMs = START;
let server: Server;
let connection: Connection;
/** Keyspace events since the test began. */
const events: string[] = [];

beforeAll(async () => {
  server = await startServer({ 'enable-debug-command': 'yes' }, { now: () => nowMs });
  connection = await connectTo(server);
  server.keyspace.changes.events = {
    happened: (_db, event, key, off, len) => {
      if (event === 'new' || event === 'keymiss') return;
      events.push(`${event} ${Buffer.from(key.subarray(off, off + len)).toString()}`);
    },
  };
});
afterAll(closeAll);
beforeEach(async () => {
  nowMs = START;
  server.resetData();
  await replies('HELLO 2', 'CONFIG SET stream-node-max-entries 100');
  events.length = 0;
});
afterEach(() => {
  const { keyspace } = server;
  const [db] = keyspace.dbs;
  for (const key of ['s', 's2', 'copy']) {
    const entry = db!.find(Buffer.from(key), 0, key.length);
    if (entry === 0 || db!.typeOf(entry) !== keyspace.streams.type) continue;
    db!.open(entry, keyspace.streams);
    keyspace.streams.checkInvariants();
  }
});

/** Texts as they are, integers with a colon, `[…]` for aggregates. */
function show(reply: Reply): string {
  if ('items' in reply) return `[${reply.items.map(show).join(' ')}]`;
  if (!('bytes' in reply)) return 'nil';
  const text = reply.bytes.toString('latin1');
  if (reply.kind === 'integer') return `:${text}`;
  return text === '' ? '""' : text;
}

async function call(line: string): Promise<string> {
  connection.send(...splitWords(line)!);
  return show((await connection.receive()).reply);
}

/** Sends lines one by one; the replies as `show` has them. */
async function replies(...lines: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const line of lines) found.push(await call(line));
  return found;
}

/** Sends lines and expects the reply beside each. */
async function expectReplies(...pairs: [line: string, reply: string][]): Promise<void> {
  const found = await replies(...pairs.map(([line]) => line));
  expect(pairs.map(([line], i) => [line, found[i]])).toEqual(pairs);
}

/** Sends lines that must change nothing and expects the error beside each. */
async function expectErrors(...pairs: [line: string, reply: string][]): Promise<void> {
  const before = await call('DEBUG DIGEST');
  const { dirty } = server.keyspace.changes;
  events.length = 0;
  await expectReplies(...pairs);
  expect(await call('DEBUG DIGEST')).toBe(before);
  expect(server.keyspace.changes.dirty).toBe(dirty);
  expect(events).toEqual([]);
}

const arity = (name: string) => `ERR wrong number of arguments for '${name}' command`;

/** A stream of entries 1-0 to n-0 whose group g has all of them pending with consumer c. */
async function streamWithGroup(n: number, key = 's'): Promise<void> {
  for (let i = 1; i <= n; i++) await call(`XADD ${key} ${i}-0 f v${i}`);
  await replies(`XGROUP CREATE ${key} g 0`, `XREADGROUP GROUP g c STREAMS ${key} >`);
  events.length = 0;
}

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

describe('XTRIM and XADD with references', () => {
  it('KEEPREF trims as ever', async () => {
    await streamWithGroup(5);
    await expectReplies(
      ['XTRIM s MAXLEN 3 KEEPREF', ':2'],
      ['XTRIM s KEEPREF MINID = 4', ':1'],
      ['XPENDING s g', '[:5 1-0 5-0 [[c 5]]]'],
    );
    expect(events).toEqual(['xtrim s', 'xtrim s']);
  });

  it('DELREF takes what is pending, whole nodes or not', async () => {
    await call('CONFIG SET stream-node-max-entries 2');
    await streamWithGroup(7);
    await expectReplies(
      // Deleted before: its reference goes with the range that is trimmed.
      ['XDEL s 2-0', ':1'],
      ['XTRIM s MAXLEN ~ 4 DELREF', ':1'],
      ['XPENDING s g', '[:5 3-0 7-0 [[c 5]]]'],
      ['XTRIM s DELREF MINID 6', ':3'],
      ['XPENDING s g', '[:2 6-0 7-0 [[c 2]]]'],
      ['XTRIM s MAXLEN 2 DELREF', ':0'],
      ['XADD s MAXLEN = 1 DELREF 8-0 f v', '8-0'],
      ['XPENDING s g', '[:0 nil nil nil]'],
      ['XTRIM s MAXLEN 0 DELREF', ':1'],
      ['XLEN s', ':0'],
    );
  });

  it('ACKED keeps what a group still wants', async () => {
    for (let i = 1; i <= 5; i++) await call(`XADD s ${i}-0 f v`);
    await expectReplies(
      ['XGROUP CREATE s g 0', 'OK'],
      ['XADD s MAXLEN = 1 ACKED 6-0 f v', '6-0'],
      ['XLEN s', ':6'],
      ['XREADGROUP GROUP g c COUNT 1 STREAMS s >', '[[s [[1-0 [f v]]]]]'],
      ['XACK s g 1-0', ':1'],
      ['XADD s ACKED MAXLEN 1 7-0 f v', '7-0'],
      ['XLEN s', ':6'],
      ['XREADGROUP GROUP g c COUNT 5 NOACK STREAMS s >', expect.any(String)],
      // 7-0 was not read.
      ['XTRIM s MINID 100 ACKED', ':5'],
      ['XRANGE s - +', '[[7-0 [f v]]]'],
    );
  });

  it('ACKED passes over what it must keep, in whole nodes with ~', async () => {
    await call('CONFIG SET stream-node-max-entries 2');
    await streamWithGroup(5);
    await expectReplies(
      ['XACK s g 1-0 2-0 4-0', ':3'],
      ['XTRIM s MINID ~ 4 ACKED', ':2'],
      ['XTRIM s MINID ~ 6-0 ACKED', ':1'],
      ['XRANGE s - +', '[[3-0 [f v3]] [5-0 [f v5]]]'],
      ['XACK s g 3-0 5-0', ':2'],
      ['XTRIM s MAXLEN ~ 0 LIMIT 1 ACKED', ':1'],
      ['XTRIM s MAXLEN 1 ACKED', ':0'],
      ['XTRIM s MAXLEN 0 ACKED', ':1'],
    );
  });

  it('ACKED stops at the length that is to remain', async () => {
    await streamWithGroup(6);
    await expectReplies(
      ['XACK s g 2-0 4-0 5-0 6-0', ':4'],
      ['XTRIM s MAXLEN 4 ACKED', ':2'],
      ['XRANGE s - +', '[[1-0 [f v1]] [3-0 [f v3]] [5-0 [f v5]] [6-0 [f v6]]]'],
    );
  });

  it('matters nothing without groups', async () => {
    await expectReplies(
      ['XADD s 1-0 f v', '1-0'],
      ['XADD s ACKED 2-0 f v', '2-0'],
      ['XADD s MAXLEN 1 ACKED 3-0 f v', '3-0'],
      ['XTRIM s MAXLEN 0 DELREF', ':1'],
    );
  });

  it('knows one of them only', async () => {
    await streamWithGroup(2);
    await expectErrors(
      ['XTRIM s MAXLEN 1 ACKED DELREF', 'ERR syntax error'],
      ['XADD s KEEPREF MAXLEN 1 KEEPREF * f v', 'ERR syntax error'],
      ['XTRIM s ACKED KEEPREF', 'ERR syntax error'],
      [
        'XTRIM s ACKED LIMIT 0',
        'ERR syntax error, XTRIM must be called with at least one trimming strategy',
      ],
    );
  });
});

describe('XREADGROUP CLAIM', () => {
  it('claims what was pending long enough, tells how long and how often, then reads on', async () => {
    await streamWithGroup(2);
    await replies('XADD s 3-0 f v3');
    nowMs += 100;
    const { dirty } = server.keyspace.changes;
    await expectReplies(
      [
        'XREADGROUP GROUP g d CLAIM 100 STREAMS s >',
        '[[s [[1-0 [f v1] :100 :1] [2-0 [f v2] :100 :1] [3-0 [f v3] :0 :0]]]]',
      ],
      ['XPENDING s g - + 10', '[[1-0 d :0 :2] [2-0 d :0 :2] [3-0 d :0 :1]]'],
      ['XREADGROUP GROUP g c CLAIM 100 STREAMS s >', 'nil'],
    );
    expect(events).toEqual(['xadd s', 'xgroup-createconsumer s']);
    expect(server.keyspace.changes.dirty).toBeGreaterThan(dirty);
    nowMs += 60;
    await expectReplies(
      ['XREADGROUP GROUP g d CLAIM 61 STREAMS s >', 'nil'],
      ['XREADGROUP GROUP g d COUNT 1 CLAIM 60 CLAIM 50 STREAMS s >', '[[s [[1-0 [f v1] :60 :2]]]]'],
      [
        'XREADGROUP CLAIM 0 GROUP g d STREAMS s >',
        '[[s [[2-0 [f v2] :60 :2] [3-0 [f v3] :60 :1] [1-0 [f v1] :0 :3]]]]',
      ],
    );
    await expectReplies([
      'XINFO CONSUMERS s g',
      '[[name c pending :0 idle :160] [name d pending :3 idle :0]]',
    ]);
  });

  it('has new entries with zeros where nothing is pending, and nothing at all as ever', async () => {
    await expectReplies(
      ['XADD s 1-0 f v', '1-0'],
      ['XGROUP CREATE s g 0', 'OK'],
      ['XREADGROUP GROUP g c CLAIM 100 STREAMS s >', '[[s [[1-0 [f v] :0 :0]]]]'],
      ['XREADGROUP GROUP g c CLAIM 100 STREAMS s >', 'nil'],
      ['XREADGROUP GROUP g c CLAIM 9223372036854775807 STREAMS s >', 'nil'],
    );
  });

  it('shares COUNT between what was pending and what is new', async () => {
    await streamWithGroup(3);
    for (let i = 4; i <= 6; i++) await call(`XADD s ${i}-0 f v`);
    nowMs += 50;
    await expectReplies(
      [
        'XREADGROUP GROUP g d COUNT 2 CLAIM 50 STREAMS s >',
        '[[s [[1-0 [f v1] :50 :1] [2-0 [f v2] :50 :1]]]]',
      ],
      [
        'XREADGROUP GROUP g d COUNT 3 CLAIM 50 STREAMS s >',
        '[[s [[3-0 [f v3] :50 :1] [4-0 [f v] :0 :0] [5-0 [f v] :0 :0]]]]',
      ],
      ['XPENDING s g', '[:5 1-0 5-0 [[d 5]]]'],
    );
  });

  it('claims the longest idle first', async () => {
    await streamWithGroup(3);
    await expectReplies(
      [`XCLAIM s g c 0 3-0 TIME ${START - 300} JUSTID`, '[3-0]'],
      [`XCLAIM s g c 0 1-0 TIME ${START - 200} JUSTID`, '[1-0]'],
      [
        'XREADGROUP GROUP g d CLAIM 100 STREAMS s >',
        '[[s [[3-0 [f v3] :300 :1] [1-0 [f v1] :200 :1]]]]',
      ],
      ['XREADGROUP GROUP g d CLAIM 0 COUNT 1 STREAMS s >', '[[s [[1-0 [f v1] :0 :2]]]]'],
    );
  });

  it('keeps claimed entries pending with NOACK', async () => {
    await streamWithGroup(1);
    await call('XADD s 2-0 f v2');
    nowMs += 50;
    await expectReplies(
      [
        'XREADGROUP GROUP g d NOACK CLAIM 50 STREAMS s >',
        '[[s [[1-0 [f v1] :50 :1] [2-0 [f v2] :0 :0]]]]',
      ],
      ['XPENDING s g', '[:1 1-0 1-0 [[d 1]]]'],
    );
  });

  it('serves several streams, and does not matter with an id', async () => {
    await streamWithGroup(1);
    await streamWithGroup(1, 's2');
    await call('XADD s2 2-0 f v2');
    nowMs += 50;
    await expectReplies(
      [
        'XREADGROUP GROUP g c CLAIM 50 STREAMS s s2 0 >',
        '[[s [[1-0 [f v1]]]] [s2 [[1-0 [f v1] :50 :1] [2-0 [f v2] :0 :0]]]]',
      ],
      ['XREADGROUP GROUP g c CLAIM 50 STREAMS s s2 > 5', '[[s2 []]]'],
      ['HELLO 3', expect.any(String)],
      ['XREADGROUP GROUP g c CLAIM 0 STREAMS s >', '[s [[1-0 [f v1] :0 :2]]]'],
    );
  });

  it('delivers again after XGROUP SETID, and once in the end', async () => {
    await streamWithGroup(1);
    await expectReplies(
      ['XGROUP SETID s g 0', 'OK'],
      ['XREADGROUP GROUP g d CLAIM 0 STREAMS s >', '[[s [[1-0 [f v1] :0 :1] [1-0 [f v1] :0 :0]]]]'],
      ['XPENDING s g - + 10', '[[1-0 d :0 :1]]'],
      ['XGROUP SETID s g 18446744073709551615-18446744073709551615', 'OK'],
      ['XREADGROUP GROUP g d CLAIM 0 STREAMS s >', '[[s [[1-0 [f v1] :0 :1]]]]'],
    );
  });

  it('drops what is gone from the stream, which does not count', async () => {
    await streamWithGroup(3);
    await call('XDEL s 1-0 2-0');
    await expectReplies(
      ['XREADGROUP GROUP g d COUNT 1 CLAIM 0 STREAMS s >', '[[s [[3-0 [f v3] :0 :1]]]]'],
      ['XPENDING s g - + 10', '[[3-0 d :0 :2]]'],
      ['XTRIM s MAXLEN 0', ':1'],
      ['XREADGROUP GROUP g e CLAIM 0 STREAMS s >', 'nil'],
      ['XPENDING s g', '[:0 nil nil nil]'],
      ['XINFO CONSUMERS s g', '[[name c pending :0 idle :0] [name d pending :0 idle :0]]'],
    );
  });

  it('runs in a transaction', async () => {
    await streamWithGroup(1);
    await expectReplies(
      ['MULTI', 'OK'],
      ['XREADGROUP GROUP g d BLOCK 0 CLAIM 0 STREAMS s >', 'QUEUED'],
      ['XREADGROUP GROUP g d BLOCK 0 CLAIM 5 STREAMS s >', 'QUEUED'],
      ['EXEC', '[[[s [[1-0 [f v1] :0 :1]]]] nil]'],
    );
  });

  describe('with BLOCK', () => {
    let other: Connection;
    beforeEach(async () => {
      other = await connectTo(server);
    });
    afterEach(() => other.close());

    async function block(on: Connection, line: string, blocked = 1): Promise<void> {
      on.send(...splitWords(line)!);
      while (!(await call('INFO clients')).includes(`blocked_clients:${blocked}`));
    }
    const received = async (from: Connection) => show((await from.receive()).reply);

    it('wakes when an entry has been pending long enough', async () => {
      await streamWithGroup(1);
      await block(other, 'XREADGROUP GROUP g d BLOCK 0 CLAIM 30 STREAMS s >');
      nowMs += 20;
      await call('XADD s2 1-0 f v');
      nowMs += 20;
      expect(await received(other)).toBe('[[s [[1-0 [f v1] :40 :1]]]]');
      expect(await call('XPENDING s g - + 10')).toBe('[[1-0 d :0 :2]]');
    });

    it('serves what is new before that, and the next one in time', async () => {
      await streamWithGroup(1);
      const third = await connectTo(server);
      await block(third, 'XREADGROUP GROUP g e BLOCK 0 CLAIM 30 STREAMS s >');
      await block(other, 'XREADGROUP GROUP g d BLOCK 0 CLAIM 30 STREAMS s >', 2);
      nowMs += 10;
      await call('XADD s 2-0 f v2');
      expect(await received(third)).toBe('[[s [[2-0 [f v2] :0 :0]]]]');
      nowMs += 20;
      expect(await received(other)).toBe('[[s [[1-0 [f v1] :30 :1]]]]');
      third.close();
    });

    it('goes on waiting when the entry was acknowledged, for any of its streams', async () => {
      await streamWithGroup(2);
      await streamWithGroup(1, 's2');
      await call('XCLAIM s2 g c 0 1-0 IDLE 0');
      await block(other, 'XREADGROUP GROUP g d BLOCK 500 CLAIM 30 STREAMS s s2 > >');
      await call('XACK s g 1-0 2-0');
      await call('XNACK s g FAIL IDS 1 9-9');
      nowMs += 29;
      await call('XGROUP CREATECONSUMER s g x');
      nowMs += 1;
      expect(await received(other)).toBe('[[s2 [[1-0 [f v1] :30 :2]]]]');
    });

    it('gives up in the end', async () => {
      await streamWithGroup(1);
      await block(other, 'XREADGROUP GROUP g d BLOCK 20 CLAIM 30 STREAMS s >');
      nowMs += 25;
      expect(await received(other)).toBe('nil');
    });
  });

  it('refuses what it does not understand', async () => {
    await streamWithGroup(1);
    const idles = ['x', '5.5', '+10', '-0', '10e', 'STREAMS'].map((n): [string, string] => [
      `XREADGROUP GROUP g c CLAIM ${n} STREAMS s >`,
      'ERR min-idle-time is not an integer or out of range',
    ]);
    const noGroup =
      "NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option";
    await expectErrors(
      ...idles,
      [
        'XREADGROUP GROUP g c CLAIM -10 STREAMS s >',
        'ERR min-idle-time must be a positive integer',
      ],
      [
        'XREADGROUP CLAIM GROUP g c STREAMS s >',
        'ERR min-idle-time is not an integer or out of range',
      ],
      ['XREADGROUP GROUP g CLAIM 50 c STREAMS s >', 'ERR syntax error'],
      ['XREADGROUP GROUP none c CLAIM 50 STREAMS s >', noGroup],
      [
        'XREAD COUNT 2 CLAIM 10 STREAMS s 0',
        'ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.',
      ],
    );
  });
});

describe('XNACK', () => {
  const noGroup = (key: string, group: string) =>
    `NOGROUP No such key '${key}' or consumer group '${group}'`;

  it('SILENT takes back a delivery, FAIL keeps the number, FATAL makes it the largest', async () => {
    await streamWithGroup(3);
    const { dirty } = server.keyspace.changes;
    await expectReplies(
      ['XNACK s g SILENT IDS 1 1-0', ':1'],
      ['XNACK s g fail IDS 1 2-0', ':1'],
      ['XNACK s g FATAL ids 1 3-0', ':1'],
      ['XPENDING s g - + 10', `[[1-0 "" :-1 :0] [2-0 "" :-1 :1] [3-0 "" :-1 :${INT_MAX}]]`],
      ['XNACK s g SILENT IDS 3 1-0 2-0 3-0', ':3'],
      [
        'XPENDING s g - + 10',
        '[[1-0 "" :-1 :0] [2-0 "" :-1 :0] [3-0 "" :-1 :9223372036854775806]]',
      ],
      ['XPENDING s g', '[:3 1-0 3-0 []]'],
      ['XPENDING s g - + 10 c', '[]'],
      ['XINFO CONSUMERS s g', '[[name c pending :0 idle :0]]'],
    );
    expect(events).toEqual([]);
    expect(server.keyspace.changes.dirty).toBe(dirty + 6);
  });

  it('FATAL is the largest number of deliveries: claims leave it there', async () => {
    await streamWithGroup(1);
    const pending = `[[1-0 d :0 :${INT_MAX}]]`;
    await replies('XNACK s g FATAL IDS 1 1-0', 'XCLAIM s g d 0 1-0');
    await expectReplies(['XPENDING s g - + 10', pending]);
    await replies('XAUTOCLAIM s g d 0 0');
    await expectReplies(['XPENDING s g - + 10', pending]);
    await replies('XREADGROUP GROUP g d STREAMS s 0');
    await expectReplies(['XPENDING s g - + 10', pending]);
    await replies('XREADGROUP GROUP g d CLAIM 0 STREAMS s >');
    await expectReplies(['XPENDING s g - + 10', pending]);
  });

  it('counts what is pending, each time, and nothing else', async () => {
    await streamWithGroup(2);
    await expectReplies(
      ['XNACK s g FAIL IDS 4 9-9 1-0 1-0 8-8', ':2'],
      ['XNACK s g FAIL IDS 1 9-9', ':0'],
      ['XACK s g 1-0', ':1'],
      ['XNACK s g FAIL IDS 1 1-0', ':0'],
      ['XPENDING s g - + 10', '[[2-0 c :0 :1]]'],
    );
  });

  it('RETRYCOUNT sets the number of deliveries', async () => {
    await streamWithGroup(2);
    await expectReplies(
      ['XNACK s g FATAL IDS 1 1-0 RETRYCOUNT 42', ':1'],
      ['XNACK s g SILENT RETRYCOUNT 0 IDS 1 2-0', ':1'],
      ['XPENDING s g - + 10', '[[1-0 "" :-1 :42] [2-0 "" :-1 :0]]'],
    );
  });

  it('FORCE makes entries pending that are there', async () => {
    await replies('XADD s 1-0 f v1', 'XADD s 2-0 f v2', 'XADD s 3-0 f v3', 'XGROUP CREATE s g 0');
    await expectReplies(
      ['XNACK s g FAIL IDS 1 1-0', ':0'],
      ['XNACK s g FAIL IDS 2 1-0 9-9 FORCE', ':1'],
      ['XNACK s g SILENT FORCE IDS 1 2-0', ':1'],
      ['XNACK s g FATAL FORCE RETRYCOUNT 7 IDS 1 3-0', ':1'],
      ['XPENDING s g - + 10', '[[1-0 "" :-1 :0] [2-0 "" :-1 :0] [3-0 "" :-1 :7]]'],
      ['XACK s g 1-0', ':1'],
      ['XNACK s g FATAL IDS 1 1-0 FORCE', ':1'],
      ['XPENDING s g - + 1', `[[1-0 "" :-1 :${INT_MAX}]]`],
      ['XDEL s 1-0', ':1'],
      ['XPENDING s g - + 1', `[[1-0 "" :-1 :${INT_MAX}]]`],
      ['XREADGROUP GROUP g c COUNT 1 STREAMS s >', '[[s [[2-0 [f v2]]]]]'],
      ['XPENDING s g 2-0 2-0 1', '[[2-0 c :0 :1]]'],
    );
  });

  it('makes released entries the first to be claimed, in the order of their release', async () => {
    await streamWithGroup(4);
    nowMs += 50;
    await expectReplies(
      ['XNACK s g FAIL IDS 3 3-0 1-0 2-0', ':3'],
      ['XNACK s g FAIL IDS 1 3-0', ':1'],
      [
        'XREADGROUP GROUP g d COUNT 2 CLAIM 60 STREAMS s >',
        `[[s [[1-0 [f v1] :${nowMs} :1] [2-0 [f v2] :${nowMs} :1]]]]`,
      ],
      [
        'XREADGROUP GROUP g d CLAIM 50 STREAMS s >',
        `[[s [[3-0 [f v3] :${nowMs} :1] [4-0 [f v4] :50 :1]]]]`,
      ],
      ['XPENDING s g - + 10', '[[1-0 d :0 :2] [2-0 d :0 :2] [3-0 d :0 :2] [4-0 d :0 :2]]'],
    );
  });

  it('leaves them to XCLAIM and XAUTOCLAIM, whatever the idle time, and to no history', async () => {
    await streamWithGroup(4);
    await expectReplies(
      ['XNACK s g FAIL IDS 4 1-0 2-0 3-0 4-0', ':4'],
      ['XREADGROUP GROUP g c STREAMS s 0', '[[s []]]'],
      ['XDEL s 2-0 4-0', ':2'],
      [`XCLAIM s g d ${INT_MAX} 1-0 2-0`, '[[1-0 [f v1]]]'],
      [`XAUTOCLAIM s g e ${INT_MAX} 0`, '[0-0 [[3-0 [f v3]]] [4-0]]'],
      ['XPENDING s g - + 10', '[[1-0 d :0 :2] [3-0 e :0 :2]]'],
    );
  });

  it('outlives the consumer, not the group', async () => {
    await streamWithGroup(3);
    await expectReplies(
      ['XNACK s g FAIL IDS 1 1-0', ':1'],
      ['XGROUP DELCONSUMER s g c', ':2'],
      ['XPENDING s g - + 10', '[[1-0 "" :-1 :1]]'],
      ['XGROUP DESTROY s g', ':1'],
      ['XGROUP CREATE s g 0', 'OK'],
      ['XPENDING s g', '[:0 nil nil nil]'],
    );
  });

  it('shows in XINFO STREAM FULL once something was released', async () => {
    await streamWithGroup(2);
    const full = 'XINFO STREAM s FULL';
    expect(await call(full)).not.toContain('nacked-count');
    await call('XNACK s g FAIL IDS 2 1-0 2-0');
    expect(await call(full)).toContain(
      'pel-count :2 nacked-count :2 pending [[1-0 "" :0 :1] [2-0 "" :0 :1]]',
    );
    await call('XCLAIM s g c 0 2-0');
    expect(await call(full)).toContain('pel-count :2 nacked-count :1 pending');
    await call('XACK s g 1-0');
    expect(await call(full)).toContain('pel-count :1 nacked-count :0 pending');
  });

  it('COPY keeps it and its order, DUMP keeps it', async () => {
    await streamWithGroup(3);
    await replies('XNACK s g FATAL IDS 2 3-0 1-0', 'COPY s copy');
    const pending = `[[1-0 "" :-1 :${INT_MAX}] [2-0 c :0 :1] [3-0 "" :-1 :${INT_MAX}]]`;
    await expectReplies(
      ['XPENDING copy g - + 10', pending],
      ['XNACK copy g FAIL IDS 1 3-0 RETRYCOUNT 1', ':1'],
      ['XNACK copy g FAIL IDS 1 1-0 RETRYCOUNT 1', ':1'],
      [
        'XREADGROUP GROUP g d COUNT 1 CLAIM 9 STREAMS copy >',
        `[[copy [[3-0 [f v3] :${START} :1]]]]`,
      ],
      ['XPENDING s g - + 10', pending],
    );
    connection.send('DUMP', 's');
    const { reply } = await connection.receive();
    connection.send('RESTORE', 's2', '0', (reply as { bytes: Buffer }).bytes);
    expect(show((await connection.receive()).reply)).toBe('OK');
    expect(await call('XPENDING s2 g - + 10')).toBe(pending);
    expect(await call('XINFO STREAM s2 FULL')).toContain('nacked-count :2');
  });

  it('wakes who waits with CLAIM', async () => {
    await streamWithGroup(2);
    const other = await connectTo(server);
    other.send(...splitWords('XREADGROUP GROUP g d BLOCK 0 CLAIM 1000 STREAMS s >')!);
    while (!(await call('INFO clients')).includes('blocked_clients:1'));
    await expectReplies(['XNACK s g FAIL IDS 2 2-0 1-0', ':2']);
    expect(show((await other.receive()).reply)).toBe(
      `[[s [[2-0 [f v2] :${START} :1] [1-0 [f v1] :${START} :1]]]]`,
    );
    expect(await call('XPENDING s g - + 10')).toBe('[[1-0 d :0 :2] [2-0 d :0 :2]]');
    other.close();
  });

  it('refuses what it does not understand', async () => {
    await streamWithGroup(2);
    await call('SET string x');
    const unrecognized = (line: string, option: string): [string, string] => [
      `XNACK s g ${line}`,
      `ERR Unrecognized XNACK option '${option}'`,
    ];
    const counts = ['abc', '0', '-1'].map((n): [string, string] => [
      `XNACK s g SILENT IDS ${n} 1-0`,
      'ERR numids must be a positive integer',
    ]);
    await expectErrors(
      ['XNACK s g SILENT IDS 1', arity('xnack')],
      ['XNACK s g FAIL RETRYCOUNT', arity('xnack')],
      ['XNACK none g SILENT IDS 1 1-0', noGroup('none', 'g')],
      ['XNACK s none MAYBE IDS 1 1-0', noGroup('s', 'none')],
      [
        'XNACK string g FAIL IDS 1 1-0',
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
      ['XNACK s g MAYBE IDS 1 1-0', 'ERR mode must be SILENT, FAIL, or FATAL'],
      unrecognized('FAIL FATAL IDS 1 1-0', 'FATAL'),
      unrecognized('FAIL BAD IDS 1 1-0', 'BAD'),
      unrecognized('FAIL IDS 1 1-0 BAD', 'BAD'),
      unrecognized('FAIL IDS 1 1-0 2-0', '2-0'),
      unrecognized('FAIL IDS 1 1-0 RETRYCOUNT', 'RETRYCOUNT'),
      unrecognized('SILENT NOTIDS 1 1-0', 'NOTIDS'),
      ['XNACK s g SILENT FORCE RETRYCOUNT 5', 'ERR syntax error, expected IDS keyword'],
      ...counts,
      ['XNACK s g SILENT IDS 2 1-0', "ERR number of IDs doesn't match numids"],
      ['XNACK s g FAIL IDS 1 x', INVALID_ID],
      ['XNACK s g FAIL IDS 1 1-0 RETRYCOUNT abc', 'ERR value is not an integer or out of range'],
      ['XNACK s g FAIL IDS 1 1-0 RETRYCOUNT -1', 'ERR Invalid RETRYCOUNT value, must be >= 0'],
    );
  });
});

describe('XADD IDMP and IDMPAUTO', () => {
  it('IDMP adds an entry once for a producer and the id it gives', async () => {
    const first = await call('XADD s IDMP p1 a * amount 100');
    const { dirty } = server.keyspace.changes;
    events.length = 0;
    await expectReplies(
      ['XADD s IDMP p1 a * amount 200', first],
      ['XADD s NOMKSTREAM MAXLEN 0 IDMP p1 a KEEPREF * amount 200', first],
      ['XRANGE s - +', `[[${first} [amount 100]]]`],
    );
    expect(events).toEqual([]);
    expect(server.keyspace.changes.dirty).toBe(dirty);
    const others = await replies(
      'XADD s IDMP p2 a * f v',
      'XADD s MAXLEN ~ 100 IDMP p1 b * f v',
      'XADD s idmp p1 * * f v',
      'XADD s IDMP "\\x00p" "\\x00\\xff" * f v',
    );
    expect(new Set([first, ...others]).size).toBe(5);
    await expectReplies(
      ['XADD s IDMP p1 * * f v', others[2]!],
      ['XADD s IDMP "\\x00p" "\\x00\\xff" * f v', others[3]!],
      ['XLEN s', ':5'],
    );
  });

  it('IDMPAUTO goes by the pairs in any order', async () => {
    const first = await call('XADD s IDMPAUTO p * a 1 b 2 a 1');
    await expectReplies(['XADD s IDMPAUTO p * b 2 a 1 a 1', first], ['XLEN s', ':1']);
    const others = await replies(
      'XADD s IDMPAUTO p * a 1 b 2',
      'XADD s IDMPAUTO p * a 1 b 2 b 2',
      'XADD s IDMPAUTO q * a 1 b 2 a 1',
      'XADD s IDMPAUTO p * a1 ""',
      'XADD s IDMPAUTO p * a 2 b 1 a 1',
      'XADD s IDMPAUTO p * "" a1',
    );
    expect(new Set([first, ...others]).size).toBe(7);
  });

  it('remembers an entry that was deleted, and makes no stream where it must not', async () => {
    const first = await call('XADD s IDMP p a * f v');
    await expectReplies(
      [`XDEL s ${first}`, ':1'],
      ['XADD s IDMP p a * f v', first],
      ['XLEN s', ':0'],
      ['XADD none NOMKSTREAM IDMP p a * f v', 'nil'],
      ['EXISTS none', ':0'],
    );
  });

  it('answers a duplicate where nothing can be added', async () => {
    const first = await call('XADD s IDMP p a * f v');
    await call('XSETID s 18446744073709551615-18446744073709551615');
    const exhausted = 'ERR The stream has exhausted the last possible ID, unable to add more items';
    await expectReplies(
      ['XADD s IDMP p a * f v', first],
      ['XADD s IDMP p b * f v', exhausted],
      ['XADD s IDMP p b * f v', exhausted],
    );
    nowMs += 100_000;
    await expectErrors(['XADD s IDMP p a * f v', exhausted]);
  });

  it('forgets after a time, and the oldest beyond a number', async () => {
    const first = await call('XADD s IDMP p a * f v');
    nowMs += 99_999;
    expect(await call('XADD s IDMP p a * f v')).toBe(first);
    nowMs += 1;
    const second = await call('XADD s IDMP p a * f v');
    expect(second).not.toBe(first);
    await expectReplies(['XCFGSET s IDMP-MAXSIZE 2', 'OK']);
    const ids = await replies(...['a', 'b', 'c'].map((id) => `XADD s IDMP p ${id} * f v`));
    await expectReplies(['XADD s IDMP p b * f v', ids[1]!], ['XADD s IDMP p c * f v', ids[2]!]);
    expect(ids).not.toContain(await call('XADD s IDMP p a * f v'));
    expect(await call('XLEN s')).toBe(':6');
  });

  it('bears a clock that is set back', async () => {
    nowMs += 200_000;
    const a = await call('XADD s IDMP p a * f v');
    nowMs -= 200_000;
    const b = await call('XADD s IDMP p b * f v');
    nowMs += 150_000;
    await expectReplies(['XADD s IDMP p b * f v', b], ['XADD s IDMP p a * f v', a]);
    nowMs += 150_000;
    expect(await call('XADD s IDMP p b * f v')).not.toBe(b);
    expect(await call('XINFO STREAM s')).toContain('iids-tracked :1 iids-added :3');
  });

  it('shows in XINFO STREAM where it is used', async () => {
    await call('XADD s 1-0 f v');
    const facts = async (line: string) =>
      /idmp-duration (.*) (?:groups|entries) \[?/.exec(await call(line))?.[1];
    expect(await facts('XINFO STREAM s')).toBeUndefined();
    await replies(
      'XADD s IDMP p1 a * f v',
      'XADD s IDMP p1 b * f v',
      'XADD s IDMP p2 a * f v',
      'XADD s IDMP p2 a * f v',
    );
    const reply = await call('XINFO STREAM s');
    expect(reply).toContain(
      'recorded-first-entry-id 1-0 idmp-duration :100 idmp-maxsize :100 pids-tracked :2 ' +
        'iids-tracked :3 iids-added :3 iids-duplicates :1 groups :0',
    );
    expect(await call('XINFO STREAM s FULL')).toContain(
      'iids-tracked :3 iids-added :3 iids-duplicates :1 entries',
    );
    nowMs += 100_000;
    expect(await call('XINFO STREAM s')).toContain(
      'pids-tracked :0 iids-tracked :0 iids-added :3 iids-duplicates :1',
    );
    // Three more fields than RESP3's header would say are a broken reply.
    await call('HELLO 3');
    expect(await call('XINFO STREAM s FULL')).toContain('iids-added :3');
  });

  it('COPY and DUMP keep it', async () => {
    const first = await call('XADD s IDMP p a * f v');
    await replies('XCFGSET s IDMP-MAXSIZE 100', 'COPY s copy');
    await expectReplies(
      ['XADD copy IDMP p a * f v', first],
      ['XADD s IDMP p b * f v', expect.any(String)],
      ['XLEN copy', ':1'],
    );
    connection.send('DUMP', 's');
    const { reply } = await connection.receive();
    connection.send('RESTORE', 's2', '0', (reply as { bytes: Buffer }).bytes);
    expect(show((await connection.receive()).reply)).toBe('OK');
    expect(await call('XINFO STREAM s2')).toContain('idmp-duration :100');
  });

  it('refuses what it does not understand', async () => {
    const twice = 'ERR IDMP/IDMPAUTO specified multiple times';
    const withId = 'ERR IDMP/IDMPAUTO can be used only with auto-generated IDs';
    await replies('XADD s 1-0 f v', 'SET string x');
    await expectErrors(
      ['XADD s IDMP p1 * f v', INVALID_ID],
      ['XADD s IDMP p1 a 2-1 f v', withId],
      ['XADD s IDMPAUTO p1 2-* f v', withId],
      ['XADD s IDMP p a IDMP q b * f v', twice],
      ['XADD s IDMPAUTO p IDMP q b * f v', twice],
      ['XADD s IDMP p a IDMPAUTO q * f v', twice],
      ['XADD s IDMP "" a * f v', 'ERR IDMP requires a non-empty producer ID'],
      ['XADD s IDMP p "" * f v', 'ERR IDMP requires a non-empty idempotent ID'],
      ['XADD s IDMPAUTO "" * f v', 'ERR IDMPAUTO requires a non-empty producer ID'],
      ['XADD s IDMP p a * f', arity('xadd')],
      ['XADD s IDMPAUTO p *', arity('xadd')],
      [
        'XADD string IDMP p a * f v',
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
    );
    expect(await call('XINFO STREAM s')).not.toContain('idmp');
  });
});

describe('XCFGSET', () => {
  const noInteger = 'ERR value is not an integer or out of range';
  const badDuration = 'ERR IDMP-DURATION must be between 1 and 86400 seconds';
  const badSize = 'ERR IDMP-MAXSIZE must be between 1 and 10000 entries';

  it('sets one limit or both', async () => {
    await replies('XADD s 1-0 f v');
    events.length = 0;
    const { dirty } = server.keyspace.changes;
    await expectReplies(['XCFGSET s IDMP-DURATION 86400', 'OK']);
    expect(await call('XINFO STREAM s')).toContain('idmp-duration :86400 idmp-maxsize :100 ');
    await expectReplies(['xcfgset s idmp-maxsize 10000 idmp-duration 1', 'OK']);
    expect(await call('XINFO STREAM s')).toContain('idmp-duration :1 idmp-maxsize :10000 ');
    expect(events).toEqual(['xcfgset s', 'xcfgset s']);
    expect(server.keyspace.changes.dirty).toBe(dirty + 2);
  });

  it('makes producers forgotten when it changes something', async () => {
    const first = await call('XADD s IDMP p a * f v');
    await expectReplies(
      ['XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100', 'OK'],
      ['XADD s IDMP p a * f v', first],
      ['XCFGSET s IDMP-DURATION 60', 'OK'],
    );
    expect(await call('XINFO STREAM s')).toContain(
      'pids-tracked :0 iids-tracked :0 iids-added :1 iids-duplicates :1',
    );
    expect(await call('XADD s IDMP p a * f v')).not.toBe(first);
    expect(await call('XLEN s')).toBe(':2');
  });

  it('refuses what it does not understand', async () => {
    await replies('XADD s IDMP p a 1 f v', 'XADD s 1-0 f v', 'SET string x');
    const pairs: [string, string][] = [];
    for (const name of ['IDMP-DURATION', 'IDMP-MAXSIZE']) {
      for (const n of ['A', '3.14', '000', '+1', name]) {
        pairs.push([`XCFGSET s ${name} ${n}`, noInteger]);
      }
      pairs.push([`XCFGSET s ${name}`, 'ERR syntax error']);
    }
    await expectErrors(
      ...pairs,
      ['XCFGSET', arity('xcfgset')],
      ['XCFGSET s', 'ERR At least one parameter must be specified'],
      ['XCFGSET s OTHER', 'ERR syntax error'],
      ['XCFGSET s OTHER 1', 'ERR syntax error'],
      ['XCFGSET s IDMP-DURATION 0', badDuration],
      ['XCFGSET s IDMP-DURATION 86401', badDuration],
      ['XCFGSET s IDMP-MAXSIZE -50', badSize],
      ['XCFGSET s IDMP-DURATION 5 IDMP-MAXSIZE 10001', badSize],
      ['XCFGSET none IDMP-DURATION 5', 'ERR no such key'],
      [
        'XCFGSET string IDMP-DURATION 5',
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
    );
    expect(await call('XINFO STREAM s')).not.toContain('idmp');
  });

  it('tells subscribers of its event', async () => {
    const other = await startServer({ 'notify-keyspace-events': 'Et' });
    const [subscriber, client] = [await connectTo(other), await connectTo(other)];
    await subscriber.call('SUBSCRIBE', '__keyevent@0__:xcfgset');
    await client.call('XADD', 's', '1-0', 'f', 'v');
    await client.call('XCFGSET', 's', 'IDMP-DURATION', '5');
    expect(show((await subscriber.receive()).reply)).toBe('[message __keyevent@0__:xcfgset s]');
  });
});

describe('XIDMPRECORD', () => {
  it('makes an entry that is there the one of a producer and its id', async () => {
    await replies('XADD s 1-0 f v', 'XADD s 2-0 f v');
    const { dirty } = server.keyspace.changes;
    await expectReplies(
      ['XIDMPRECORD s p a 1-0', 'OK'],
      ['XIDMPRECORD s p a 1-0', 'OK'],
      ['XADD s IDMP p a * f v', '1-0'],
      ['XLEN s', ':2'],
    );
    expect(server.keyspace.changes.dirty).toBe(dirty + 1);
    expect(events).toEqual(['xadd s', 'xadd s']);
  });

  it('refuses another entry, what is not there, and empty names', async () => {
    await replies('XADD s 1-0 f v', 'XADD s 2-0 f v', 'XIDMPRECORD s p a 1-0', 'SET string x');
    await expectErrors(
      [
        'XIDMPRECORD s p a 2-0',
        'ERR The idempotent ID is already associated with another message ID',
      ],
      ['XIDMPRECORD s p b 3-0', 'ERR No such message ID in the stream'],
      ['XIDMPRECORD s "" b 1-0', 'ERR XIDMPRECORD requires a non-empty producer ID'],
      ['XIDMPRECORD s p "" 1-0', 'ERR XIDMPRECORD requires a non-empty idempotent ID'],
      ['XIDMPRECORD s p b x', INVALID_ID],
      ['XIDMPRECORD none p b 1-0', 'ERR no such key'],
      [
        'XIDMPRECORD string p b 1-0',
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      ],
      ['XIDMPRECORD s p b', arity('xidmprecord')],
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
