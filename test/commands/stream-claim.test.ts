/**
 * XREADGROUP with CLAIM (Redis 8.4), which the reference server is too old for.
 * Expectations come from their documentation and from Redis's own tests.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../harness/connection.ts';
import { connectTo } from '../harness/in-process-server.ts';
import { splitWords } from '../harness/script.ts';
import {
  call,
  clock,
  events,
  expectErrors,
  expectReplies,
  replies,
  START,
  server,
  show,
  streamWithGroup,
  useStreamServer,
} from './stream-fixture.ts';

useStreamServer();

describe('XREADGROUP CLAIM', () => {
  it('claims what was pending long enough, tells how long and how often, then reads on', async () => {
    await streamWithGroup(2);
    await replies('XADD s 3-0 f v3');
    clock.nowMs += 100;
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
    clock.nowMs += 60;
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
    clock.nowMs += 50;
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
    clock.nowMs += 50;
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
    clock.nowMs += 50;
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
      clock.nowMs += 20;
      await call('XADD s2 1-0 f v');
      clock.nowMs += 20;
      expect(await received(other)).toBe('[[s [[1-0 [f v1] :40 :1]]]]');
      expect(await call('XPENDING s g - + 10')).toBe('[[1-0 d :0 :2]]');
    });

    it('serves what is new before that, and the next one in time', async () => {
      await streamWithGroup(1);
      const third = await connectTo(server);
      await block(third, 'XREADGROUP GROUP g e BLOCK 0 CLAIM 30 STREAMS s >');
      await block(other, 'XREADGROUP GROUP g d BLOCK 0 CLAIM 30 STREAMS s >', 2);
      clock.nowMs += 10;
      await call('XADD s 2-0 f v2');
      expect(await received(third)).toBe('[[s [[2-0 [f v2] :0 :0]]]]');
      clock.nowMs += 20;
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
      clock.nowMs += 29;
      await call('XGROUP CREATECONSUMER s g x');
      clock.nowMs += 1;
      expect(await received(other)).toBe('[[s2 [[1-0 [f v1] :30 :2]]]]');
    });

    it('gives up in the end', async () => {
      await streamWithGroup(1);
      await block(other, 'XREADGROUP GROUP g d BLOCK 20 CLAIM 30 STREAMS s >');
      clock.nowMs += 25;
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
