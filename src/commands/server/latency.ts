/**
 * LATENCY: what has held up the server, and how long each command takes.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Command } from '../command-table.ts';
import type { Context } from '../context.ts';
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';
import { doctor, graph } from './latency-report.ts';

const common = {
  group: 'server',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const;

function seconds(ctx: Context): number {
  return Math.floor(ctx.server.clock.micros() / 1e6);
}

/** LATENCY DOCTOR */
const doctorCommand = command({
  ...common,
  name: 'doctor',
  arity: 2,
  since: '2.8.13',
  summary: 'Returns a report for people on what has held up the server.',
  complexity: 'O(1)',
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],

  run(ctx, _args, reply) {
    const { latency } = ctx.server;
    reply.verbatim('txt', doctor([...latency.events()], latency.thresholdMs));
  },
});

/** LATENCY GRAPH event */
const graphCommand = command({
  ...common,
  name: 'graph',
  arity: 3,
  since: '2.8.13',
  summary: 'Returns a picture of how long an event took each time.',
  complexity: 'O(1)',
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
  syntax: 'event',

  run(ctx, args, reply) {
    const name = args.latin1(2);
    const event = ctx.server.latency.event(name);
    if (event === undefined) {
      throw new CommandError(`ERR No samples available for event '${args.cString(2)}'`);
    }
    reply.verbatim('txt', graph(event, seconds(ctx)));
  },
});

/** LATENCY HISTORY event */
const history = command({
  ...common,
  name: 'history',
  arity: 3,
  since: '2.8.13',
  summary: 'Returns when an event happened and how long it took.',
  complexity: 'O(1)',
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
  syntax: 'event',

  run(ctx, args, reply) {
    const samples = ctx.server.latency.event(args.latin1(2))?.samples ?? [];
    reply.array(samples.length);
    for (const sample of samples) {
      reply.array(2);
      reply.int(sample.seconds);
      reply.int(sample.ms);
    }
  },
});

/** LATENCY LATEST */
const latest = command({
  ...common,
  name: 'latest',
  arity: 2,
  since: '2.8.13',
  summary: 'Returns for each event its latest and its longest time.',
  complexity: 'O(1)',
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],

  run(ctx, _args, reply) {
    const events = [...ctx.server.latency.events()];
    reply.array(events.length);
    for (const { name, samples, maxMs } of events) {
      const last = samples.at(-1)!;
      reply.array(4);
      reply.bulkLatin1(name);
      reply.int(last.seconds);
      reply.int(last.ms);
      reply.int(maxMs);
    }
  },
});

/** LATENCY RESET [event ...] */
const reset = command({
  ...common,
  name: 'reset',
  arity: -2,
  since: '2.8.13',
  summary: 'Forgets the named events, or all.',
  complexity: 'O(1)',
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  syntax: '[event [event ...]]',

  run(ctx, args, reply) {
    const names: string[] = [];
    for (let i = 2; i < args.argc; i++) names.push(args.latin1(i));
    reply.int(ctx.server.latency.reset(names));
  },
});

/** The commands that arguments from 2 on name, or all; of a container its subcommands. */
function chosen(ctx: Context, args: Args): Command[] {
  const { commands } = ctx.server;
  const found: Command[] = args.argc === 2 ? [...commands] : [];
  for (let i = 2; i < args.argc; i++) {
    const named = commands.byName(args.latin1(i));
    if (named !== undefined) found.push(named);
  }
  return found.flatMap((each) => [each, ...(each.subcommands ?? [])]);
}

function replyHistogram(found: Command, reply: Reply): void {
  reply.bulkLatin1(found.fullName);
  reply.map(2);
  reply.bulkLatin1('calls');
  reply.int(found.latency.total);
  reply.bulkLatin1('histogram_usec');
  const mark = reply.beginDeferred();
  let bounds = 0;
  found.latency.forEachPower((nanoseconds, calls) => {
    // The last duration that redis-server counts as this one: it has 128 steps per power of two.
    const highest = nanoseconds + nanoseconds / 128 - 1;
    reply.int(Math.floor(highest / 1000));
    reply.int(calls);
    bounds++;
  });
  reply.endMap(mark, bounds);
}

/** LATENCY HISTOGRAM [command ...] */
const histogram = command({
  ...common,
  name: 'histogram',
  arity: -2,
  since: '7.0.0',
  summary: 'Returns how many calls of commands took up to 1, 2, 4, 8, … microseconds.',
  complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
  syntax: '[command [command ...]]',

  run(ctx, args, reply) {
    const commands = chosen(ctx, args).filter(({ latency }) => latency.total > 0);
    reply.map(commands.length);
    for (const each of commands) replyHistogram(each, reply);
  },
});

/** LATENCY DOCTOR | GRAPH | HELP | HISTOGRAM | HISTORY | LATEST | RESET */
export const latency = command({
  name: 'latency',
  arity: -2,
  group: 'server',
  since: '2.8.13',
  summary: 'A container for commands about what takes long.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    doctorCommand,
    graphCommand,
    helpCommand('server', '2.8.13', [
      'DOCTOR',
      '    A report on all events, with advice.',
      'GRAPH <event>',
      '    A picture of the times of an event.',
      'HISTOGRAM [<command> ...]',
      '    How many calls of each command took up to 1, 2, 4, 8, ... microseconds.',
      'HISTORY <event>',
      '    When an event happened and how many milliseconds it took.',
      'LATEST',
      '    For each event its latest and its longest time.',
      'RESET [<event> ...]',
      '    Forgets events.',
    ]),
    histogram,
    history,
    latest,
    reset,
  ],
});
