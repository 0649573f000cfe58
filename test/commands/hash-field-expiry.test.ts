/**
 * Times to live of fields (Redis 7.4), HGETEX, HGETDEL and HSETEX (8.0), which the reference server
 * is too old for. Expectations come from their documentation and from Redis's own tests.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { splitWords } from '../harness/script.ts';

const START = 1_000_000_000_000;
const AT_MAX = 2 ** 46 - 1;

let nowMs = START;
let server: Server;
let connection: Connection;
/** Keyspace events since the test began. */
const events: string[] = [];

beforeAll(async () => {
  server = await startServer({ 'enable-debug-command': 'yes' }, { now: () => nowMs });
  connection = await connectTo(server);
  server.keyspace.changes.events = {
    happened: (dbIndex, event, key, off, len) => {
      if (event === 'new' || event === 'keymiss') return;
      const name = Buffer.from(key.subarray(off, off + len)).toString();
      events.push(`${event} ${name}${dbIndex === 0 ? '' : `@${dbIndex}`}`);
    },
  };
});
afterAll(closeAll);
beforeEach(async () => {
  nowMs = START;
  server.resetData();
  await replies(
    'DEBUG SET-ACTIVE-EXPIRE 0',
    'CONFIG SET hash-max-listpack-entries 512',
    'CONFIG RESETSTAT',
    'SELECT 0',
  );
  events.length = 0;
});

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

/** Sends lines and expects the raw reply beside each. */
async function expectReplies(...pairs: [line: string, reply: string][]): Promise<void> {
  const found = await replies(...pairs.map(([line]) => line));
  expect(pairs.map(([line], i) => [line, found[i]])).toEqual(pairs);
}

/** The answer to INFO that has a name, up to the end of its line. */
async function info(section: string, name: string): Promise<string | undefined> {
  const [text] = await replies(`INFO ${section}`);
  return new RegExp(`(?:^| )${name}:(\\S*)`).exec(text!)?.[1];
}

const encodings = [
  ['listpackex', 512],
  ['hashtable', 1],
] as const;

