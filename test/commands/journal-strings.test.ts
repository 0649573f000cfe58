/**
 * What commands on strings, hashes, bits, HyperLogLogs and keys put into the journal. Each row: what
 * runs before, the command, the lines. Those of commands that redis-server 7.0.15 knows are what its
 * append-only file gets, its clock aside; the others are forms that it knows wherever one exists.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { JournalLines } from '../harness/journal-lines.ts';

const NOW = 1_700_000_000_000;
const LATER = NOW + 100_000;
const forms: readonly (readonly [before: string, command: string, ...lines: string[]])[] = [
  ['', 'SET k v', 'SET k v'],
  ['', 'set k v', 'set k v'],
  ['', 'SET k v EX 100', `SET k v PXAT ${LATER}`],
  ['', 'SET k v nx px 100000', `SET k v PXAT ${LATER}`],
  ['SET k o', 'SET k v XX GET EXAT 1700000100', `SET k v PXAT ${LATER}`],
  ['', `SET k v PXAT 1000`, 'SET k v PXAT 1000'],
  ['', 'set k v GET', 'set k v'],
  ['SET k o', 'SET k v get XX GET', 'SET k v XX'],
  ['SET k o', 'SET k v KEEPTTL GET', 'SET k v KEEPTTL'],
  ['', 'SET k v NX', 'SET k v NX'],
  ['SET k o', 'SET k v NX'],
  ['SET k o', 'SET k v NX GET'],
  ['SET k o', 'SET k v IFEQ o', 'SET k v'],
  ['SET k o', 'SET k v IFEQ o GET EX 100', `SET k v PXAT ${LATER}`],
  ['SET k o', 'SET k v IFNE x KEEPTTL', 'SET k v KEEPTTL'],
  ['SET k o', 'SET k v IFEQ x'],
  ['', 'SETEX k 100 v', `SET k v PXAT ${LATER}`],
  ['', 'PSETEX k 100000 v', `SET k v PXAT ${LATER}`],
  ['', 'SETNX k v', 'SETNX k v'],
  ['', 'GETSET k v', 'SET k v'],
  ['', 'MSET k v l w', 'MSET k v l w'],
  ['', 'MSETNX k v l w', 'MSETNX k v l w'],
  ['', 'MSETEX 2 k v l w NX', 'MSET k v l w'],
  ['', 'MSETEX 1 k v EX 100', `SET k v PXAT ${LATER}`],
  ['', 'MSETEX 2 k v l w KEEPTTL', '{', 'SET k v KEEPTTL', 'SET l w KEEPTTL', '}'],
  ['SET k v', 'GETEX k'],
  ['SET k v', 'GETEX k PERSIST'],
  ['SET k v EX 9', 'getex k persist', 'PERSIST k'],
  ['SET k v', 'GETEX k EX 100', `PEXPIREAT k ${LATER}`],
  ['SET k v', 'GETEX k PXAT 1', 'DEL k'],
  ['SET k v', 'getdel k', 'DEL k'],
  ['SET k v', 'DELEX k IFEQ v', 'DEL k'],
  ['SET k v', 'DELEX k IFEQ w'],
  ['SET k 1', 'INCRBY k 2', 'INCRBY k 2'],
  ['SET k 1', 'INCRBYFLOAT k 1.5', 'SET k 2.5 KEEPTTL'],
  ['SET k 1', 'INCREX k BYINT 2', 'SET k 3 KEEPTTL'],
  ['SET k 1', 'INCREX k BYFLOAT .5 EX 100', `SET k 1.5 PXAT ${LATER}`],
  ['SET k 1', 'INCREX k PERSIST', 'SET k 2'],
  ['SET k 1', 'INCREX k UBOUND 1'],
  ['', 'APPEND k v', 'APPEND k v'],
  ['', 'SETRANGE k 2 v', 'SETRANGE k 2 v'],
  ['SET k v', 'EXPIRE k 100', `PEXPIREAT k ${LATER}`],
  ['SET k v EX 9', 'PEXPIRE k 100000 gt XX', `PEXPIREAT k ${LATER} gt XX`],
  ['SET k v EX 9', 'EXPIREAT k 1700000100 XX', `PEXPIREAT k ${LATER} XX`],
  ['SET k v', `pexpireat k ${LATER} LT`, `pexpireat k ${LATER} LT`],
  ['SET k v', 'EXPIRE k 100 XX'],
  ['SET k v', 'EXPIRE k -1', 'DEL k'],
  ['SET k v', 'PEXPIREAT k 1 NX', 'DEL k'],
  ['SET k v EX 9', 'PERSIST k', 'PERSIST k'],
  ['SET k v', 'COPY k l REPLACE', 'COPY k l REPLACE'],
  ['SET k v', 'MOVE k 1', 'MOVE k 1'],
  ['SET k v', 'RENAME k l', 'RENAME k l'],
  ['SET k v', 'DEL k l', 'DEL k l'],
  ['SET k v', 'UNLINK k', 'UNLINK k'],
  ['', 'SETBIT k 7 1', 'SETBIT k 7 1'],
  ['', 'BITFIELD k SET u8 0 1', 'BITFIELD k SET u8 0 1'],
  // redis-server 7.0.15 creates the key and puts nothing into its stream: its replicas differ.
  ['', 'BITFIELD k OVERFLOW FAIL SET u8 0 999', 'BITFIELD k OVERFLOW FAIL SET u8 0 999'],
  ['SETBIT a 1 1', 'BITOP NOT k a', 'BITOP NOT k a'],
  ['', 'PFADD k a b', 'PFADD k a b'],
  ['PFADD k a b', 'PFADD k a'],
  ['PFADD k a b', 'PFCOUNT k', 'PFCOUNT k'],
  ['PFADD k a b;PFCOUNT k', 'PFCOUNT k'],
  ['PFADD k a b', 'PFCOUNT k l'],
  ['PFADD k a b', 'PFMERGE l k', 'PFMERGE l k'],
  ['HSET k f 1', 'HINCRBY k f 2', 'HINCRBY k f 2'],
  ['HSET k f 1', 'HINCRBYFLOAT k f 1.5', 'HSET k f 2.5'],
  ['HSETEX k EX 9 FIELDS 1 f 1', 'HINCRBYFLOAT k f 1.5', 'HSETEX k KEEPTTL FIELDS 1 f 2.5'],
  ['HSET k f 1', 'HSETNX k f 2'],
  ['HSET k f 1 g 2', 'HDEL k f x', 'HDEL k f x'],
  ['HSET k f 1 g 2', 'HEXPIRE k 100 FIELDS 3 f x g', `HPEXPIREAT k ${LATER} FIELDS 2 f g`],
  ['HSET k f 1', `hpexpireat k ${LATER} FIELDS 1 f`, `hpexpireat k ${LATER} FIELDS 1 f`],
  ['HSET k f 1', `HPEXPIREAT k ${LATER} FIELDS 2 f x`, `HPEXPIREAT k ${LATER} FIELDS 1 f`],
  ['HSET k f 1', 'HEXPIRE k 100 XX FIELDS 1 f'],
  ['HSET k f 1 g 2', 'HEXPIRE k 0 FIELDS 3 f x g', '{', 'HDEL k f', 'HDEL k g', '}'],
  ['HSETEX k EX 9 FIELDS 1 f 1', 'HPERSIST k FIELDS 1 f', 'HPERSIST k FIELDS 1 f'],
  ['', 'HSETEX k FNX FIELDS 2 f 1 g 2', 'HSET k f 1 g 2'],
  ['', 'HSETEX k KEEPTTL FIELDS 1 f 1', 'HSETEX k KEEPTTL FIELDS 1 f 1'],
  ['', 'HSETEX k EX 100 FNX FIELDS 1 f 1', `HSETEX k PXAT ${LATER} FIELDS 1 f 1`],
  ['HSET k f 1', 'HSETEX k PXAT 1 FIELDS 2 f 1 g 2', '{', 'HDEL k f', 'HDEL k g', '}'],
  ['HSET k f 1', 'HGETEX k FIELDS 1 f'],
  ['HSET k f 1', 'HGETEX k PERSIST FIELDS 1 f'],
  ['HSETEX k EX 9 FIELDS 1 f 1', 'HGETEX k PERSIST FIELDS 2 x f', 'HPERSIST k FIELDS 1 f'],
  ['HSET k f 1', 'HGETEX k EX 100 FIELDS 2 x f', `HPEXPIREAT k ${LATER} FIELDS 1 f`],
  ['HSET k f 1', 'HGETEX k PXAT 1 FIELDS 2 x f', 'HDEL k f'],
  ['HSET k f 1 g 2', 'HGETDEL k FIELDS 3 f x g', 'HDEL k f g'],
];

describe('effects', () => {
  afterAll(closeAll);

  test('commands leave in their deterministic form', async () => {
    const server = await startServer({ 'enable-debug-command': 'yes' }, { now: () => NOW });
    const journal = JournalLines.of(server);
    const client = await Talker.open(server);
    // Keys of the past go when somebody meets them, not when the cron does.
    await client.ask('DEBUG SET-ACTIVE-EXPIRE 0');
    for (const [before, command, ...lines] of forms) {
      await client.ask('FLUSHALL');
      for (const line of before.split(';')) if (line !== '') await client.ask(line);
      journal.take();
      await client.ask(command);
      expect({ command, lines: journal.take() }).toEqual({ command, lines });
    }
  });

  test('RESTORE leaves with the time at which its key expires', async () => {
    const server = await startServer({}, { now: () => NOW });
    const journal = JournalLines.of(server);
    const { connection } = await Talker.open(server);
    await connection.call('SET', 'k', 'v');
    const dumped = await connection.call('DUMP', 'k');
    const payload = dumped.kind === 'bulk' ? dumped.bytes : Buffer.alloc(0);
    const text = payload.toString('latin1');
    const lineOf = async (...words: (string | Buffer)[]) => {
      journal.take();
      await connection.call('RESTORE', ...words);
      return journal.take();
    };
    expect(await lineOf('l', '0', payload)).toEqual([`RESTORE l 0 ${text}`]);
    expect(await lineOf('l', '100000', payload, 'replace')).toEqual([
      `RESTORE l ${LATER} ${text} replace ABSTTL`,
    ]);
    const absolute = await lineOf('l', `${LATER}`, payload, 'REPLACE', 'ABSTTL');
    expect(absolute).toEqual([`RESTORE l ${LATER} ${text} REPLACE ABSTTL`]);
    expect(await lineOf('l', '1', payload, 'REPLACE', 'ABSTTL')).toEqual(['DEL l']);
    expect(await lineOf('l', '1', payload, 'ABSTTL')).toEqual([]);
  });

  test('a key whose time is past goes as an expired one does', async () => {
    const server = await startServer({ 'lazyfree-lazy-expire': 'yes' }, { now: () => NOW });
    const journal = JournalLines.of(server);
    const client = await Talker.open(server);
    await client.send('SET k v', 'EXPIRE k -1', 'SET k v', 'GETEX k EXAT 1').take(4);
    expect(journal.take()).toEqual(['SET k v', 'UNLINK k', 'SET k v', 'UNLINK k']);
  });
});
