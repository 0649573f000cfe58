/**
 * MONITOR. What is shown, and how, is the server's (src/server/monitors.ts).
 */
import { CommandError } from '../../util/errors.ts';
import { command } from '../spec.ts';

const notHere = new CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client");

/** MONITOR */
export const monitor = command({
  name: 'monitor',
  arity: 1,
  group: 'server',
  since: '1.0.0',
  summary: 'Shows this connection all commands of all clients from now on.',
  complexity: 'O(1), and for every command O(N) where N is the number of monitors',
  flags: ['admin', 'noscript', 'loading', 'stale'],

  run(ctx, _args, reply) {
    if (!ctx.mayBlock) throw notHere;
    // As Redis: who monitors already is not answered.
    if (ctx.session.isMonitor || ctx.session.type === 'replica') return;
    ctx.server.monitors.add(ctx.session);
    reply.ok();
  },
});
