/**
 * MEMORY: what values cost, and where the memory is.
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

const reports = {
  arity: 2,
  group: 'server',
  since: '4.0.0',
  flags: [],
  syntax: '',
} as const;
const everywhere = ['nondeterministic_output', 'request_policy:all_shards'];

const stats = command({
  ...reports,
  name: 'stats',
  summary: 'Returns where the memory is, in bytes.',
  complexity: 'O(1)',
  tips: [...everywhere, 'response_policy:special'],

  run(ctx, _args, reply) {
    const { parts, databases, rest } = ctx.server.memoryReports.stats();
    reply.map(parts.length + databases.length + rest.length);
    for (const [name, bytes] of parts) {
      reply.bulkString(name);
      reply.int(bytes);
    }
    for (const { index, keys, expires } of databases) {
      reply.bulkString(`db.${index}`);
      reply.map(3);
      reply.bulkString('overhead.hashtable.main');
      reply.int(keys);
      reply.bulkString('overhead.hashtable.expires');
      reply.int(expires);
      reply.bulkString('overhead.hashtable.slot-to-keys');
      reply.int(0);
    }
    for (const [name, value, isRatio] of rest) {
      reply.bulkString(name);
      if (isRatio) reply.double(value);
      else reply.int(value);
    }
  },
});

const doctor = command({
  ...reports,
  name: 'doctor',
  summary: 'Looks for what is wrong with the memory and says what to do about it.',
  complexity: 'O(1)',
  tips: [...everywhere, 'response_policy:special'],

  run(ctx, _args, reply) {
    reply.verbatim('txt', ctx.server.memoryReports.diagnosis());
  },
});

const mallocStats = command({
  ...reports,
  name: 'malloc-stats',
  summary: 'Returns what the allocator holds, by size of block.',
  complexity: 'O(N) where N is the number of segments.',
  tips: [...everywhere, 'response_policy:special'],

  run(ctx, _args, reply) {
    reply.verbatim('txt', ctx.server.memoryReports.allocatorText());
  },
});

const purge = command({
  ...reports,
  name: 'purge',
  summary: 'Gives unused memory back to the system at once.',
  complexity: 'O(N) where N is the memory that is given back; some milliseconds.',
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],

  run(ctx, _args, reply) {
    ctx.server.memoryReports.purge();
    reply.ok();
  },
});

/** MEMORY DOCTOR | MALLOC-STATS | PURGE | STATS | USAGE | HELP */
export const memory = command({
  name: 'memory',
  arity: -2,
  group: 'server',
  since: '4.0.0',
  summary: 'A container for commands about memory.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    doctor,
    helpCommand('server', '4.0.0', [
      'DOCTOR',
      '    What is wrong with the memory, if anything.',
      'MALLOC-STATS',
      '    What the allocator holds, by size of block.',
      'PURGE',
      '    Gives unused memory back to the system at once.',
      'STATS',
      '    Where the memory is, in bytes.',
      'USAGE <key> [SAMPLES <count>]',
      '    The bytes that <key> and its value take. SAMPLES is accepted and not needed.',
    ]),
    mallocStats,
    purge,
    stats,
    usage,
  ],
});