describe.each(encodings)('times to live of fields in a %s', (encoding, entries) => {
  beforeEach(async () => {
    await replies(`CONFIG SET hash-max-listpack-entries ${entries}`, 'HSET h a 1 b 2 c 3');
    events.length = 0;
  });

  it('HEXPIRE and its kin set them, HTTL and its kin tell them', async () => {
    await expectReplies(
      ['HEXPIRE h 10 FIELDS 2 a none', '*2 :1 :-2'],
      ['HPEXPIRE h 2500 FIELDS 1 b', '*1 :1'],
      ['OBJECT ENCODING h', `$${encoding.length} ${encoding}`],
      ['HTTL h FIELDS 4 a b c none', '*4 :10 :3 :-1 :-2'],
      ['HPTTL h FIELDS 4 a b c none', '*4 :10000 :2500 :-1 :-2'],
      ['HEXPIRETIME h FIELDS 3 a b c', '*3 :1000000010 :1000000003 :-1'],
      ['HPEXPIRETIME h FIELDS 2 a b', '*2 :1000000010000 :1000000002500'],
      ['HEXPIREAT h 1000000020 FIELDS 1 a', '*1 :1'],
      ['HPEXPIREAT h 1000000000001 FIELDS 1 c', '*1 :1'],
      ['HPTTL h FIELDS 3 a b c', '*3 :20000 :2500 :1'],
      ['HTTL h FIELDS 1 c', '*1 :1'],
      ['HLEN h', ':3'],
    );
    expect(new Set(events)).toEqual(new Set(['hexpire h']));
    expect(events.length).toBe(4);
  });

  it('NX, XX, GT and LT ask for what is there', async () => {
    await expectReplies(
      ['HEXPIRE h 10 XX FIELDS 1 a', '*1 :0'],
      ['HEXPIRE h 10 GT FIELDS 1 a', '*1 :0'],
      ['HEXPIRE h 10 LT FIELDS 1 a', '*1 :1'],
      ['HEXPIRE h 10 NX FIELDS 2 a b', '*2 :0 :1'],
      ['HEXPIRE h 20 gt FIELDS 3 a b c', '*3 :1 :1 :0'],
      ['HEXPIRE h 20 GT FIELDS 1 a', '*1 :0'],
      ['HEXPIRE h 20 LT FIELDS 1 a', '*1 :0'],
      ['HEXPIRE h 15 lt FIELDS 2 a c', '*2 :1 :1'],
      ['HEXPIRE h 30 xx FIELDS 4 a b c none', '*4 :1 :1 :1 :-2'],
      ['HTTL h FIELDS 3 a b c', '*3 :30 :30 :30'],
      ['HEXPIRE h 40 NX FIELDS 2 a a', '*2 :0 :0'],
    );
  });

  it('a time that is past removes the field, but only where the condition is met', async () => {
    await expectReplies(
      ['HEXPIRE h 100 FIELDS 1 c', '*1 :1'],
      ['HPEXPIREAT h 5 NX FIELDS 4 a b none c', '*4 :2 :2 :-2 :0'],
      ['HGETALL h', '*2 $1 c $1 3'],
      ['HEXPIRE h 0 FIELDS 2 c c', '*2 :2 :-2'],
      ['EXISTS h', ':0'],
    );
    expect(events).toEqual(['hexpire h', 'hdel h', 'hdel h', 'del h']);
  });

  it('a field is there up to its time and gone after it, whoever asks', async () => {
    const asks: [line: string, before: string, after: string][] = [
      ['HGET h a', '$1 1', '$-1'],
      ['HEXISTS h a', ':1', ':0'],
      ['HSTRLEN h a', ':1', ':0'],
      ['HLEN h', ':3', ':1'],
      ['HMGET h a b c', '*3 $1 1 $1 2 $1 3', '*3 $-1 $-1 $1 3'],
      ['HTTL h FIELDS 1 a', '*1 :0', '*1 :-2'],
      ['HSETNX h a 9', ':0', ':1'],
      ['HINCRBY h a 1', ':2', ':1'],
      ['HINCRBYFLOAT h a 0.5', '$3 1.5', '$3 0.5'],
      ['HDEL h a', ':1', ':0'],
      ['HGETDEL h FIELDS 2 a c', '*2 $1 1 $1 3', '*2 $-1 $1 3'],
      ['HGETEX h FIELDS 1 a', '*1 $1 1', '*1 $-1'],
      ['HSETEX h FXX FIELDS 1 a 5', ':1', ':0'],
      ['HSETEX h FNX FIELDS 1 a 5', ':0', ':1'],
      ['HPERSIST h FIELDS 1 a', '*1 :1', '*1 :-2'],
      ['HEXPIRE h 5 FIELDS 1 a', '*1 :1', '*1 :-2'],
    ];
    for (const [line, before, after] of asks) {
      for (const [late, reply] of [
        [0, before],
        [1, after],
      ] as const) {
        nowMs = START;
        await replies('DEL h', 'HSET h a 1 b 2 c 3', 'HPEXPIRE h 50 FIELDS 2 a b');
        nowMs = START + 50 + late;
        await expectReplies([line, reply]);
      }
    }
  });

  it('iterations never show an expired field', async () => {
    await replies('HPEXPIRE h 50 FIELDS 2 a b');
    nowMs += 51;
    for (const line of ['HGETALL h', 'HRANDFIELD h 5 WITHVALUES']) {
      await replies('HSET h a 1', 'HPEXPIRE h 1 FIELDS 1 a');
      nowMs += 2;
      await expectReplies([line, '*2 $1 c $1 3']);
    }
    await expectReplies(
      ['HKEYS h', '*1 $1 c'],
      ['HVALS h', '*1 $1 3'],
      ['HSCAN h 0', '*2 $1 0 *2 $1 c $1 3'],
      ['HSCAN h 0 NOVALUES', '*2 $1 0 *1 $1 c'],
      ['HRANDFIELD h', '$1 c'],
    );
  });

  it('the key goes with its last field', async () => {
    await replies('HPEXPIRE h 50 FIELDS 3 a b c');
    nowMs += 51;
    events.length = 0;
    await expectReplies(['HMGET h a b', '*2 $-1 $-1'], ['EXISTS h', ':0'], ['DBSIZE', ':0']);
    expect(events).toEqual(['hexpired h', 'del h']);
    expect(await info('stats', 'expired_subkeys')).toBe('3');
    expect(await info('stats', 'expired_keys')).toBe('0');
    await expectReplies(['HSET h a 1', ':1'], ['HTTL h FIELDS 1 a', '*1 :-1']);
  });

  it('HPERSIST takes them away', async () => {
    await expectReplies(
      ['HEXPIRE h 10 FIELDS 2 a b', '*2 :1 :1'],
      ['HPERSIST h FIELDS 3 a c none', '*3 :1 :-1 :-2'],
      ['HTTL h FIELDS 2 a b', '*2 :-1 :10'],
      ['HPERSIST h FIELDS 1 c', '*1 :-1'],
    );
    expect(events).toEqual(['hexpire h', 'hpersist h']);
    nowMs += 60_000;
    await expectReplies(['HMGET h a b c', '*3 $1 1 $-1 $1 3']);
  });

  it('setting a field drops its time, counting with it does not', async () => {
    await expectReplies(
      ['HEXPIRE h 10 FIELDS 3 a b c', '*3 :1 :1 :1'],
      ['HSET h a 5', ':0'],
      ['HINCRBY h b 5', ':7'],
      ['HINCRBYFLOAT h c 0.25', '$4 3.25'],
      ['HTTL h FIELDS 3 a b c', '*3 :-1 :10 :10'],
      ['HMSET h b 1', '+OK'],
      ['HTTL h FIELDS 3 a b c', '*3 :-1 :-1 :10'],
      ['HDEL h c', ':1'],
      ['HSET h c 1', ':1'],
      ['HTTL h FIELDS 1 c', '*1 :-1'],
    );
    expect(await info('keyspace', 'db0')).not.toContain('subexpiry');
  });

  it('HGETEX answers values and sets or takes away times', async () => {
    await expectReplies(
      ['HGETEX h FIELDS 3 a none c', '*3 $1 1 $-1 $1 3'],
      ['HGETEX h EX 10 FIELDS 2 a none', '*2 $1 1 $-1'],
      ['HGETEX h px 1500 FIELDS 1 b', '*1 $1 2'],
      ['HPTTL h FIELDS 3 a b c', '*3 :10000 :1500 :-1'],
      ['HGETEX h EXAT 1000000001 FIELDS 1 a', '*1 $1 1'],
      ['HGETEX h PXAT 1000000000007 FIELDS 1 b', '*1 $1 2'],
      ['HGETEX h FIELDS 1 b', '*1 $1 2'],
      ['HPTTL h FIELDS 3 a b c', '*3 :1000 :7 :-1'],
      ['HGETEX h PERSIST FIELDS 2 a c', '*2 $1 1 $1 3'],
      ['HGETEX h PERSIST FIELDS 2 a c', '*2 $1 1 $1 3'],
      ['HGETEX h PX 0 FIELDS 2 a b', '*2 $1 1 $1 2'],
      ['HGETEX h EXAT 1 FIELDS 2 a c', '*2 $-1 $1 3'],
      ['EXISTS h', ':0'],
      ['HGETEX h EX 5 FIELDS 2 a b', '*2 $-1 $-1'],
    );
    const four = Array(4).fill('hexpire h');
    expect(events).toEqual([...four, 'hpersist h', 'hdel h', 'hdel h', 'del h']);
  });

  it('HGETDEL answers values and removes the fields', async () => {
    await expectReplies(
      ['HEXPIRE h 10 FIELDS 1 a', '*1 :1'],
      ['HGETDEL h FIELDS 3 a none a', '*3 $1 1 $-1 $-1'],
      ['HGETDEL h FIELDS 1 none', '*1 $-1'],
      ['HGETDEL h FIELDS 2 b c', '*2 $1 2 $1 3'],
      ['EXISTS h', ':0'],
      ['HGETDEL h FIELDS 1 a', '*1 $-1'],
    );
    expect(events).toEqual(['hexpire h', 'hdel h', 'hdel h', 'del h']);
  });

  it('HSETEX sets fields with one time, or keeps theirs', async () => {
    await expectReplies(
      ['HSETEX h EX 10 FIELDS 2 a 5 d 6', ':1'],
      ['HTTL h FIELDS 3 a b d', '*3 :10 :-1 :10'],
      ['HSETEX h KEEPTTL FIELDS 3 a 7 b 8 e 9', ':1'],
      ['HTTL h FIELDS 3 a b e', '*3 :10 :-1 :-1'],
      ['HSETEX h FIELDS 1 a 1', ':1'],
      ['HTTL h FIELDS 2 a d', '*2 :-1 :10'],
      ['HSETEX h PXAT 1000000000100 FXX FIELDS 1 d x', ':1'],
      ['HSETEX h FNX EXAT 1000000003 FIELDS 1 z x', ':1'],
      ['HPTTL h FIELDS 2 d z', '*2 :100 :3000'],
      ['HMGET h a b d e z', '*5 $1 1 $1 8 $1 x $1 9 $1 x'],
    );
    const pair = ['hset h', 'hexpire h'];
    expect(events).toEqual([...pair, 'hset h', 'hset h', ...pair, ...pair]);
  });

  it('HSETEX with FNX or FXX sets all or nothing', async () => {
    await expectReplies(
      ['HSETEX h FNX FIELDS 2 x 1 a 2', ':0'],
      ['HSETEX h FXX FIELDS 2 a 2 x 1', ':0'],
      ['HEXISTS h x', ':0'],
      ['HSETEX none FXX FIELDS 1 x 1', ':0'],
      ['EXISTS none', ':0'],
      ['HSETEX none fnx FIELDS 1 x 1', ':1'],
      ['HSETEX none fxx FIELDS 1 x 2', ':1'],
      ['HGET none x', '$1 2'],
    );
  });

  it('HSETEX with a time that is past leaves nothing', async () => {
    await expectReplies(
      ['HSETEX h PX 0 FIELDS 2 a 5 x 6', ':1'],
      ['HMGET h a b x', '*3 $-1 $1 2 $-1'],
      ['HSETEX new EXAT 1 FIELDS 1 a 5', ':1'],
      ['EXISTS new', ':0'],
    );
    expect(events).toEqual(['hset h', 'hdel h', 'hset new', 'hdel new', 'del new']);
  });

  it('RENAME, MOVE, COPY, SWAPDB and a key of its own time keep them in order', async () => {
    await replies('HPEXPIRE h 50 FIELDS 1 a', 'HPEXPIRE h 500 FIELDS 1 b', 'HSET k f 1');
    await expectReplies(
      ['COPY h twin', ':1'],
      ['COPY h far DB 1', ':1'],
      ['RENAME h k', '+OK'],
      ['MOVE twin 1', ':1'],
      ['PEXPIRE k 70', ':1'],
      ['HPTTL k FIELDS 3 a b c', '*3 :50 :500 :-1'],
      ['OBJECT ENCODING k', `$${encoding.length} ${encoding}`],
      ['SWAPDB 0 1', '+OK'],
      ['HPTTL twin FIELDS 3 a b c', '*3 :50 :500 :-1'],
    );
    expect(await info('keyspace', 'db0')).toMatch(/subexpiry=2$/);
    expect(await info('keyspace', 'db1')).toMatch(/subexpiry=1$/);
    nowMs += 51;
    server.keyspace.nowMs = nowMs;
    for (const db of server.keyspace.dbs) {
      expect(db.expireDueFields(100)).toBe(false);
      db.fieldExpires.checkInvariants();
    }
    await expectReplies(
      ['HMGET far a b c', '*3 $-1 $1 2 $1 3'],
      ['HMGET twin a b c', '*3 $-1 $1 2 $1 3'],
      ['SET twin x', '+OK'],
      ['DEL far', ':1'],
      ['SELECT 1', '+OK'],
      ['HLEN k', ':2'],
    );
    nowMs += 20;
    await expectReplies(['HLEN k', ':0'], ['DBSIZE', ':0']);
    expect(server.keyspace.dbs.map((db) => db.fieldExpires.size).every((n) => n === 0)).toBe(true);
  });

  it('DUMP and RESTORE keep them', async () => {
    await replies('HPEXPIRE h 50 FIELDS 1 a');
    const dump = await connection.call('DUMP', 'h');
    await connection.call('RESTORE', 'other', '0', 'bytes' in dump ? dump.bytes : '');
    await expectReplies(['HPTTL other FIELDS 2 a b', '*2 :50 :-1']);
    expect(await info('keyspace', 'db0')).toMatch(/subexpiry=2$/);
    nowMs += 51;
    await expectReplies(['HMGET other a b c', '*3 $-1 $1 2 $1 3']);
  });
});

