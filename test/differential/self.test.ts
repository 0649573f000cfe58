/**
 * The harness under test: two oracles must not differ in any script, and each seeded fault on the
 * wire must be reported. A harness that cannot fail proves nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAlteringProxy } from '../harness/altering-proxy.ts';
import { sameReplies } from '../harness/compare.ts';
import { type Pair, report, runScript } from '../harness/differential.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { decode } from '../harness/reply.ts';
import { type Comparison, parseScript, splitWords } from '../harness/script.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { scripts } from './load-scripts.ts';

describeWithOracle('the differential harness', () => {
  const servers: ServerProcess[] = [];
  let pair: Pair;

  async function start(args: readonly string[]): Promise<Pair> {
    const [ours, oracle] = await Promise.all([startOracle(args, 'oracle-b'), startOracle(args)]);
    servers.push(ours, oracle);
    return { ours, oracle };
  }

  beforeAll(async () => {
    pair = await start([]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  });

  for (const script of scripts) {
    for (const protocol of script.protocols) {
      it(`two oracles agree on ${script.name} in RESP${protocol}`, async () => {
        const two = script.serverArgs.length === 0 ? pair : await start(script.serverArgs);
        const found = await runScript(two, script, protocol, { selfTest: true });
        if (found.length > 0) expect.fail(`${found.length} differences\n${report(found)}`);
      });
    }
  }

  const script = parseScript(
    'seeded',
    [
      'SET k v',
      'GET k',
      'INCR n',
      'INCR k',
      'MGET k n x',
      'GET x',
      'PING',
      '@unordered',
      'KEYS *',
    ].join('\n'),
  );
  const faults: readonly [string, (reply: Buffer, index: number) => Buffer | string][] = [
    ['a changed byte of a value', (r, i) => (i === 2 ? '$1\r\nw\r\n' : r)],
    ['an integer off by one', (r, i) => (i === 3 ? ':2\r\n' : r)],
    ['an integer as a bulk string', (r, i) => (i === 3 ? '$1\r\n1\r\n' : r)],
    ['an error text with other words', (r, i) => (i === 4 ? '-ERR value is not\r\n' : r)],
    ['an error without its code', (r, i) => (i === 4 ? String(r).replace('ERR ', '') : r)],
    ['elements in another order', (r, i) => (i === 5 ? '*3\r\n$1\r\n1\r\n$1\r\nv\r\n$-1\r\n' : r)],
    ['an element too few', (r, i) => (i === 5 ? '*2\r\n$1\r\nv\r\n$1\r\n1\r\n' : r)],
    ['the other null', (r, i) => (i === 6 ? '*-1\r\n' : r)],
    ['an empty string for null', (r, i) => (i === 6 ? '$0\r\n\r\n' : r)],
    ['a bulk string for a status', (r, i) => (i === 7 ? '$4\r\nPONG\r\n' : r)],
    ['one reply too many', (r, i) => (i === 7 ? `${r}+PONG\r\n` : r)],
    ['a malformed reply', (r, i) => (i === 7 ? '+PONG\n' : r)],
  ];
  it('reports nothing when the proxy alters nothing', async () => {
    await using unaltered = await startAlteringProxy(pair.oracle.port, (reply) => reply);
    const found = await runScript({ ours: unaltered, oracle: pair.ours }, script, 2);
    expect(report(found)).toBe('');
  });
  for (const [fault, alter] of faults) {
    it(`reports ${fault}`, async () => {
      // Each connection counts its own replies; 1 is the script's SET.
      await using altered = await startAlteringProxy(pair.oracle.port, (reply, _, index) =>
        Buffer.from(alter(reply, index + 1)),
      );
      const found = await runScript({ ours: altered, oracle: pair.ours }, script, 2);
      expect(found.length, report(found)).toBeGreaterThan(0);
    });
  }
});

describe('comparisons', () => {
  const cases: readonly [Comparison, string, string, boolean][] = [
    [{ kind: 'exact' }, '+OK\r\n', '+OK\r\n', true],
    [{ kind: 'exact' }, '+OK\r\n', '$2\r\nOK\r\n', false],
    [{ kind: 'unordered' }, '*2\r\n:1\r\n:2\r\n', '*2\r\n:2\r\n:1\r\n', true],
    [{ kind: 'unordered' }, '*2\r\n:1\r\n:1\r\n', '*2\r\n:1\r\n:2\r\n', false],
    [{ kind: 'unordered' }, '*1\r\n*2\r\n:1\r\n:2\r\n', '*1\r\n*2\r\n:2\r\n:1\r\n', false],
    [{ kind: 'unordered-deep' }, '*1\r\n*2\r\n:1\r\n:2\r\n', '*1\r\n*2\r\n:2\r\n:1\r\n', true],
    [
      { kind: 'unordered' },
      '%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n',
      '%2\r\n:3\r\n:4\r\n:1\r\n:2\r\n',
      true,
    ],
    [
      { kind: 'unordered' },
      '%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n',
      '%2\r\n:1\r\n:4\r\n:3\r\n:2\r\n',
      false,
    ],
    [{ kind: 'unordered' }, '*1\r\n:1\r\n', '~1\r\n:1\r\n', false],
    [{ kind: 'approx', tolerance: 5 }, ':100\r\n', ':105\r\n', true],
    [{ kind: 'approx', tolerance: 5 }, ':100\r\n', ':106\r\n', false],
    [{ kind: 'approx', tolerance: 5 }, ':100\r\n', '$3\r\n100\r\n', false],
    [{ kind: 'approx', tolerance: 5 }, '$1\r\na\r\n', '$1\r\nb\r\n', false],
    [{ kind: 'error-only' }, '-ERR a\r\n', '-ERR b\r\n', true],
    [{ kind: 'error-only' }, '-ERR a\r\n', '-WRONGTYPE a\r\n', false],
    [{ kind: 'error-only' }, '-ERR a\r\n', '+OK\r\n', false],
    [{ kind: 'shape' }, '*2\r\n:1\r\n+a\r\n', '*2\r\n:9\r\n+b\r\n', true],
    [{ kind: 'shape' }, '*2\r\n:1\r\n+a\r\n', '*2\r\n:9\r\n:1\r\n', false],
    [{ kind: 'type' }, '*2\r\n:1\r\n:1\r\n', '*0\r\n', true],
    [{ kind: 'type' }, '*0\r\n', '~0\r\n', false],
    [{ kind: 'ignore' }, ':1\r\n', '-ERR\r\n', true],
  ];
  it.each(cases)('%o of %j and %j is %s', (comparison, a, b, same) => {
    const [x, y] = [a, b].map((text) => ({
      reply: decode(Buffer.from(text))!.reply,
      bytes: Buffer.from(text),
    }));
    expect(sameReplies(x!, y!, comparison)).toBe(same);
  });
});

describe('the reply decoder', () => {
  const malformed = [
    '$1\r\nab\r',
    '*x\r\n',
    '$-2\r\n',
    ':\r\n',
    ':1.0\r\n',
    '#x\r\n',
    '_x\r\n',
    '?\r\n',
  ];
  it.each([...malformed, ':01\r\n', '+a\rb\r\n', '\r\n', '$03\r\nabc\r\n', ',1,5\r\n'])(
    'refuses %j',
    (text) => {
      expect(() => decode(Buffer.from(`${text}\r\n\r\n`))).toThrow(/at byte/);
    },
  );

  it('waits for the rest at every cut', () => {
    const text = '*3\r\n$3\r\na\r\n\r\n%1\r\n+k\r\n,1.5e+3\r\n~1\r\n_\r\n';
    const whole = Buffer.from(text);
    for (let cut = 0; cut < whole.length; cut++) {
      expect(decode(whole.subarray(0, cut))).toBeUndefined();
    }
    expect(decode(whole)?.end).toBe(whole.length);
  });
});

describe('the script language', () => {
  it('splits words as redis-cli does', () => {
    expect(splitWords(String.raw`set "a b" 'c\'d' "\x00\xff\n\"" '' x"y"`)).toEqual([
      ...['set', 'a b', "c'd", '\x00\xff\n"', '', 'xy'],
    ]);
    expect(splitWords('a "b')).toBeUndefined();
  });

  it('unrolls loops and applies directives to the next command only', () => {
    const script = parseScript(
      't',
      [
        '@protocol 3',
        '@needs lpush sadd',
        '@each a x y',
        '@each b 1 2',
        '@unordered',
        'SET <a> <b>',
        '@end',
        '@end',
        'GET x',
        '@conn 2',
        '@skip-reason later',
        'GET y',
        '@raw',
        String.raw`"PING\r\n"`,
      ].join('\n'),
    );
    expect(script.steps.map(({ text }) => text)).toEqual([
      ...['SET x 1', 'SET x 2', 'SET y 1', 'SET y 2', 'GET x', String.raw`"PING\r\n"`],
    ]);
    expect(script.steps.map((step) => step.comparison.kind)).toEqual([
      ...['unordered', 'unordered', 'unordered', 'unordered', 'exact', 'exact'],
    ]);
    expect(script.steps.map((step) => step.connection)).toEqual([1, 1, 1, 1, 1, 2]);
    expect(script.needs).toEqual(['lpush', 'sadd']);
    expect(script.skipped).toEqual([{ line: 12, reason: 'later' }]);
  });

  it.each(['@each x 1', '@end', '@conn 0', '@nonsense', 'GET "x', '@approx x'])(
    'refuses %j',
    (line) => {
      expect(() => parseScript('t', `${line}\nPING`)).toThrow(/^t:1: /);
    },
  );
});
