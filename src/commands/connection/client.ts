/**
 * CLIENT: the container and its HELP.
 */
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';
import {
  clientGetname,
  clientId,
  clientInfo,
  clientSetinfo,
  clientSetname,
} from './client-identity.ts';
import { clientKill } from './client-kill.ts';
import { clientList } from './client-list.ts';
import { clientPause, clientUnblock, clientUnpause } from './client-pause.ts';
import { clientNoEvict, clientNoTouch, clientReply } from './client-state.ts';
import {
  clientCaching,
  clientGetredir,
  clientTracking,
  clientTrackinginfo,
} from './client-tracking.ts';

/** CLIENT subcommand [arg ...] */
export const client = command({
  name: 'client',
  arity: -2,
  group: 'connection',
  since: '2.4.0',
  summary: 'A container for commands about connections.',
  complexity: 'Depends on subcommand.',
  flags: ['keeps_caching'],
  subcommands: [
    clientCaching,
    clientGetname,
    clientGetredir,
    helpCommand('connection', '5.0.0', [
      'CACHING (YES|NO)',
      '    Whether the keys of the next command are tracked (OPTIN, OPTOUT).',
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
      'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]',
      '    Tells this connection, or another one, of keys that it has read and that change.',
      'UNBLOCK <id> [TIMEOUT|ERROR]',
      '    Ends the wait of a blocked client.',
    ]),
    clientId,
    clientInfo,
    clientKill,
    clientList,
    clientNoEvict,
    clientNoTouch,
    clientPause,
    clientReply,
    clientSetinfo,
    clientSetname,
    clientTracking,
    clientTrackinginfo,
    clientUnblock,
    clientUnpause,
  ],
});