describe('a hash with times to live', () => {
  it('becomes a table when it grows, and fields keep their times', async () => {
    await replies('CONFIG SET hash-max-listpack-entries 4', 'HSET h a 1 b 2');
    await expectReplies(
      ['OBJECT ENCODING h', '$8 listpack'],
      ['HPEXPIRE h 50 FIELDS 1 a', '*1 :1'],
      ['OBJECT ENCODING h', '$10 listpackex'],
      ['HPERSIST h FIELDS 1 a', '*1 :1'],
      ['OBJECT ENCODING h', '$10 listpackex'],
      ['HSETEX h PX 50 FIELDS 3 a 1 c 3 d 4', ':1'],
      ['HSET h e 5', ':1'],
      ['OBJECT ENCODING h', '$9 hashtable'],
      ['HPTTL h FIELDS 5 a b c d e', '*5 :50 :-1 :50 :50 :-1'],
    );
    nowMs += 51;
    await expectReplies(['HLEN h', ':2'], ['OBJECT ENCODING h', '$9 hashtable']);
  });

  it('becomes a table when a value is long', async () => {
    await replies('HSETEX h PX 50 FIELDS 1 a 1', `HSET h b ${'x'.repeat(65)}`);
    await expectReplies(
      ['OBJECT ENCODING h', '$9 hashtable'],
      ['HPTTL h FIELDS 2 a b', '*2 :50 :-1'],
    );
  });
});

