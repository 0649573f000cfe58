/**
 * What the server is and does: INFO, TIME, LASTSAVE, LOLWUT, SHUTDOWN.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import { intArgument } from '../integers.ts';
import type { ShutdownRequest } from '../ports/lifecycle.ts';
import { command } from '../spec.ts';

/** INFO [section [section ...]] */
export const info = command({
  name: 'info',
  arity: -1,
  group: 'server',
  since: '1.0.0',
  summary: 'Returns figures about the server, in sections.',
  complexity: 'O(1)',
  flags: ['loading', 'stale'],
  categories: ['dangerous'],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  syntax: '[section [section ...]]',

  run(ctx, args, reply) {
    const sections: string[] = [];
    for (let i = 1; i < args.argc; i++) sections.push(args.latin1(i).toLowerCase());
    reply.verbatim('txt', ctx.server.info.text(sections));
  },
});

/** TIME */
export const time = command({
  name: 'time',
  arity: 1,
  group: 'server',
  since: '2.6.0',
  summary: 'Returns the Unix time: seconds, and microseconds within the second.',
  complexity: 'O(1)',
  flags: ['loading', 'stale', 'fast'],
  tips: ['nondeterministic_output'],

  run(ctx, _args, reply) {
    reply.array(2);
    const micros = ctx.server.clock.micros();
    reply.bulkLatin1(String(Math.floor(micros / 1e6)));
    reply.bulkLatin1(String(micros % 1e6));
  },
});

/** LOLWUT [VERSION version] */
export const lolwut = command({
  name: 'lolwut',
  arity: -1,
  group: 'server',
  since: '5.0.0',
  summary: 'Draws something, and tells the version.',
  complexity: 'O(N) where N is the size of the drawing.',
  flags: ['readonly', 'fast'],
  syntax: '[VERSION version:integer]',

  run(ctx, args, reply) {
    if (args.argc > 2 && args.is(1, 'VERSION')) intArgument(args, 2);
    const { random } = ctx.keyspace;
    const rows: string[] = [];
    for (let y = 0; y < 6; y++) {
      let row = '';
      for (let x = 0; x < 40; x++) row += random() < 0.5 ? '\u2571' : '\u2572';
      rows.push(row);
    }
    reply.verbatim('txt', `${rows.join('\n')}\nRedis ver. ${ctx.server.lifecycle.version}\n`);
  },
});

function shutdownRequest(args: Args): ShutdownRequest {
  let save: ShutdownRequest['save'] = 'default';
  let now = false;
  let force = false;
  let abort = false;
  for (let i = 1; i < args.argc; i++) {
    if (args.is(i, 'NOSAVE') && save === 'default') save = 'nosave';
    else if (args.is(i, 'SAVE') && save === 'default') save = 'save';
    else if (args.is(i, 'NOW')) now = true;
    else if (args.is(i, 'FORCE')) force = true;
    else if (args.is(i, 'ABORT')) abort = true;
    else throw errors.syntax;
  }
  if (abort && args.argc > 2) throw errors.syntax;
  return { save, now, force, abort };
}

/** SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT] */
export const shutdown = command({
  name: 'shutdown',
  arity: -1,
  group: 'server',
  since: '1.0.0',
  summary: 'Ends the server in an orderly way.',
  complexity: 'O(1) without saving.',
  flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
  syntax: '[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]',

  run(ctx, args, reply) {
    const request = shutdownRequest(args);
    if (request.save !== 'nosave') ctx.server.scripts.checkNotBusy();
    const { lifecycle } = ctx.server;
    const waits = lifecycle.shutdown(request);
    if (request.abort) reply.ok();
    if (!waits) return;
    const { session } = ctx;
    const onTimeout = (r: Reply) => {
      lifecycle.awaitNoMore(session);
      r.error('UNBLOCKED client unblocked via CLIENT UNBLOCK');
    };
    ctx.block({ args, keys: [], type: -1, untilMs: 0, onTimeout }, reply);
    lifecycle.awaitEnd(session);
  },
});
