/** Stalls of the event loop, pauses of the collector, and what the log says of a bug. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Context } from '../../src/commands/context.ts';
import { LatencyMonitor } from '../../src/server/latency-monitor.ts';
import type { LongCall } from '../../src/server/slow-calls.ts';
import { StallWatch } from '../../src/server/stall-watch.ts';
import type { Args } from '../../src/util/args.ts';
import { closeAll, connectTo, startServer, until } from '../harness/in-process-server.ts';

afterEach(closeAll);

function rig(periodMs = 0) {
  const at = { ms: 1000, collectorMs: 0, longest: undefined as LongCall | undefined };
  const lines: string[] = [];
  const latency = new LatencyMonitor(() => at.ms);
  latency.thresholdMs = 10;
  const watch = new StallWatch({
    now: () => at.ms,
    hz: () => 10,
    periodMs: () => periodMs,
    takeLongest: () => at.longest,
    collectorMs: () => at.collectorMs,
    latency,
    log: (_level, line) => lines.push(line),
  });
  const tick = (elapsed: number) => {
    at.ms += elapsed;
    watch.tick();
  };
  watch.tick();
  return { at, lines, latency, tick, watch };
}

describe('StallWatch', () => {
  it('measures how late ticks are, and is silent while they are hardly late', () => {
    const { latency, lines, tick, watch } = rig();
    for (let i = 0; i < 100; i++) tick(101);
    tick(115);
    tick(100);
    expect(lines).toEqual([]);
    expect(watch.longestMs).toBe(15);
    expect(watch.delays.total).toBe(102);
    expect(watch.delays.percentile(50)).toBeLessThan(1_020_000);
    expect(latency.event('event-loop')?.maxMs).toBe(15);
  });

  it('names the command, or says that none did it, or that the collector did', () => {
    const { at, lines, tick, watch } = rig();
    at.longest = { command: 'keys', client: '127.0.0.1:5', ms: 1900 };
    tick(2100);
    at.longest = undefined;
    tick(1300);
    tick(1600);
    at.collectorMs = 900;
    tick(100);
    tick(100);
    expect(lines).toEqual([
      "The event loop stood still for 2000 ms: the command 'keys' of 127.0.0.1:5 took 1900 ms.",
      expect.stringMatching(/1200 ms: no command did it/),
      expect.stringMatching(/1500 ms: no command .*; the garbage collector took 900 ms\.$/),
    ]);
    expect(watch.stalls).toBe(3);
  });

  it('heeds watchdog-period', () => {
    const { lines, tick } = rig(200);
    tick(310);
    tick(290);
    tick(100);
    expect(lines).toHaveLength(1);
  });
});

describe('a server', () => {
  it('tells which command held it up', async () => {
    const lines: string[] = [];
    const server = await startServer(
      { 'enable-debug-command': 'yes', 'watchdog-period': '200', hz: '100' },
      { log: (line) => lines.push(line) },
    );
    const client = await connectTo(server);
    await until(() => server.stalls.delays.total > 0);
    await client.call('DEBUG', 'SLEEP', '0.3');
    await until(() => server.stalls.stalls > 0);
    expect(lines.join('')).toMatch(
      /The event loop stood still for \d+ ms: the command 'debug' of 127\.0\.0\.1:\d+ took 3\d\d ms/,
    );
  });

  it('reports a bug with version, command and INFO, without any value', async () => {
    const lines: string[] = [];
    const codes: number[] = [];
    const server = await startServer(
      {},
      { log: (line) => lines.push(line), exit: (code) => codes.push(code) },
    );
    const client = await connectTo(server);
    await client.call('SET', 'secret-key', 'secret-value');
    const command = server.commands.byName('append')!;
    Object.assign(command, {
      run: (ctx: Context, args: Args) => {
        const entry = ctx.db.find(args.buf, args.off[1]!, args.len[1]!);
        ctx.db.setArgument(args, 1, entry, 2, 0, 0);
        ctx.changed('append', args, 1);
        throw new TypeError('what went wrong');
      },
    });
    client.send('APPEND', 'secret-key', 'more-secrets');
    await until(() => codes.length > 0);
    const text = lines.join('');
    expect(codes).toEqual([1]);
    expect(text).toContain('RESPITE BUG REPORT START');
    expect(text).toContain("The command was 'append'.");
    expect(text).toMatch(/TypeError: what went wrong[\s\S]*at .*stalls\.test/);
    expect(text).toContain('redis_version:');
    expect(text).toContain('cmdstat_set:calls=1');
    expect(text).not.toContain('secret');
  });

  it('counts pauses of the garbage collector', async () => {
    const server = await startServer();
    let kept: unknown[] = [];
    const before = server.runtime.pauses.count;
    await until(() => {
      kept = Array.from({ length: 20_000 }, (_, i) => ({ i, kept: kept.length }));
      return server.runtime.pauses.count > before + 3;
    });
    expect(server.runtime.pauses.totalMs).toBeGreaterThan(0);
    expect(server.runtime.heap.usedBytes).toBeGreaterThan(1e6);
    const client = await connectTo(server);
    await client.call('CONFIG', 'RESETSTAT');
    expect(server.runtime.pauses.count).toBeLessThan(before + 3);
  });
});