describe('the active cycle', () => {
  const tick = () => (server.cron as unknown as { work(): void }).work();

  it('removes fields and emptied keys, unless it is switched off', async () => {
    await replies('HSETEX h PX 50 FIELDS 2 a 1 b 2', 'HSET k x 1 y 2', 'HPEXPIRE k 50 FIELDS 1 x');
    nowMs += 51;
    events.length = 0;
    tick();
    await expectReplies(['DBSIZE', ':2']);
    expect(await info('keyspace', 'db0')).toMatch(/subexpiry=2$/);
    await replies('DEBUG SET-ACTIVE-EXPIRE 1');
    tick();
    await replies('DEBUG SET-ACTIVE-EXPIRE 0');
    expect(events.toSorted()).toEqual(['del h', 'hexpired h', 'hexpired k']);
    await expectReplies(['DBSIZE', ':1'], ['HKEYS k', '*1 $1 y']);
    expect(await info('stats', 'expired_subkeys')).toBe('3');
    expect(await info('keyspace', 'db0')).not.toContain('subexpiry');
    await replies('CONFIG RESETSTAT');
    expect(await info('stats', 'expired_subkeys')).toBe('0');
  });

  it('works in slices and comes to an end', async () => {
    for (let k = 0; k < 20; k++) {
      const fields = Array.from({ length: 1000 }, (_, n) => `f${n} v`).join(' ');
      await replies(`HSETEX h${k} PX 50 FIELDS 1000 ${fields}`);
    }
    nowMs += 51;
    await replies('DEBUG SET-ACTIVE-EXPIRE 1');
    for (let n = 0; server.keyspace.dbs[0]!.size > 0; n++) {
      expect(n).toBeLessThan(10_000);
      tick();
    }
    expect(server.keyspace.expiredFields).toBe(20_000);
  });
});

