/**
 * What INFO counts when scripts answer with errors, and where scripts are refused by the flags that
 * they declare: beside redis-server.
 */
import { expect, it } from 'vitest';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';

type Line = readonly string[];

const failing = "redis.pcall('incr', 'x', 'y')";
const erring = [
  "return {1, redis.error_reply('ERR in an array')}",
  `return {${failing}, 2}`,
  `local e = ${failing} return {e, e}`,
  `local e = ${failing} return {e, {err = 'MINE x'}, {err = 'MINE y'}}`,
  `return ${failing}`,
  `${failing} return 1`,
  "return redis.call('incr', 'x', 'y')",
  "return {{{err = 'ERR deep'}}, {err = 'OTHER y'}}",
  "return {err = 'NOCODE'}",
  "return {{err = 'NOCODE'}}",
  `return {{err = '${'C'.repeat(30)} x'}, {err = '${'D'.repeat(31)} x'}}`,
  "redis.setresp(3) return {map = {a = {err = 'ERR in a map'}}}",
  "redis.setresp(3) return {set = {[{err = 'ERR in a set'}] = true}}",
  "error('boom')",
  "error({err = 'ERR thrown'})",
];
const library = (code: string) =>
  `#!lua name=l\nredis.register_function('f', function() ${code} end)`;

/** Requests, each with its reply; then what INFO has counted of them. */
async function counted(start: typeof startRespite, lines: readonly Line[]): Promise<string[]> {
  await using server = await start();
  const client = await server.connect();
  const ask = async (line: Line) => {
    client.send(...line);
    return (await client.receive()).bytes.toString('latin1');
  };
  const found: string[] = [];
  for (const line of lines) found.push(`${line.join(' ')}: ${(await ask(line)).slice(0, 300)}`);
  const stats = await ask(['INFO', 'commandstats']);
  const errors = await ask(['INFO', 'errorstats']);
  const total = /total_error_replies:\d+/.exec(await ask(['INFO', 'stats']))?.[0] ?? '';
  client.close();
  const sorted = `${stats}${errors}`.split('\r\n').filter((line) => /^(cmd|error)stat_/.test(line));
  const times = /,usec=\d+,usec_per_call=[\d.]+/;
  return [...found, ...sorted.map((line) => line.replace(times, '')).sort(), total];
}

async function sameCounts(lines: readonly Line[]): Promise<string[]> {
  const expected = await counted(startOracle, lines);
  expect(await counted(startRespite, lines)).toEqual(expected);
  return expected;
}

describeWithOracle('errors of scripts', () => {
  it('are counted where the reply has them', { timeout: 60_000 }, async () => {
    const lines = erring.map((code) => ['EVAL', code, '0']);
    const seen = await sameCounts([
      ...lines,
      ['EVAL_RO', erring[0]!, '0'],
      ['MULTI'],
      ['EVAL', erring[0]!, '0'],
      ['EXEC'],
      ['FUNCTION', 'LOAD', library("return {redis.error_reply('FERR in an array')}")],
      ['FCALL', 'f', '0'],
      ['EVALSHA', 'f'.repeat(40), '0'],
    ]);
    expect(seen).toContain('errorstat_FERR:count=1');
  });
});

/** Scripts by what they declare, direct and in a transaction. */
const declaring: readonly Line[] = [
  '',
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-writes,allow-stale',
]
  .map((flags) => `#!lua flags=${flags}\nreturn 1`)
  .flatMap((code) => [
    ['EVAL', code, '0'],
    ['EVAL_RO', code, '0'],
    ['MULTI'],
    ['EVAL', code, '0'],
    ['EXEC'],
  ]);
const plain: readonly Line[] = [
  ['EVAL', 'return 1', '0'],
  ['MULTI'],
  ['EVAL', "return redis.call('set', 'x', 1)", '0'],
  ['EXEC'],
];

describeWithOracle('what scripts declare', () => {
  const cases: readonly (readonly [string, Line])[] = [
    ['on a replica', ['REPLICAOF', '127.0.0.1', '1']],
    ['without memory', ['CONFIG', 'SET', 'maxmemory', '1']],
    ['without replicas', ['CONFIG', 'SET', 'min-replicas-to-write', '1']],
    ['on a replica without data', ['CONFIG', 'SET', 'replica-serve-stale-data', 'no']],
  ];
  for (const [name, line] of cases) {
    it(`decides where they run: ${name}`, { timeout: 60_000 }, async () => {
      const after: Line[] = name.endsWith('data') ? [['REPLICAOF', '127.0.0.1', '1']] : [];
      await sameCounts([
        ['FUNCTION', 'LOAD', library('return 1')],
        line,
        ...after,
        ...declaring,
        ...plain,
        ['FCALL', 'f', '0'],
        ['FCALL_RO', 'f', '0'],
      ]);
    });
  }

  it('decides about a transaction that was queued before', { timeout: 60_000 }, async () => {
    const seen: string[][] = [];
    for (const start of [startOracle, startRespite]) {
      await using server = await start();
      const other = await server.connect();
      const found: string[] = [];
      for (const code of ['#!lua\nreturn 1', '#!lua flags=no-writes\nreturn 1', 'return 1']) {
        const client = await server.connect();
        const ask = async (at: typeof client, ...words: string[]) => {
          at.send(...words);
          found.push((await at.receive()).bytes.toString('latin1'));
        };
        await ask(client, 'MULTI');
        await ask(client, 'EVAL', code, '0');
        await ask(other, 'REPLICAOF', '127.0.0.1', '1');
        await ask(client, 'EXEC');
        await ask(other, 'REPLICAOF', 'NO', 'ONE');
        client.close();
      }
      other.close();
      seen.push(found);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]![3]).toMatch(/^-EXECABORT .*READONLY/);
  });
});
