/**
 * XADD's IDMP and IDMPAUTO, XCFGSET (Redis 8.6), XIDMPRECORD (8.8), which the reference server is too old for.
 * Expectations come from their documentation and from Redis's own tests.
 */

import { describe, expect, it } from 'vitest';
import { connectTo, startServer } from '../harness/in-process-server.ts';
import {
  arity,
  call,
  clock,
  connection,
  events,
  expectErrors,
  expectReplies,
  INVALID_ID,
  replies,
  server,
  show,
  useStreamServer,
} from './stream-fixture.ts';

useStreamServer();

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
    clock.nowMs += 100_000;
    await expectErrors(['XADD s IDMP p a * f v', exhausted]);
  });

  it('forgets after a time, and the oldest beyond a number', async () => {
    const first = await call('XADD s IDMP p a * f v');
    clock.nowMs += 99_999;
    expect(await call('XADD s IDMP p a * f v')).toBe(first);
    clock.nowMs += 1;
    const second = await call('XADD s IDMP p a * f v');
    expect(second).not.toBe(first);
    await expectReplies(['XCFGSET s IDMP-MAXSIZE 2', 'OK']);
    const ids = await replies(...['a', 'b', 'c'].map((id) => `XADD s IDMP p ${id} * f v`));
    await expectReplies(['XADD s IDMP p b * f v', ids[1]!], ['XADD s IDMP p c * f v', ids[2]!]);
    expect(ids).not.toContain(await call('XADD s IDMP p a * f v'));
    expect(await call('XLEN s')).toBe(':6');
  });

  it('bears a clock that is set back', async () => {
    clock.nowMs += 200_000;
    const a = await call('XADD s IDMP p a * f v');
    clock.nowMs -= 200_000;
    const b = await call('XADD s IDMP p b * f v');
    clock.nowMs += 150_000;
    await expectReplies(['XADD s IDMP p b * f v', b], ['XADD s IDMP p a * f v', a]);
    clock.nowMs += 150_000;
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
    clock.nowMs += 100_000;
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
