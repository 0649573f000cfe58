/**
 * MEMORY: what values cost.
 */
import { errors } from '../../util/errors.ts';
import { helpCommand } from '../help.ts';
import { intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

const usage = command({
  name: 'usage',
  arity: -3,
  group: 'server',
  since: '4.0.0',
  summary: 'Returns how many bytes of memory a key and its value take: exactly, not by sampling.',
  complexity: 'O(1)',
  flags: ['readonly'],
  keys: [keyAt(2, 'RO')],
  syntax: 'key [SAMPLES count]',

  run(ctx, args, reply) {
    for (let i = 3; i < args.argc; i += 2) {
      if (!args.is(i, 'SAMPLES') || i + 1 === args.argc) throw errors.syntax;
      if (intArgument(args, i + 1) < 0) throw errors.syntax;
    }
    const entry = ctx.db.find(args.buf, args.off[2]!, args.len[2]!);
    if (entry === 0) reply.null();
    else reply.int(ctx.db.memoryOf(entry));
  },
});

/** MEMORY USAGE | HELP */
export const memory = command({
  name: 'memory',
  arity: -2,
  group: 'server',
  since: '4.0.0',
  summary: 'A container for commands about memory.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    helpCommand('server', '4.0.0', [
      'USAGE <key> [SAMPLES <count>]',
      '    The bytes that <key> and its value take. SAMPLES is accepted and not needed.',
    ]),
    usage,
  ],
});
