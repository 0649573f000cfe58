/**
 * Advisories about Lua in Redis, each as the script that showed the fault and what it must answer
 * (docs/security.md). The texts are those of redis-server 7.0.15, which is asked for the rows that
 * do not cost it seconds.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { atClose, closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { format } from '../harness/reply.ts';

const NO_GLOBAL = (name: string) =>
  `ERR user_script:1: Script attempted to access nonexistent global variable '${name}'`;
const READ_ONLY = 'Attempt to modify a readonly table';

/** Advisory, script, what the reply contains. */
const rows: readonly (readonly [advisory: string, script: string, reply: string])[] = [
  ['CVE-2015-4335', String.raw`return tostring(loadstring("\27Lua"))`, 'nil'],
  ['CVE-2015-4335', 'return tostring(loadstring(string.dump(function() return 1 end)))', 'nil'],
  ...'package require io debug print loadfile dofile js window process globalThis newproxy getfenv setfenv module'
    .split(' ')
    .map((name) => ['CVE-2022-0543', `return ${name}`, NO_GLOBAL(name)] as const),
  ['CVE-2022-0543', 'return redis.call.constructor', 'attempt to index field'],
  ['CVE-2022-0543', 'return ("").constructor', '(nil)'],
  ['CVE-2022-24735', 'redis.call=nil', READ_ONLY],
  ['CVE-2022-24735', 'string.rep=nil', READ_ONLY],
  ['CVE-2022-24735', '_G.x=1', READ_ONLY],
  ['CVE-2022-24735', 'x=1', READ_ONLY],
  ['CVE-2022-24735', 'getmetatable("").__index=print', NO_GLOBAL('print')],
  ['CVE-2022-24735', 'getmetatable("").__index=function() end', READ_ONLY],
  ['CVE-2022-24736', 'table.insert(redis, 1)', READ_ONLY],
  ['CVE-2022-24736', "rawset(_G, 'x', 1)", READ_ONLY],
  ['CVE-2022-24736', 'setmetatable(_G, {})', READ_ONLY],
  ['CVE-2022-24736', 'setmetatable(string, {})', READ_ONLY],
  [
    'CVE-2025-46818',
    'return tostring(getmetatable(1)) .. tostring(getmetatable(true)) .. tostring(getmetatable(redis.call))',
    'nilnilnil',
  ],
  ['CVE-2025-46817', 'return unpack({},1,8000)', 'too many results to unpack'],
  ['CVE-2025-46817', 'return unpack({1,2,3},0,2147483647)', 'too many results to unpack'],
  ['CVE-2025-46817', 'return unpack({1},-2147483648,2147483647)', 'too many results to unpack'],
  ['CVE-2024-31449', 'return bit.tohex(65535,-2147483648)', '0000FFFF'],
  ['CVE-2024-31449', 'return bit.tohex(65535,2147483647)', '0000ffff'],
  ['CVE-2015-8080', 'return struct.pack("i2147483647",1)', 'larger than limit of 32'],
  ['CVE-2020-14147', 'return struct.unpack(">I2147483647","10")', 'larger than limit of 32'],
  ['CVE-2018-11219', 'return struct.unpack("c100","abc")', 'data string too short'],
  ['CVE-2018-11218', String.raw`return cmsgpack.unpack("\220\255\255")`, 'Missing bytes in input.'],
  ['CVE-2018-11218', String.raw`return cmsgpack.unpack("\221\255\255\255\255")`, 'Missing bytes'],
  ['CVE-2018-11218', String.raw`return cmsgpack.unpack("\219\255\255\255\255")`, 'Missing bytes'],
  ['CVE-2022-24834', 'return cjson.decode(string.rep("[",2000))', 'Found too many nested data'],
  ['CVE-2022-24834', 'local t={} t[1]=t return cjson.encode(t)', 'excessive nesting'],
  ['CVE-2021-32672', 'return redis.breakpoint()', '(nil)'],
  ['#11030', 'return setmetatable({}, {__index=function() error() end})', '(empty array)'],
  ['#11032', 'return setmetatable({ok=1}, {__index=function() error() end})', '(empty array)'],
];

/** What redis-server takes seconds or gigabytes for. */
const costly: readonly (readonly [advisory: string, script: string, reply: string])[] = [
  ['CVE-2025-46819', 'return loadstring("x=[" .. string.rep("=", 1000000) .. "[")', '(nil)'],
  ['runaway', 'return string.rep("a", 2^31-1)', 'not enough memory'],
];

let client: Connection;
beforeAll(async () => {
  client = await connectTo(await startServer());
});
afterAll(closeAll);

const asked = async (connection: Connection, script: string) =>
  format(await connection.call('EVAL', script, '1', 'k', 'v'));

describe('advisories', () => {
  it.each([...rows, ...costly])('%s: %s', async (_, script, reply) => {
    expect(await asked(client, script)).toContain(reply);
    expect(await asked(client, 'return 1')).toBe('(integer) 1');
  });

  it('CVE-2025-49844, CVE-2024-46981: parser and collector, again and again', async () => {
    const source =
      'for i = 1, 20 do local f = loadstring("return {" .. string.rep("{1},", 20000) .. "}") ' +
      'if f then f() end collectgarbage() end return 1';
    const heap = async () => {
      const info = await client.text('INFO', 'memory');
      return Number(/used_memory_vm_eval:(\d+)/.exec(info)?.[1]);
    };
    expect(await asked(client, source)).toBe('(integer) 1');
    const before = await heap();
    for (let i = 0; i < 5; i++) expect(await asked(client, source)).toBe('(integer) 1');
    await client.call('EVAL', 'collectgarbage() collectgarbage() return 1', '0');
    expect(await heap()).toBeLessThan(before * 1.1 + 100_000);
    await client.call('SCRIPT', 'FLUSH');
    expect(await asked(client, 'return 2')).toBe('(integer) 2');
  });

  it('CVE-2021-32672: there is no debugger', async () => {
    expect(format(await client.call('SCRIPT', 'DEBUG', 'YES'))).toContain('ERR');
  });
});

describeWithOracle('advisories', () => {
  it('the texts are those of the reference', async () => {
    const oracle = await startOracle();
    atClose(() => oracle.stop());
    const theirs = await Connection.open(oracle.port);
    atClose(() => theirs.close());
    for (const [advisory, script] of rows) {
      const wanted = await asked(theirs, script);
      expect(await asked(client, script), `${advisory} ${script}`).toBe(wanted);
    }
  });
});
