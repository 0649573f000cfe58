/**
 * CLIENT: the container, and the switches of the own connection: REPLY, NO-EVICT, NO-TOUCH,
 * GETREDIR, TRACKINGINFO.
 */
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';
import {
  clientKill,
  clientList,
  clientPause,
  clientUnblock,
  clientUnpause,
} from './client-list.ts';
import {
  clientGetname,
  clientId,
  clientInfo,
  clientSetinfo,
  clientSetname,
} from './client-name.ts';

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

const reply = command({
  ...own,
  name: 'reply',
  arity: 3,
  since: '3.2.0',
  summary: 'Turns replies to this connection on or off, or leaves the next one out.',
  syntax: '[ON | OFF | SKIP]',

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

const noEvict = command({
  ...own,
  name: 'no-evict',
  arity: 3,
  since: '7.0.0',
  summary: 'Protects this connection from being ended for want of memory.',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  syntax: '[ON | OFF]',

  run(ctx, args, reply) {
    ctx.session.noEvict = switchArgument(args);
    reply.ok();
  },
});

const noTouch = command({
  ...own,
  name: 'no-touch',
  arity: 3,
  since: '7.2.0',
  summary: 'Lets the commands of this connection leave access times alone.',
  syntax: '[ON | OFF]',

  run(ctx, args, reply) {
    ctx.session.noTouch = switchArgument(args);
    reply.ok();
  },
});

const getredir = command({
  ...own,
  name: 'getredir',
  arity: 2,
  since: '6.0.0',
  summary: 'Answers where invalidation messages go; -1, as tracking is off.',

  run(_ctx, _args, reply) {
    reply.int(-1);
  },
});

const trackinginfo = command({
  ...own,
  name: 'trackinginfo',
  arity: 2,
  since: '6.2.0',
  summary: 'Answers how client-side caching is set up for this connection.',

  run(_ctx, _args, reply) {
    reply.map(3);
    reply.bulkLatin1('flags');
    reply.set(1);
    reply.bulkLatin1('off');
    reply.bulkLatin1('redirect');
    reply.int(-1);
    reply.bulkLatin1('prefixes');
    reply.array(0);
  },
});

/** CLIENT subcommand [arg ...] */
export const client = command({
  name: 'client',
  arity: -2,
  group: 'connection',
  since: '2.4.0',
  summary: 'A container for commands about connections.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    clientGetname,
    getredir,
    helpCommand('client', 'connection', '5.0.0', [
      'GETNAME, SETNAME <name>, ID, INFO',
      '    The name, number and state of this connection.',
      'GETREDIR, TRACKINGINFO',
      '    How client-side caching is set up.',
      'KILL <ip:port> | <filter> <value> [<filter> <value> ...]',
      '    Ends connections; filters: ID, TYPE, USER, ADDR, LADDR, MAXAGE, SKIPME.',
      'LIST [TYPE <type>] [ID <id> [<id> ...]]',
      '    A line about each connection.',
      'NO-EVICT (ON|OFF), NO-TOUCH (ON|OFF), REPLY (ON|OFF|SKIP)',
      '    Switches of this connection.',
      'PAUSE <milliseconds> [WRITE|ALL], UNPAUSE',
      '    Makes commands wait; lets them go on.',
      'SETINFO (LIB-NAME|LIB-VER) <value>',
      '    Notes the library in use.',
      'UNBLOCK <id> [TIMEOUT|ERROR]',
      '    Ends the wait of a blocked client.',
    ]),
    clientId,
    clientInfo,
    clientKill,
    clientList,
    noEvict,
    noTouch,
    clientPause,
    reply,
    clientSetinfo,
    clientSetname,
    trackinginfo,
    clientUnblock,
    clientUnpause,
  ],
});
