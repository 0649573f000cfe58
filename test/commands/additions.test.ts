/**
 * Commands that the reference server is too old for: SET's IF conditions, DELEX, DIGEST and MSETEX of
 * Redis 8.4, INCREX of 8.8, XREAD with `+` of 7.4. Expectations come from their documentation.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../src/index.ts';
import { Connection } from '../harness/connection.ts';
import { textOf } from '../harness/reply.ts';
import { splitWords } from '../harness/script.ts';

let server: RespiteServer;
let connection: Connection;

beforeAll(async () => {
  server = await createServer({ now: () => 1_000_000_000_000 });
  connection = await Connection.open(server.port);
});
afterAll(() => server.close());
beforeEach(() => server.reset());

/** Sends lines one by one; the raw replies, without line ends. */
async function replies(...lines: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const line of lines) {
    connection.send(...splitWords(line)!);
    const { bytes } = await connection.receive();
    found.push(bytes.toString('latin1').trimEnd().replaceAll('\r\n', ' '));
  }
  return found;
}

describe('DIGEST', () => {
  it('is XXH3-64 in hex; null without a key', async () => {
    expect(await replies('SET e ""', 'DIGEST e', 'DIGEST none')).toEqual([
      '+OK',
      '$16 2d06800538d394c2',
      '$-1',
    ]);
  });
});

describe('SET with IFEQ, IFNE, IFDEQ, IFDNE', () => {
  it('replaces only what passes', async () => {
    expect(
      await replies(
        'SET k a',
        'SET k b IFEQ x',
        'SET k b IFEQ a',
        'SET k c IFNE b',
        'SET k c IFNE x',
      ),
    ).toEqual(['+OK', '$-1', '+OK', '$-1', '+OK']);
    const digest = textOf(await connection.call('DIGEST', 'k'))!;
    expect(
      await replies(`SET k d IFDNE ${digest}`, `SET k d IFDEQ ${digest.toUpperCase()}`, 'GET k'),
    ).toEqual(['$-1', '+OK', '$1 d']);
  });

  it('creates a missing key with the negated ones only; GET answers the old value', async () => {
    expect(
      await replies('SET k a IFEQ a', 'SET k a IFNE a', 'SET k b IFEQ a GET', 'SET k c IFEQ a GET'),
    ).toEqual(['$-1', '+OK', '$1 a', '$1 b']);
  });

  it('refuses clashes and what is no digest', async () => {
    const found = await replies('SET k a IFEQ a NX', 'SET k a IFEQ a IFNE b', 'SET k a IFEQ');
    expect(new Set(found)).toEqual(new Set(['-ERR syntax error']));
    expect((await replies('SET k a IFDEQ 12'))[0]).toContain('16 hexadecimal');
  });
});

describe('DELEX', () => {
  it('removes a key when its test passes', async () => {
    expect(
      await replies(
        'SET k a',
        'DELEX k IFEQ b',
        'DELEX k IFNE a',
        'DELEX k IFEQ a',
        'DELEX k IFNE a',
      ),
    ).toEqual(['+OK', ':0', ':0', ':1', ':0']);
    expect(await replies('SET k a', 'DELEX k', 'DELEX k')).toEqual(['+OK', ':1', ':0']);
    expect(await replies('DELEX k IFEQ', 'DELEX k FOO a')).toEqual([
      "-ERR wrong number of arguments for 'delex' command",
      '-ERR syntax error',
    ]);
  });
});

describe('MSETEX', () => {
  it('sets all or none, with one time to live', async () => {
    expect(
      await replies('MSETEX 2 a 1 b 2 EX 10', 'TTL a', 'TTL b', 'MSETEX 2 b 3 c 4 NX', 'EXISTS c'),
    ).toEqual([':1', ':10', ':10', ':0', ':0']);
    expect(await replies('MSETEX 2 a 5 b 6 XX KEEPTTL', 'MGET a b', 'TTL a')).toEqual([
      ':1',
      '*2 $1 5 $1 6',
      ':10',
    ]);
    expect(await replies('MSETEX 2 a 1 z 2 XX', 'GET a')).toEqual([':0', '$1 5']);
  });

  it('refuses bad counts and clashes', async () => {
    expect(await replies('MSETEX 0 a 1', 'MSETEX 2 a 1', 'MSETEX 1 a 1 NX XX')).toEqual([
      '-ERR invalid numkeys value',
      "-ERR wrong number of arguments for 'msetex' command",
      '-ERR syntax error',
    ]);
  });
});