describe('what is refused', () => {
  const mandatory = '-ERR Mandatory argument FIELDS is missing or not at the right position';
  const otherCount = '-ERR The `numfields` parameter must match the number of arguments';
  const notInteger = '-ERR value is not an integer or out of range';
  const negative = '-ERR invalid expire time, must be >= 0';
  const arity = (name: string) => `-ERR wrong number of arguments for '${name}' command`;
  const invalid = (name: string) => `-ERR invalid expire time in '${name}' command`;

  it('HEXPIRE and its kin: arguments', async () => {
    const positive = '-ERR Parameter `numFields` should be greater than 0';
    for (const name of ['hexpire', 'hpexpire', 'hexpireat', 'hpexpireat']) {
      await expectReplies(
        [`${name} h 10 FIELDS 1`, arity(name)],
        [`${name} h 10 NX XX FIELDS 1 a`, mandatory],
        [`${name} h 10 YY FIELDS 1 a`, mandatory],
        [`${name} h 10 1 a b`, mandatory],
        [`${name} h 10 FIELDS 0 a`, positive],
        [`${name} h 10 FIELDS -1 a`, positive],
        [`${name} h 10 FIELDS x a`, positive],
        [`${name} h 10 FIELDS 2 a`, otherCount],
        [`${name} h 10 NX FIELDS 1 a b`, otherCount],
        [`${name} h x FIELDS 1 a`, notInteger],
        [`${name} h 9223372036854775808 FIELDS 1 a`, notInteger],
        [`${name} h -1 FIELDS 1 a`, negative],
        [`${name} h 9223372036854775807 FIELDS 1 a`, invalid(name)],
        [`${name} h 10 FIELDS 2 a b`, '*2 :-2 :-2'],
      );
    }
  });

  it('times past 46 bits', async () => {
    await replies('HSET h a 1');
    await expectReplies(
      [`HPEXPIREAT h ${AT_MAX} FIELDS 1 a`, '*1 :1'],
      ['HPEXPIRETIME h FIELDS 1 a', `*1 :${AT_MAX}`],
      [`HPEXPIREAT h ${AT_MAX + 1} FIELDS 1 a`, invalid('hpexpireat')],
      [`HPEXPIRE h ${AT_MAX - START} FIELDS 1 a`, '*1 :1'],
      [`HPEXPIRE h ${AT_MAX - START + 1} FIELDS 1 a`, invalid('hpexpire')],
      [`HEXPIREAT h ${Math.floor(AT_MAX / 1000)} FIELDS 1 a`, '*1 :1'],
      [`HEXPIREAT h ${Math.floor(AT_MAX / 1000) + 1} FIELDS 1 a`, invalid('hexpireat')],
      [`HGETEX h PXAT ${AT_MAX + 1} FIELDS 1 a`, invalid('hgetex')],
      [`HSETEX h EXAT ${2 ** 46} FIELDS 1 a 1`, invalid('hsetex')],
      [`HSETEX h EX 9223372036854775807 FIELDS 1 a 1`, invalid('hsetex')],
    );
  });

  it('HTTL and its kin, HPERSIST, HGETDEL: arguments', async () => {
    const positive = '-ERR Number of fields must be a positive integer';
    for (const name of ['httl', 'hpttl', 'hexpiretime', 'hpexpiretime', 'hpersist', 'hgetdel']) {
      await expectReplies(
        [`${name} h FIELDS 1`, arity(name)],
        [`${name} h XFIELDS 1 a`, mandatory],
        [`${name} h FIELDS 0 a`, positive],
        [`${name} h FIELDS 9223372036854775808 a`, positive],
        [`${name} h FIELDS 2 a`, otherCount],
        [`${name} h FIELDS 1 a b`, otherCount],
        [`${name} none fields 2 a b`, name === 'hgetdel' ? '*2 $-1 $-1' : '*2 :-2 :-2'],
      );
    }
  });

  it('HGETEX: arguments', async () => {
    await expectReplies(
      ['HGETEX h FIELDS 1', arity('hgetex')],
      ['HGETEX h XFIELDS 1 a', mandatory],
      ['HGETEX h PXAT 1 1', mandatory],
      ['HGETEX h PERSIST 1 FIELDS 1 a', mandatory],
      ['HGETEX h FIELDS 2 a', otherCount],
      ['HGETEX h FIELDS 0 a', '-ERR Number of fields must be a positive integer'],
      ['HGETEX h EX x FIELDS 1 a', notInteger],
      ['HGETEX h PX -1 FIELDS 1 a', negative],
    );
  });

  it('HSETEX: arguments', async () => {
    const condition = '-ERR Only one of FXX or FNX arguments can be specified';
    const time = '-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified';
    await expectReplies(
      ['HSETEX h FIELDS 1 a', arity('hsetex')],
      ['HSETEX h FIELDS 2 a b', arity('hsetex')],
      ['HSETEX h FIELDS 1 a b c', arity('hsetex')],
      ['HSETEX h FIELDS 1 a b c d', arity('hsetex')],
      ['HSETEX h NX FIELDS 1 a b', '-ERR unknown argument: NX'],
      ['HSETEX h FXX FNX FIELDS 1 a b', condition],
      ['HSETEX h FNX FNX FIELDS 1 a b', condition],
      ['HSETEX h EX 1 PX 1 FIELDS 1 a b', time],
      ['HSETEX h KEEPTTL EX 1 FIELDS 1 a b', time],
      ['HSETEX h EX 1 KEEPTTL FIELDS 1 a b', time],
      ['HSETEX h KEEPTTL KEEPTTL FIELDS 1 a b', time],
      ['HSETEX h EX FIELDS 1 a b', notInteger],
      ['HSETEX h PXAT -1 FIELDS 1 a b', negative],
      ['HSETEX h FIELDS 0 a b', '-ERR invalid number of fields'],
      ['HSETEX h FIELDS x a b', '-ERR invalid number of fields'],
      ['EXISTS h', ':0'],
    );
  });

  it('values of another type', async () => {
    await replies('SET s x');
    const wrongType = '-WRONGTYPE Operation against a key holding the wrong kind of value';
    const lines = [
      ...['HEXPIRE', 'HPEXPIRE', 'HEXPIREAT', 'HPEXPIREAT'].map((n) => `${n} s 5 FIELDS 1 a`),
      ...['HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME'].map((n) => `${n} s FIELDS 1 a`),
      ...['HPERSIST', 'HGETDEL', 'HGETEX'].map((n) => `${n} s FIELDS 1 a`),
      ...['HSETEX s FIELDS 1 a b', 'HSETEX s FNX FIELDS 1 a b'],
    ];
    await expectReplies(...lines.map((line): [string, string] => [line, wrongType]));
    expect(events).toEqual(['set s']);
  });
});
