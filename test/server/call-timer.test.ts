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
  return { timer, noticed, run, get: make('get'), set: make('set') };
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

describe('calls of a server', () => {
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