describe('INCREX', () => {
  it('answers the value and the step; a refused step changes nothing', async () => {
    expect(
      await replies(
        'INCREX n',
        'INCREX n BYINT 5 UBOUND 8',
        'INCREX n BYINT 5 UBOUND 8 EX 10',
        'TTL n',
        'INCREX n BYINT 5 UBOUND 8 SATURATE EX 10',
        'TTL n',
        'INCREX n BYINT -20 LBOUND 0 SATURATE EX 99 ENX',
        'TTL n',
        'INCREX n PERSIST',
        'TTL n',
      ),
    ).toEqual([
      '*2 :1 :1',
      '*2 :6 :5',
      '*2 :6 :0',
      ':-1',
      '*2 :8 :2',
      ':10',
      '*2 :0 :-8',
      ':10',
      '*2 :1 :1',
      ':-1',
    ]);
  });

  it('keeps to 64 bits', async () => {
    expect(
      await replies('SET n 9223372036854775807', 'INCREX n', 'INCREX n SATURATE', 'GET n'),
    ).toEqual([
      '+OK',
      '*2 :9223372036854775807 :0',
      '*2 :9223372036854775807 :0',
      '$19 9223372036854775807',
    ]);
  });

  it('adds floats exactly as INCRBYFLOAT does', async () => {
    expect(
      await replies('SET f 0.1', 'INCREX f BYFLOAT 0.2', 'INCREX f BYFLOAT 9 UBOUND 1 SATURATE'),
    ).toEqual(['+OK', '*2 $3 0.3 $3 0.2', '*2 $1 1 $3 0.7']);
    expect(await replies('SET t x', 'INCREX t', 'INCREX f LBOUND 2 UBOUND 1')).toEqual([
      '+OK',
      '-ERR value is not an integer or out of range',
      '-ERR LBOUND can not be greater than UBOUND',
    ]);
  });
});

describe('XREAD with +', () => {
  it('gives the last entry that there is', async () => {
    expect(
      await replies(
        'XADD s 1-1 f 1',
        'XADD s 2-0 f 2',
        'XADD t 5-5 f t',
        'XREAD STREAMS s +',
        'XREAD COUNT 10 STREAMS s none t + + +',
        'XDEL s 2-0',
        'XREAD STREAMS s +',
        'XDEL s 1-1',
        'XREAD STREAMS s +',
        'XREAD STREAMS none +',
      ),
    ).toEqual([
      '$3 1-1',
      '$3 2-0',
      '$3 5-5',
      '*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 2',
      '*2 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 2 *2 $1 t *1 *2 $3 5-5 *2 $1 f $1 t',
      ':1',
      '*1 *2 $1 s *1 *2 $3 1-1 *2 $1 f $1 1',
      ':1',
      '*-1',
      '*-1',
    ]);
  });

  it('waits for the first one where there is none, and never in a group', async () => {
    const other = await Connection.open(server.port);
    for (const [before, added] of [
      ['PING', '1-1'],
      ['XDEL s 1-1', '7-0'],
    ]) {
      await replies(before!);
      other.send('XREAD', 'BLOCK', '0', 'STREAMS', 's', '+');
      while (!/blocked_clients:1/.test((await replies('INFO clients'))[0]!));
      await replies('MULTI', `XADD s ${added} f v`, 'XADD s 9-0 f w', 'EXEC');
      const { bytes } = await other.receive();
      const got = bytes.toString('latin1').trimEnd().replaceAll('\r\n', ' ');
      expect(got).toBe(`*1 *2 $1 s *2 *2 $3 ${added} *2 $1 f $1 v *2 $3 9-0 *2 $1 f $1 w`);
      await replies('XDEL s 9-0', 'XSETID s 1-1');
    }
    other.close();
    const [, , refused] = await replies(
      'XADD g 1-1 f v',
      'XGROUP CREATE g group 0',
      'XREADGROUP GROUP group me STREAMS g +',
    );
    expect(refused).toMatch(/^-ERR Invalid stream ID/);
  });
});
