/**
 * The harness under test: two oracles must not differ in any script, and each seeded fault on the
 * wire must be reported. A harness that cannot fail proves nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAlteringProxy } from '../harness/altering-proxy.ts';
import { filtered, sameReplies } from '../harness/compare.ts';
import { type Pair, report, runScript } from '../harness/differential.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { decode, format } from '../harness/reply.ts';
import { type Comparison, parseScript, type Step, splitWords } from '../harness/script.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { scripts } from './load-scripts.ts';

/** RESPITE_SCRIPT=name runs one script only; RESPITE_TRACE=1 shows what the oracle answers. */
const only = process.env['RESPITE_SCRIPT'];
const trace =
  process.env['RESPITE_TRACE'] === '1'
    ? ({ line, connection, text }: Step, replies: readonly string[]) =>
        process.stdout.write(
          `${line} [${connection}] ${text}\n${replies.map((one) => `${one}\n`).join('')}`,
        )
    : undefined;

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

  // Every third script in one protocol does, but for the long tier and for whoever writes a script.
  const all = only !== undefined || process.env['RESPITE_FULL'] === '1';
  const chosen = scripts.filter(({ name }, i) =>
    only === undefined ? all || i % 3 === 0 : name === only,
  );
  for (const script of chosen) {
    for (const protocol of all ? script.protocols : script.protocols.slice(-1)) {
      it(`two oracles agree on ${script.name} in RESP${protocol}`, async () => {
        const two = script.serverArgs.length === 0 ? pair : await start(script.serverArgs);
        const found = await runScript(two, script, protocol, {
          selfTest: true,
          pipelined: protocol === 3,
          ...(trace && { trace }),
        });
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
  it('waits for @blocks, keeps what @save names, and reports a command that does not block', async () => {
    const blocking = parseScript(
      'blocking',
      [
        '@conn 2',
        '@type',
        '@save two',
        'CLIENT ID',
        '@blocks',
        'BLPOP l 0',
        '@conn 1',
        'CLIENT UNBLOCK <saved:two> ERROR',
        '@conn 2',
        '@receive',
        '@conn 1',
        'CLIENT UNBLOCK <saved:two>',
        'RPUSH l a',
      ].join('\n'),
    );
    expect(report(await runScript(pair, blocking, 2))).toBe('');
    const answering = parseScript('answering', 'RPUSH l a\n@blocks\nBLPOP l 0\nPING');
    const found = await runScript(pair, answering, 2);
    expect(found.map(({ line, ours }) => [line, ours])).toEqual([
      [3, expect.stringContaining('(does not block) 1) "l"')],
    ]);
  });
  it('collects with @arrived what comes unasked, down to nothing, from subscribers too', async () => {
    const subscriber = parseScript(
      'subscriber',
      [
        '@conn 2',
        'SUBSCRIBE a',
        '@conn 1',
        'PUBLISH a 1',
        'PUBLISH a 2',
        '@conn 2',
        '@arrived',
        '@arrived',
      ].join('\n'),
    );
    for (const protocol of [2, 3] as const) {
      const seen: string[] = [];
      const found = await runScript(pair, subscriber, protocol, {
        trace: (step, replies) => {
          if (step.action.kind === 'arrived') seen.push(replies.join('').replace(/\s+/g, ' '));
        },
      });
      expect(report(found)).toBe('');
      const mark = protocol === 2 ? ')' : '>';
      const message = (n: number) => `${n}) 1${mark} "message" 2${mark} "a" 3${mark} "${n}"`;
      expect(seen).toEqual([`${message(1)} ${message(2)}`, '(empty array)']);
    }
  });
  it('reports replies that no step has awaited', async () => {
    const found = await runScript(pair, parseScript('unread', 'SUBSCRIBE a b c\nPING'), 2);
    expect(found.map(({ text }) => text)).toEqual(['(left unread on connection 1)']);
  });
  it('reports nothing when the proxy alters nothing', async () => {
    await using unaltered = await startAlteringProxy(pair.oracle.port, (reply) => reply);
    const found = await runScript({ ours: unaltered, oracle: pair.ours }, script, 2);
    expect(report(found)).toBe('');
  });
  for (const [fault, alter, pipelined] of faults.flatMap(
    ([fault, alter]) =>
      [
        [fault, alter, false],
        [fault, alter, true],
      ] as const,
  )) {
    it(`reports ${fault}${pipelined ? ' in a pipeline' : ''}`, async () => {
      // Each connection counts its own replies; 1 is the script's SET.
      await using altered = await startAlteringProxy(pair.oracle.port, (reply, _, index) =>
        Buffer.from(alter(reply, index + 1)),
      );
      const altering = { ours: altered, oracle: pair.ours };
      const found = await runScript(altering, script, 2, { pipelined });
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
    [
      { kind: 'unordered-pairs' },
      '*4\r\n+a\r\n+b\r\n+c\r\n+d\r\n',
      '*4\r\n+c\r\n+d\r\n+a\r\n+b\r\n',
      true,
    ],
    [
      { kind: 'unordered-pairs' },
      '*4\r\n+a\r\n+b\r\n+c\r\n+d\r\n',
      '*4\r\n+c\r\n+b\r\n+a\r\n+d\r\n',
      false,
    ],
    [
      { kind: 'unordered-pairs' },
      '*2\r\n*1\r\n+a\r\n*1\r\n+b\r\n',
      '*2\r\n*1\r\n+b\r\n*1\r\n+a\r\n',
      true,
    ],
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

describe('masks', () => {
  const nothing = { masks: [], maskedFields: [], maskedItem: 0, picks: [] };
  it.each([
    [{ masks: [/\d+/g] }, '*2\r\n+a1\r\n:2\r\n', '1) a* 2) (integer) *'],
    [
      { maskedFields: ['idle'] },
      '*4\r\n+idle\r\n:2\r\n+n\r\n:3\r\n',
      '1) idle 2) * 3) n 4) (integer) 3',
    ],
    [{ maskedItem: 2 }, '*2\r\n+a\r\n*2\r\n:1\r\n:2\r\n', '1) a 2) 1) (integer) 1 2) *'],
    [{ maskedItem: 1 }, '*2\r\n+a\r\n:1\r\n', '1) a 2) (integer) 1'],
    [{ picks: [/b\d/g] }, '+a1 b2 c3 b4\r\n', 'b2 b4'],
  ])('%o of %j leave %j', (some, text, left) => {
    const bytes = Buffer.from(text);
    const { reply } = filtered({ reply: decode(bytes)!.reply, bytes }, { ...nothing, ...some });
    expect(format(reply).replace(/\s+/g, ' ')).toBe(left);
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

  it('reads an @each and a @let over several lines, and counts lines as written', () => {
    const script = parseScript(
      't',
      ['@each a x \\', '  y \\', '  "z w"', 'GET <a>', '@end', 'SET b \\', 'GET \\'].join('\n'),
    );
    expect(script.steps.map(({ line, text }) => [line, text])).toEqual([
      ...[[4, 'GET x'] as const, [4, 'GET y'] as const, [4, 'GET z w'] as const],
      ...[[6, 'SET b \\'] as const, [7, 'GET \\'] as const],
    ]);
  });

  it('writes repetitions and ranges out', () => {
    const script = parseScript(
      't',
      [
        '@each n 2 3',
        '@each p "" x',
        'HSET h <1..<n>: <p># v#> "<<n>*a>" <4*->',
        '@end',
        '@end',
        'GET <a..b: #> <x*3>',
        '@mask-all x',
        `@each c "GET k" 'SET k "a b"'`,
        '@each conn 3 4',
        '@conn <conn>',
        '<c...>',
        '@end',
        '@end',
      ].join('\n'),
    );
    const lines = script.steps.map(({ action }) => 'argv' in action && action.argv.join(' '));
    expect(lines).toEqual([
      'HSET h 1 v1 2 v2 aa ----',
      'HSET h x1 v1 x2 v2 aa ----',
      'HSET h 1 v1 2 v2 3 v3 aaa ----',
      'HSET h x1 v1 x2 v2 x3 v3 aaa ----',
      'GET <a..b: #> <x*3>',
      ...['GET k', 'GET k', 'SET k a b', 'SET k a b'],
    ]);
    const [before, ...after] = script.steps.slice(-5);
    expect(before?.masks).toEqual([]);
    expect(after.map(({ connection, text, masks }) => [connection, text, masks.length])).toEqual([
      ...[[3, 'GET k', 1] as const, [4, 'GET k', 1] as const],
      ...[[3, 'SET k "a b"', 1] as const, [4, 'SET k "a b"', 1] as const],
    ]);
  });

  it.each([
    '@unordered x',
    '@save',
    '@each x 1',
    '@end',
    '@conn 0',
    '@nonsense',
    'GET "x',
    '@approx x',
  ])('refuses %j', (line) => {
    expect(() => parseScript('t', `${line}\nPING`)).toThrow(/^t:1: /);
  });
});
