/** Switches of the own connection: CLIENT REPLY, NO-EVICT, NO-TOUCH. */
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import { command } from '../spec.ts';

const own = {
  group: 'connection',
  complexity: 'O(1)',
  flags: ['noscript', 'loading', 'stale'],
} as const;

/** Argument 2 as ON or OFF. */
function switchArgument(args: Args): boolean {
  const on = args.is(2, 'ON');
  if (!on && !args.is(2, 'OFF')) throw errors.syntax;
  return on;
}

/** CLIENT REPLY ON | OFF | SKIP */
export const clientReply = command({
  ...own,
  name: 'reply',
  arity: 3,
  since: '3.2.0',
  summary: 'Turns replies to this connection on or off, or leaves the next one out.',
  syntax: '<ON | OFF | SKIP>',

  run(ctx, args, reply) {
    const { session } = ctx;
    if (args.is(2, 'ON')) {
      session.replyMode = 'on';
      reply.ok();
    } else if (args.is(2, 'OFF')) session.replyMode = 'off';
    else if (args.is(2, 'SKIP')) {
      if (session.replyMode !== 'off') session.replyMode = 'skipNext';
    } else throw errors.syntax;
  },
});

/** CLIENT NO-EVICT ON | OFF */
export const clientNoEvict = command({
  ...own,
  name: 'no-evict',
  arity: 3,
  since: '7.0.0',
  summary: 'Protects this connection from being ended for want of memory.',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  syntax: '<ON | OFF>',

  run(ctx, args, reply) {
    ctx.session.noEvict = switchArgument(args);
    reply.ok();
  },
});

/** CLIENT NO-TOUCH ON | OFF */
export const clientNoTouch = command({
  ...own,
  name: 'no-touch',
  arity: 3,
  since: '7.2.0',
  summary: 'Lets the commands of this connection leave access times alone.',
  syntax: '<ON | OFF>',

  run(ctx, args, reply) {
    ctx.session.noTouch = switchArgument(args);
    reply.ok();
  },
});
