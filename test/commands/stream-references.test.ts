/**
 * XTRIM and XADD with KEEPREF, DELREF and ACKED (Redis 8.2), which the reference server is too old for.
 * Expectations come from their documentation and from Redis's own tests.
 */
import { describe, expect, it } from 'vitest';
import {
  call,
  events,
  expectErrors,
  expectReplies,
  streamWithGroup,
  useStreamServer,
} from './stream-fixture.ts';

useStreamServer();

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
