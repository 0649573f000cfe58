/** The times of calls: what is timed together, what is told of, and that no call is lost. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Command } from '../../src/commands/command-table.ts';
import { CallTimer } from '../../src/server/call-timer.ts';
import type { Session } from '../../src/session/session.ts';
import { Args } from '../../src/util/args.ts';
import type * as timers from '../../src/util/timers.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';

afterEach(closeAll);

/** A clock that moves when told to; how often it was looked at. */
const clock = vi.hoisted(() => ({ ms: 0, looks: 0, isFake: false }));
vi.mock('../../src/util/timers.ts', async (original) => {
  const real = await original<typeof timers>();
  return {
    ...real,
    monotonicMs: () => {
      if (!clock.isFake) return real.monotonicMs();
      clock.looks++;
      return clock.ms;
    },
  };
});

function rig(noticeMs = Number.POSITIVE_INFINITY) {
  const spec = { arity: 1, group: 'string', since: '1', summary: '', complexity: 'O(1)' } as const;
  const make = (name: string) => new Command({ ...spec, name, flags: ['fast'] }, undefined);
  const noticed: [command: string, ms: number, calls: number][] = [];
  const timer = new CallTimer({
    keepsHistograms: true,
    isPrecise: false,
    noticeMs,
    noticed: (_session, { name }, _args, ms, calls) => noticed.push([name, ms, calls]),
    noticedInScript: (_session, { name }, _args, ms) => noticed.push([name, ms, 1]),
  });
  const session = { blocked: false } as Session;
  const args = new Args();
  const run = (command: Command, ms: number) => {
    timer.begin(command, session, args);
    clock.ms += ms;
  };
  Object.assign(clock, { ms: 0, looks: 0, isFake: true });
  const script = (calls: readonly (readonly [Command, number])[], brief = true) => {
    timer.beginScript(false);
    for (const [command, ms] of calls) {
      clock.ms += ms;
      timer.nestedInScript(command, session, args, brief);
    }
    timer.endScript();
  };
  return { timer, noticed, run, script, get: make('get'), set: make('set') };
}

describe('CallTimer', () => {
  afterEach(() => {
    clock.isFake = false;
  });

  it('looks at the clock twice for some twenty equal calls in a row', () => {
    const { timer, run, get } = rig();
    for (let i = 0; i < 10_000; i++) run(get, 0.001);
    timer.end();
    expect(clock.looks).toBeLessThan(10_000 / 10);
    expect(get.calls).toBe(10_000);
    expect(get.microseconds).toBeCloseTo(10_000, 3);
    // What the histogram does not know yet is less than one group.
    expect(get.latency.total + get.unsampledCalls).toBe(10_000);
    expect(get.unsampledCalls).toBeLessThan(33);
    expect(get.latency.percentile(99.9)).toBeLessThan(1020);
  });

  it('times calls between others, and calls by themselves, alone', () => {
    const { timer, run, get, set } = rig();
    for (let i = 0; i < 1000; i++) {
      run(get, 0.001);
      run(set, 0.002);
    }
    timer.end();
    for (let i = 0; i < 1000; i++) {
      run(get, 0.001);
      timer.end();
    }
    expect([get.latency.total, set.latency.total]).toEqual([2000, 1000]);
    expect([get.unsampledCalls, set.unsampledCalls]).toEqual([0, 0]);
    expect(get.latency.max).toBeLessThan(1020);
    expect(get.microseconds).toBeCloseTo(2000, 3);
  });

  it('times calls alone after a group that took long, and tells of the next slow one', () => {
    const { timer, noticed, run, get } = rig(10);
    for (let i = 0; i < 20; i++) run(get, 0.001);
    run(get, 15);
    for (let i = 0; i < 40; i++) run(get, 0.001);
    expect(noticed).toHaveLength(1);
    const [name, ms, calls] = noticed.pop()!;
    expect([name, Math.round(ms), calls > 1]).toEqual(['get', 15, true]);
    run(get, 12);
    run(get, 0.001);
    expect(noticed.map(([, took, n]) => [Math.round(took), n])).toEqual([[12, 1]]);
    timer.end();
  });
});

