/**
 * PUBSUB: which channels there are and how many listen to them.
 */
import type { TopicKind } from '../../pubsub/topic.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { globMatchString } from '../../util/glob.ts';
import type { Context } from '../context.ts';
import { helpCommand } from '../help.ts';
import { command } from '../spec.ts';

const common = {
  arity: -2,
  group: 'pubsub',
  since: '2.8.0',
  flags: ['pubsub', 'loading', 'stale'],
} as const;

/** The names that match argument 2, all when it is missing. */
function replyNames(ctx: Context, args: Args, reply: Reply, kind: TopicKind): void {
  if (args.argc > 3) {
    throw new CommandError(
      `ERR unknown subcommand or wrong number of arguments for '${args.cString(1)}'. ` +
        'Try PUBSUB HELP.',
    );
  }
  let names = [...ctx.server.pubsub.names(kind)];
  if (args.argc === 3) {
    const pattern = args.latin1(2);
    names = names.filter((name) => globMatchString(pattern, name, false));
  }
  reply.array(names.length);
  for (const name of names) reply.bulkLatin1(name);
}

/** Each name from argument 2 on with its number of subscribers. */
function replyCounts(ctx: Context, args: Args, reply: Reply, kind: TopicKind): void {
  reply.array((args.argc - 2) * 2);
  for (let i = 2; i < args.argc; i++) {
    const name = args.latin1(i);
    reply.bulkLatin1(name);
    reply.int(ctx.server.pubsub.subscribersOf(kind, name));
  }
}

const channels = command({
  ...common,
  name: 'channels',
  summary: 'Returns the channels that have subscribers.',
  complexity:
    'O(N) where N is the number of active channels, and assuming constant time pattern matching ' +
    '(relatively short channels and patterns)',
  syntax: '[pattern]',
  run: (ctx, args, reply) => replyNames(ctx, args, reply, 'channel'),
});

const numsub = command({
  ...common,
  name: 'numsub',
  summary: 'Returns how many are subscribed to each of the channels.',
  complexity: 'O(N) for the NUMSUB subcommand, where N is the number of requested channels',
  syntax: '[channel:string [channel:string ...]]',
  run: (ctx, args, reply) => replyCounts(ctx, args, reply, 'channel'),
});

const numpat = command({
  ...common,
  name: 'numpat',
  arity: 2,
  summary: 'Returns how many patterns have subscribers.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    reply.int(ctx.server.pubsub.size('pattern'));
  },
});

const shardchannels = command({
  ...common,
  name: 'shardchannels',
  since: '7.0.0',
  summary: 'Returns the shard channels that have subscribers.',
  complexity:
    'O(N) where N is the number of active shard channels, and assuming constant time pattern ' +
    'matching (relatively short shard channels).',
  syntax: '[pattern]',
  run: (ctx, args, reply) => replyNames(ctx, args, reply, 'shardChannel'),
});

const shardnumsub = command({
  ...common,
  name: 'shardnumsub',
  since: '7.0.0',
  summary: 'Returns how many are subscribed to each of the shard channels.',
  complexity:
    'O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels',
  syntax: '[shardchannel:string [shardchannel:string ...]]',
  run: (ctx, args, reply) => replyCounts(ctx, args, reply, 'shardChannel'),
});

/** PUBSUB subcommand [arg ...] */
export const pubsub = command({
  name: 'pubsub',
  arity: -2,
  group: 'pubsub',
  since: '2.8.0',
  summary: 'A container for commands about channels and their subscribers.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    channels,
    helpCommand(
      'pubsub',
      '6.2.0',
      [
        'CHANNELS [<pattern>], SHARDCHANNELS [<pattern>]',
        '    The channels, or shard channels, that have subscribers.',
        'NUMPAT',
        '    The number of patterns that have subscribers.',
        'NUMSUB [<channel> ...], SHARDNUMSUB [<shardchannel> ...]',
        '    The number of subscribers of each, without those of patterns.',
      ],
      ['-pubsub'],
    ),
    numpat,
    numsub,
    shardchannels,
    shardnumsub,
  ],
});
