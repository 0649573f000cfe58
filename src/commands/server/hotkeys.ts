/**
 * HOTKEYS of Redis 8.6: which keys take the most time and the most bytes.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { helpCommand } from '../help.ts';
import { intArgument } from '../integers.ts';
import type { HotKeysOptions, HotKeysReport } from '../ports/observation.ts';
import { command } from '../spec.ts';

const common = {
  group: 'server',
  flags: ['admin', 'noscript'],
  since: '8.6.0',
} as const;

/** Kinds of metrics that there are. */
const METRICS_MAX = 2;
const LAST_SLOT = 16383;

const refusal = {
  started: new CommandError('ERR hotkey tracking session already in progress'),
  running: new CommandError('ERR hotkey tracking session in progress, stop tracking first'),
  noMetrics: new CommandError('ERR METRICS parameter is required'),
  metricsCount: new CommandError(`ERR METRICS count must be > 0 and <= ${METRICS_MAX}`),
  cpuTwice: new CommandError('ERR METRICS CPU defined more than once!'),
  netTwice: new CommandError('ERR METRICS NET defined more than once!'),
  mismatch: new CommandError('ERR METRICS count does not match number of metric types provided'),
  unknownMetrics: new CommandError('ERR METRICS no valid metrics passed. Supported: CPU|NET'),
  count: new CommandError('ERR COUNT must be between 1 and 64'),
  duration: new CommandError('ERR DURATION must be between 1 and 1000000'),
  sample: new CommandError('ERR SAMPLE ratio must be positive'),
  slots: new CommandError('ERR SLOTS parameter cannot be used in non-cluster mode'),
};

/** The whole number in argument `i`, within bounds. */
function within(args: Args, i: number, least: number, most: number, error: CommandError): number {
  if (i >= args.argc) throw errors.syntax;
  const value = intArgument(args, i, error);
  if (value < least || value > most) throw error;
  return value;
}

/** METRICS count [CPU] [NET], from argument 2 on; words that are no metric are passed over. */
function metricsOf(args: Args): { cpu: boolean; net: boolean; end: number } {
  if (args.argc < 4 || !args.is(2, 'METRICS')) throw refusal.noMetrics;
  const count = within(args, 3, 1, METRICS_MAX, refusal.metricsCount);
  const end = 4 + count;
  if (end > args.argc) throw refusal.mismatch;
  let cpu = false;
  let net = false;
  for (let i = 4; i < end; i++) {
    if (args.is(i, 'CPU')) {
      if (cpu) throw refusal.cpuTwice;
      cpu = true;
    } else if (args.is(i, 'NET')) {
      if (net) throw refusal.netTwice;
      net = true;
    }
  }
  if (!cpu && !net) throw refusal.unknownMetrics;
  return { cpu, net, end };
}

function optionsOf(args: Args): HotKeysOptions {
  const { cpu, net, end } = metricsOf(args);
  let count = 10;
  let durationMs = 0;
  let sample = 1;
  for (let i = end; i < args.argc; i += 2) {
    if (args.is(i, 'COUNT')) count = within(args, i + 1, 1, 64, refusal.count);
    else if (args.is(i, 'DURATION')) {
      durationMs = within(args, i + 1, 1, 1_000_000, refusal.duration) * 1000;
    } else if (args.is(i, 'SAMPLE')) {
      sample = within(args, i + 1, 1, 2 ** 31 - 1, refusal.sample);
    } else if (args.is(i, 'SLOTS')) throw refusal.slots;
    else throw errors.syntax;
  }
  return { cpu, net, count, durationMs, sample };
}

/** HOTKEYS START METRICS count [CPU] [NET] [COUNT k] [DURATION seconds] [SAMPLE ratio] */
const start = command({
  ...common,
  name: 'start',
  arity: -2,
  summary: 'Begins to collect which keys take the most time and bytes.',
  complexity: 'O(1)',
  syntax: '<METRICS count [CPU] [NET]> [COUNT k:integer] [DURATION seconds] [SAMPLE ratio:integer]',

  run(ctx, args, reply) {
    const { hotKeys } = ctx.server;
    hotKeys.checkDuration();
    if (hotKeys.isActive) throw refusal.started;
    hotKeys.start(optionsOf(args));
    reply.ok();
  },
});

