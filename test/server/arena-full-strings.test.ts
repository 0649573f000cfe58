/**
 * The arena refuses a block in the midst of a command that replaces or lengthens what a key holds:
 * the key keeps its value and its time to live, and no block is lost. Each command is tried with
 * little more room every time, so that each of its blocks is refused once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { HeapArena } from '../../src/memory/heap-arena.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.";
const LONG = 'x'.repeat(700);
const NOW = 1_700_000_000_000;

const replacing: readonly (readonly [before: string, command: string])[] = [
  ['SET key value EX 100', `SET key ${LONG}`],
  ['SET key value', `SET key ${LONG} EX 100`],
  ['SET key value', 'SET key other EX 100'],
  ['HSET key field value', `SET key ${'y'.repeat(60)}`],
  ['HSETEX key EX 100 FIELDS 1 field value', `SET key ${LONG}`],
  [`SET key ${LONG}`, 'SETRANGE key 5000 x'],
  ['SET key value EX 100', 'SETRANGE key 700 x'],
  ['SET key value', `APPEND key ${LONG}`],
  ['SET key value EX 100', 'SETBIT key 9000 1'],
  ['SET key value', 'EXPIRE key 100'],
  ['SET key value', 'GETEX key EX 100'],
];

describe('a full arena, a key that is there', () => {
  it.each(replacing.map((row) => [row[1].slice(0, 40), ...row]))(
    '%s changes all or nothing',
    async (_name, before, command) => {
      const server = await startServer({}, { now: () => NOW });
      const client = await Talker.open(server);
      const arena = server.keyspace.arena as HeapArena;
      const state = async () => [await client.ask('DUMP key'), await client.ask('PEXPIRETIME key')];
      let refused = 0;
      let done = false;
      for (let room = 0; room < 12_000 && !done; room += 8) {
        await client.ask('FLUSHALL');
        await client.ask(before);
        const [value, expiry] = await state();
        const used = arena.usedBytes;
        arena.bytesMax = used + room;
        const reply = await client.ask(command);
        arena.bytesMax = Number.POSITIVE_INFINITY;
        done = reply !== OOM;
        if (done) continue;
        refused++;
        expect(await state()).toEqual([value, expiry]);
        await client.ask('DEL key');
        expect(await client.ask('DBSIZE')).toBe(':0');
      }
      expect(done).toBe(true);
      expect(refused).toBeGreaterThan(0);
    },
  );

  it('RESTORE REPLACE keeps the old value, with its time to live, when the new one has no room', async () => {
    const server = await startServer({}, { now: () => NOW });
    const client = await Talker.open(server);
    const { connection } = client;
    const arena = server.keyspace.arena as HeapArena;
    for (const make of [`SET source ${LONG}`, `HSET source f ${LONG}`]) {
      await client.ask('DEL source');
      await client.ask(make);
      const dumped = await connection.call('DUMP', 'source');
      const payload = dumped.kind === 'bulk' ? dumped.bytes : Buffer.alloc(0);
      await client.ask('SET key old EX 100');
      let refused = 0;
      for (let room = 0; room < 4000; room += 8) {
        arena.bytesMax = arena.usedBytes + room;
        const reply = await connection.call('RESTORE', 'key', '5000', payload, 'REPLACE');
        arena.bytesMax = Number.POSITIVE_INFINITY;
        if (reply.kind !== 'error') break;
        refused++;
        expect(await client.ask('GET key')).toBe('$3 old');
        expect(await client.ask('PTTL key')).toBe(':100000');
      }
      expect(refused).toBeGreaterThan(0);
      expect(await client.ask('PTTL key')).toBe(':5000');
    }
  });
});

describe('a full arena, a new key', () => {
  it.each([`SET key ${LONG} EX 100`, `SET key v`, 'SETRANGE key 700 x', 'SETBIT key 9000 1'])(
    '%s loses no block',
    async (command) => {
      const server = await startServer();
      const client = await Talker.open(server);
      const arena = server.keyspace.arena as HeapArena;
      const used = arena.usedBytes;
      let reply = OOM;
      for (let room = 0; reply === OOM; room += 8) {
        arena.bytesMax = used + room;
        reply = await client.ask(command);
        if (reply === OOM) expect(arena.usedBytes).toBe(used);
      }
      expect(await client.ask('DBSIZE')).toBe(':1');
    },
  );
});
