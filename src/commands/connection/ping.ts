/**
 * PING and ECHO.
 */
import { wrongArity } from '../../util/errors.ts';
import { command } from '../spec.ts';

/** PING [message] */
export const ping = command({
  name: 'ping',
  arity: -1,
  group: 'connection',
  since: '1.0.0',
  summary: 'Returns PONG, or the message: a sign of life.',
  complexity: 'O(1)',
  flags: ['fast', 'subscriber', 'fails_with_disk'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  syntax: '[message]',

  run(ctx, args, reply) {
    if (args.argc > 2) throw wrongArity('ping');
    const { respVersion, subscriptions } = ctx.session;
    if (respVersion === 2 && subscriptions !== undefined) {
      // Among messages it must look like one.
      reply.array(2);
      reply.bulkLatin1('pong');
      if (args.argc === 1) reply.bulkLatin1('');
      else reply.bulk(args.buf, args.off[1]!, args.len[1]!);
      return;
    }
    if (args.argc === 1) reply.pong();
    else reply.bulk(args.buf, args.off[1]!, args.len[1]!);
  },
});

/** ECHO message */
export const echo = command({
  name: 'echo',
  arity: 2,
  group: 'connection',
  since: '1.0.0',
  summary: 'Returns the message.',
  complexity: 'O(1)',
  flags: ['loading', 'stale', 'fast'],
  syntax: 'message',

  run(_ctx, args, reply) {
    reply.bulk(args.buf, args.off[1]!, args.len[1]!);
  },
});