/** HOTKEYS STOP */
const stop = command({
  ...common,
  name: 'stop',
  arity: 2,
  summary: 'Stops collecting; what was collected stays.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    if (ctx.server.hotKeys.stop()) reply.ok();
    else reply.null();
  },
});

/** HOTKEYS RESET */
const reset = command({
  ...common,
  name: 'reset',
  arity: 2,
  summary: 'Forgets what was collected.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    const { hotKeys } = ctx.server;
    hotKeys.checkDuration();
    if (hotKeys.isActive) throw refusal.running;
    hotKeys.reset();
    reply.ok();
  },
});

/** HOTKEYS GET */
const get = command({
  ...common,
  name: 'get',
  arity: 2,
  summary: 'Returns what was collected: totals, and the keys with the most time and bytes.',
  complexity: 'O(N log N) where N is the number of keys collected, at most 4096',
  tips: ['nondeterministic_output'],

  run(ctx, _args, reply) {
    const report = ctx.server.hotKeys.report();
    if (report === undefined) reply.nullArray();
    else writeReport(reply, report);
  },
});

function writeReport(reply: Reply, report: HotKeysReport): void {
  const { byCpu, byNet } = report;
  const field = (name: string, value: number) => {
    reply.bulkLatin1(name);
    reply.int(value);
  };
  reply.array(1);
  reply.map(7 + (byCpu === undefined ? 0 : 3) + (byNet === undefined ? 0 : 2));
  field('tracking-active', report.isActive ? 1 : 0);
  field('sample-ratio', report.sample);
  reply.bulkLatin1('selected-slots');
  reply.array(1);
  reply.array(2);
  reply.int(0);
  reply.int(LAST_SLOT);
  field('all-commands-all-slots-us', report.allMicros);
  field('net-bytes-all-commands-all-slots', report.allBytes);
  field('collection-start-time-unix-ms', report.startMs);
  field('collection-duration-ms', report.durationMs);
  if (byCpu !== undefined) {
    field('total-cpu-time-user-ms', report.userMs);
    field('total-cpu-time-sys-ms', report.systemMs);
  }
  if (byNet !== undefined) field('total-net-bytes', report.netBytes);
  if (byCpu !== undefined) writeKeys(reply, 'by-cpu-time-us', byCpu);
  if (byNet !== undefined) writeKeys(reply, 'by-net-bytes', byNet);
}

function writeKeys(reply: Reply, name: string, keys: readonly (readonly [string, number])[]): void {
  reply.bulkLatin1(name);
  reply.array(keys.length * 2);
  for (const [key, amount] of keys) {
    reply.bulkLatin1(key);
    reply.int(amount);
  }
}

/** HOTKEYS START | STOP | GET | RESET | HELP */
export const hotkeys = command({
  name: 'hotkeys',
  arity: -2,
  group: 'server',
  since: '8.6.0',
  summary: 'A container for commands about the keys that take the most time and bytes.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    get,
    helpCommand('server', '8.6.0', [
      'START METRICS <count> [CPU] [NET] [COUNT <k>] [DURATION <seconds>] [SAMPLE <ratio>]',
      '    Begins to collect time (CPU) or bytes (NET) of keys. GET shows the <k> largest,',
      '    10 by default, 64 at most. Ends after <seconds>, or with STOP. With SAMPLE one of',
      '    <ratio> commands is looked at.',
      'STOP',
      '    Stops collecting. GET still shows what was collected.',
      'GET',
      '    What was collected.',
      'RESET',
      '    Forgets it, after STOP.',
    ]),
    reset,
    start,
    stop,
  ],
});
