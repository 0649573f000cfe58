/**
 * Random Lua programs, and random bytes for the decoders, on this server and on redis-server: the same
 * replies. RESPITE_SEED begins elsewhere; `npm run test:full` runs many more.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { decoderScript, luaProgram, nearlyEncoded, Seeded } from './lua-programs.ts';

const { RESPITE_FULL, RESPITE_SEED } = process.env;
const PROGRAMS = RESPITE_FULL === '1' ? 20_000 : 600;
const INPUTS = RESPITE_FULL === '1' ? 100_000 : 4000;
const FIRST_SEED = Number(RESPITE_SEED ?? 1);
const BATCH = 100;

const JSON_PIECES =
  '{ } [ ] , : "a" "b\\u00e9" "\\ud83d\\ude00" "\\ud800" " \\n \\x 1 -1 0 1.5 1e5 -0 01 nan inf true false null ' +
  '[1,2] {"a":1} {"a":[]} \x00';
const PACK_PIECES = [
  ...['\x01', '\x7f', '\xe0', '\xff', '\xc0', '\xc1', '\xc2', '\xc3', '\xcc\x80', '\xcd\x01\x02'],
  ...['\xce\x01\x02\x03\x04', '\xcf\xff\xff\xff\xff\xff\xff\xff\xff', '\xd0\x80', '\xd1\x80\x00'],
  ...['\xd2\x80\x00\x00\x00', '\xd3\x80\x00\x00\x00\x00\x00\x00\x00', '\xca\x3f\x80\x00\x00'],
  ...[
    '\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00',
    '\xa0',
    '\xa1a',
    '\xa3abc',
    '\xd9\x02ab',
    '\xda\x00\x01a',
  ],
  ...['\xdb\x00\x00\x00\x01a', '\x90', '\x91', '\x92\x01', '\xdc\x00\x02', '\xdd\x00\x00\x00\x01'],
  ...[
    '\x80',
    '\x81',
    '\x82',
    '\x81\xa1a\x01',
    '\xde\x00\x01',
    '\xdf\x00\x00\x00\x01',
    '\xdf\xff\xff\xff\xff',
  ],
];

describeWithOracle('random scripts', () => {
  let oracle: ServerProcess;
  let mine: Connection;
  let theirs: Connection;

  beforeAll(async () => {
    const server = await startServer();
    mine = await connectTo(server);
    oracle = await startOracle();
    theirs = await Connection.open(oracle.port);
  });

  afterAll(async () => {
    theirs?.close();
    await oracle?.[Symbol.asyncDispose]();
    await closeAll();
  });

  async function same(what: string, ...argv: (string | Buffer)[]): Promise<void> {
    mine.send(...argv);
    theirs.send(...argv);
    const [a, b] = await Promise.all([mine.receive(), theirs.receive()]);
    const [ours, reference] = [a.bytes.toString('latin1'), b.bytes.toString('latin1')];
    if (ours !== reference) expect(differing(ours, reference), what).toEqual([]);
  }

  it(`${PROGRAMS} programs answer the same`, { timeout: 600_000 }, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + PROGRAMS; seed++) {
      await same(`program of seed ${seed}:\n${luaProgram(seed)}`, 'EVAL', luaProgram(seed), '0');
    }
  });

  const decoders: Readonly<Record<string, readonly [decode: string, pieces: readonly string[]]>> = {
    'cjson.decode': ['cjson.decode(text)', JSON_PIECES.split(' ')],
    'cmsgpack.unpack': ['cmsgpack.unpack(text)', PACK_PIECES],
    'struct.unpack': [
      'struct.unpack(text:sub(1, 6), text:sub(7))',
      'bBhHlLTfdsxi4I8c0c2!4<> '.split(''),
    ],
    'struct.pack': [
      'struct.pack(text, 1, 2.5, "abc", -4, "x", 6)',
      'bBhHlLTfdsxi4I8c0c2!4<> '.split(''),
    ],
    loadstring: [
      'loadstring(text)',
      'return local x = 1 ( ) { } .. "a" [[ ]] end if function -- ~= \n'.split(' '),
    ],
    'a pattern': [
      'string.gsub("hello (x) %d 12", text, "<%0>")',
      'a l+ . .- %d %w* [ ] [^a] ( ) %1 ^ $ %b() %f[%w]'.split(' '),
    ],
  };
  for (const [name, [decode, pieces]] of Object.entries(decoders)) {
    it(`${name} reads ${INPUTS} inputs the same`, { timeout: 600_000 }, async () => {
      const random = new Seeded(FIRST_SEED);
      const script = decoderScript(decode);
      for (let i = 0; i < INPUTS; i += BATCH) {
        const inputs = Array.from({ length: BATCH }, () => nearlyEncoded(random, pieces));
        await same(name, 'EVAL', script, '0', ...inputs);
      }
    });
  }
});

/** Lines that differ, ours and the reference's. */
function differing(ours: string, reference: string): string[] {
  const [a, b] = [ours.split('\r\n'), reference.split('\r\n')];
  const out: string[] = [];
  for (let i = 0; i < Math.max(a.length, b.length) && out.length < 10; i++) {
    if (a[i] !== b[i]) out.push(`line ${i}: ours ${a[i]}, oracle ${b[i]}`);
  }
  return out;
}