describe('calls of scripts', () => {
  afterEach(() => {
    clock.isFake = false;
  });

  it('share a look at the clock, in proportion to what they take alone', () => {
    const { script, get, set } = rig();
    for (let i = 0; i < 8000; i++) {
      script([
        [get, 0.001],
        [set, 0.003],
        [get, 0.001],
      ]);
    }
    expect(clock.looks).toBeLessThan(8000 * 2.5);
    expect([get.calls, set.calls]).toEqual([16_000, 8000]);
    expect(get.microseconds).toBeCloseTo(16_000, 1);
    expect(set.microseconds).toBeCloseTo(24_000, 1);
    expect(set.latency.total + set.unsampledCalls).toBe(8000);
    expect(set.latency.total).toBeGreaterThan(8000 / 20);
  });

  it('have a sum that is exact where their times vary', () => {
    const { script, get, set } = rig();
    let sum = 0;
    for (let i = 1; i <= 3000; i++) {
      const ms = (i % 7) / 1000;
      script([
        [get, ms],
        [set, 2 * ms],
      ]);
      sum += 3 * ms;
    }
    expect(get.microseconds + set.microseconds).toBeCloseTo(1000 * sum, 3);
    expect(set.microseconds / get.microseconds).toBeCloseTo(2, 1);
  });

  it('tell of the one that took long, by its name', () => {
    const { script, noticed, get, set } = rig(10);
    for (let i = 0; i < 50; i++) script([[get, 0.001]]);
    for (let i = 0; i < 50; i++) script([[set, 20]], false);
    expect(noticed.map(([name]) => name)).toEqual(Array(50).fill('set'));
    expect(get.microseconds).toBeCloseTo(50, 3);
    const before = noticed.length;
    script([
      [get, 30],
      [get, 0.001],
    ]);
    script([[get, 30]]);
    expect(noticed.slice(before).at(-1)).toEqual(['get', 30, 1]);
  });
});

describe('calls of a server', () => {
  it('counts the time of a script in EXEC as its own, too', async () => {
    const server = await startServer();
    const client = await connectTo(server);
    const busy = "redis.call('SET', 'k', 'v') for i = 1, 3e5 do end return redis.call('GET', 'k')";
    client.send('MULTI');
    client.send('EVAL', busy, '0');
    client.send('EXEC');
    for (let i = 0; i < 3; i++) await client.receive();
    const [exec, script, get] = ['exec', 'eval', 'get'].map(
      (name) => server.commands.byName(name)!.microseconds,
    );
    // The work of the script lies before its GET.
    expect(get).toBeGreaterThan(300);
    expect(script).toBeGreaterThan(get!);
    expect(exec).toBeGreaterThan(script!);
  });

  it('a script that runs in several turns counts once, and is in the slow log once', async () => {
    const server = await startServer({ 'slowlog-log-slower-than': '30000' });
    const client = await connectTo(server);
    const loop = 'local n = 0; while n < tonumber(ARGV[1]) do n = n + 1 end; return n';
    let rounds = 2_000_000;
    // Doubles the work until it takes longer than one turn may.
    for (let calls = 1; server.slowLog.length === 0; calls++) {
      await client.call('EVAL', loop, '0', String(rounds));
      expect(server.commands.byName('eval')!.calls).toBe(calls);
      rounds *= 2;
    }
    expect(server.slowLog.length).toBe(1);
    expect(server.commands.byName('eval')!.latency.max).toBeGreaterThan(30_000_000);
    expect(Buffer.from(server.slowLog.latest(1)[0]!.args[2]!).toString()).toBe('0');
  });

  it('what is redacted in MONITOR is redacted in the slow log', async () => {
    const server = await startServer({ 'slowlog-log-slower-than': '0' });
    const client = await connectTo(server);
    await client.call('AUTH', 'secret');
    await client.call('HELLO', '3', 'AUTH', 'default', 'secret');
    const shown = server.slowLog.latest(10).flatMap(({ args }) => args.map(String));
    expect(server.slowLog.length).toBeGreaterThan(1);
    expect(shown.join(' ')).not.toContain('secret');
  });

  it('keeps the longest of each second as an event, fast commands by themselves', async () => {
    let now = 1_000_000;
    const server = await startServer({ 'latency-monitor-threshold': '5' }, { now: () => now });
    const { latency } = server;
    for (const ms of [4.9, 5, 7.6, 6]) latency.add('command', ms);
    now += 3000;
    latency.add('command', 9);
    latency.add('fast-command', 100);
    expect(latency.event('command')).toEqual({
      name: 'command',
      maxMs: 9,
      samples: [
        { seconds: 1000, ms: 7 },
        { seconds: 1003, ms: 9 },
      ],
    });
    for (let i = 0; i < 400; i++) {
      now += 1000;
      latency.add('command', 8);
    }
    expect(latency.event('command')!.samples).toHaveLength(160);
    const client = await connectTo(server);
    const graph = await client.call('LATENCY', 'GRAPH', 'fast-command');
    expect(String('bytes' in graph && graph.bytes)).toMatch(/high 100 ms[\s\S]*#\n\n6\n/);
    expect(latency.reset(['command', 'nosuch'])).toBe(1);
  });
});
