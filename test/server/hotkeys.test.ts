/** HOTKEYS: what it tells of keys, when it ends, what it refuses; that it is off otherwise. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

async function begin(): Promise<{ server: Server; talker: Talker }> {
  const server = await startServer();
  return { server, talker: await Talker.open(server) };
}

/** What is on while keys are collected. */
function isOn({ slowCalls }: Server): boolean {
  const { sizes } = slowCalls;
  expect(slowCalls.isPrecise).toBe(sizes.requestFrom === 0);
  return slowCalls.noticeMs === 0 && slowCalls.isPrecise;
}

describe('HOTKEYS', () => {
  it('counts the bytes of keys, of requests and replies', async () => {
    const { talker, server } = await begin();
    expect(isOn(server)).toBe(false);
    expect(await talker.ask('HOTKEYS START METRICS 1 NET COUNT 2')).toBe('+OK');
    expect(isOn(server)).toBe(true);
    await talker.ask('SET a 123');
    await talker.ask('GET a');
    await talker.ask('MGET a b');
    await talker.ask('GET c');
    await talker.ask('PING');
    expect(await talker.ask('HOTKEYS STOP')).toBe('+OK');
    expect(isOn(server)).toBe(false);
    await talker.ask('GET c');
    const report = server.hotKeys.report()!;
    // Of the request, of the reply; those of MGET are shared out.
    const set = 29 + 5;
    const get = 20 + 9;
    const mget = 28 + 18;
    expect(report.byNet).toEqual([
      ['a', set + get + mget / 2],
      ['c', 20 + 5],
    ]);
    expect(report.byCpu).toBeUndefined();
    expect(report.allBytes).toBeGreaterThanOrEqual(set + get + mget + 25 + 14 + 7);
    // START itself had come in before.
    expect(report.netBytes).toBeGreaterThanOrEqual(report.allBytes - 66);
  });

  it('takes the time of keys, in transactions and of scripts, too', async () => {
    const { talker, server } = await begin();
    await talker.ask('HOTKEYS START METRICS 2 NET CPU');
    const list = Array.from({ length: 3000 }, (_, i) => `v${i}`).join(' ');
    for (const line of ['MULTI', `RPUSH slow ${list}`, 'LLEN quick', 'EXEC']) {
      await talker.ask(line);
    }
    await talker.ask('EVAL for\ti=1,1e5\tdo\tend 1 script');
    await talker.ask('HOTKEYS STOP');
    const { byCpu, byNet, allMicros } = server.hotKeys.report()!;
    const names = (keys = byCpu) => keys!.map(([key]) => key);
    expect(names()).toContain('slow');
    expect(names()).toContain('script');
    expect(names(byNet)[0]).toBe('slow');
    const sum = byCpu!.reduce((total, [, micros]) => total + micros, 0);
    expect(allMicros).toBeGreaterThanOrEqual(sum - names().length);
  });

  it('finds the hot keys among very many, sampled or not', async () => {
    const { server } = await begin();
    const { hotKeys } = server;
    const get = server.commands.byName('get')!;
    const { Args } = await import('../../src/util/args.ts');
    for (const sample of [1, 10]) {
      hotKeys.start({ cpu: false, net: true, count: 5, durationMs: 0, sample });
      for (let i = 0; i < 60_000; i++) {
        const key = i % 4 === 0 ? `hot:${i % 5}` : `cold:${i}`;
        hotKeys.measured(get, Args.of('GET', key), 10);
      }
      hotKeys.stop();
      const keys = hotKeys.report()!.byNet!.map(([key]) => key);
      expect(keys.sort()).toEqual(['hot:0', 'hot:1', 'hot:2', 'hot:3', 'hot:4']);
      expect(hotKeys.report()!.allBytes).toBe(600_000);
    }
  });

  it('ends after DURATION, with the clock of the server', async () => {
    let now = 1_000_000;
    const server = await startServer({}, { now: () => now });
    const talker = await Talker.open(server);
    await talker.ask('HOTKEYS START METRICS 1 CPU DURATION 2 SAMPLE 3');
    now += 1999;
    expect(await talker.ask('HOTKEYS RESET')).toBe(
      '-ERR hotkey tracking session in progress, stop tracking first',
    );
    now += 500;
    await talker.ask('GET k');
    expect(isOn(server)).toBe(false);
    expect(server.hotKeys.report()).toMatchObject({
      isActive: false,
      sample: 3,
      startMs: 1_000_000,
      durationMs: 2000,
    });
    expect(await talker.ask('HOTKEYS START METRICS 1 NET')).toBe('+OK');
  });

  it('answers as Redis 8.6 does', async () => {
    const { talker } = await begin();
    expect(await talker.ask('HOTKEYS GET')).toBe('*-1');
    expect(await talker.ask('HOTKEYS STOP')).toBe('$-1');
    await talker.ask('HOTKEYS START METRICS 2 CPU NET');
    await talker.ask('HELLO 3');
    const reply = await talker.ask('HOTKEYS GET');
    expect(reply.match(/[a-z]+-[a-z-]+/g)).toEqual([
      'tracking-active',
      'sample-ratio',
      'selected-slots',
      'all-commands-all-slots-us',
      'net-bytes-all-commands-all-slots',
      'collection-start-time-unix-ms',
      'collection-duration-ms',
      'total-cpu-time-user-ms',
      'total-cpu-time-sys-ms',
      'total-net-bytes',
      'by-cpu-time-us',
      'by-net-bytes',
    ]);
    expect(reply).toMatch(/^\*1 %12 \$15 tracking-active :1 \$12 sample-ratio :1 /);
    expect(reply).toContain('selected-slots *1 *2 :0 :16383 ');
    await talker.ask('HOTKEYS STOP');
    expect(await talker.ask('HOTKEYS RESET')).toBe('+OK');
    expect(await talker.ask('HOTKEYS GET')).toBe('_');
  });

  it.each([
    ['', 'METRICS parameter is required'],
    ['METRICS 0 CPU', 'METRICS count must be > 0 and <= 2'],
    ['METRICS 2 CPU', 'METRICS count does not match number of metric types provided'],
    ['METRICS 1 CPU NET', 'syntax error'],
    ['METRICS 2 CPU CPU', 'METRICS CPU defined more than once!'],
    ['METRICS 2 NET NET', 'METRICS NET defined more than once!'],
    ['METRICS 2 GPU TPU', 'METRICS no valid metrics passed. Supported: CPU|NET'],
    ['METRICS 1 CPU COUNT 65', 'COUNT must be between 1 and 64'],
    ['METRICS 1 CPU DURATION 0', 'DURATION must be between 1 and 1000000'],
    ['METRICS 1 CPU SAMPLE 0', 'SAMPLE ratio must be positive'],
    ['METRICS 1 CPU SLOTS 1 0', 'SLOTS parameter cannot be used in non-cluster mode'],
    ['METRICS 1 CPU COUNT', 'syntax error'],
  ])('refuses START %s', async (words, message) => {
    const { talker, server } = await begin();
    expect(await talker.ask(`HOTKEYS START ${words}`.trim())).toBe(`-ERR ${message}`);
    expect(server.hotKeys.isActive).toBe(false);
    expect(await talker.ask('HOTKEYS START METRICS 2 GPU CPU')).toBe('+OK');
    expect(await talker.ask('HOTKEYS START METRICS 1 CPU')).toBe(
      '-ERR hotkey tracking session already in progress',
    );
  });
});
