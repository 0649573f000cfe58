/**
 * XNACK (Redis 8.8), which the reference server is too old for.
 * Expectations come from their documentation and from Redis's own tests.
 */
import { describe, expect, it } from 'vitest';
import { connectTo } from '../harness/in-process-server.ts';
import { splitWords } from '../harness/script.ts';
import {
  arity,
  call,
  clock,
  connection,
  events,
  expectErrors,
  expectReplies,
  INT_MAX,
  INVALID_ID,
  replies,
  START,
  server,
  show,
  streamWithGroup,
  useStreamServer,
} from './stream-fixture.ts';

useStreamServer();

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
    clock.nowMs += 50;
    await expectReplies(
      ['XNACK s g FAIL IDS 3 3-0 1-0 2-0', ':3'],
      ['XNACK s g FAIL IDS 1 3-0', ':1'],
      [
        'XREADGROUP GROUP g d COUNT 2 CLAIM 60 STREAMS s >',
        `[[s [[1-0 [f v1] :${clock.nowMs} :1] [2-0 [f v2] :${clock.nowMs} :1]]]]`,
      ],
      [
        'XREADGROUP GROUP g d CLAIM 50 STREAMS s >',
        `[[s [[3-0 [f v3] :${clock.nowMs} :1] [4-0 [f v4] :50 :1]]]]`,
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
