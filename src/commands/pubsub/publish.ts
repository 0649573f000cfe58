/**
 * PUBLISH and SPUBLISH.
 */
import { command, keyAt } from '../spec.ts';

const common = {
  group: 'pubsub',
  arity: 3,
  flags: ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'],
  channels: { all: false, arePatterns: false },
} as const;

/** PUBLISH channel message */
export const publish = command({
  ...common,
  name: 'publish',
  since: '2.0.0',
  summary: 'Sends a message to all who are subscribed; returns how many.',
  complexity:
    'O(N+M) where N is the number of clients subscribed to the receiving channel and M is the ' +
    'total number of subscribed patterns (by any client).',
  syntax: 'channel:string message:string',

  run(ctx, args, reply) {
    const { pubsub } = ctx.server;
    ctx.forwardToReplicas();
    reply.int(pubsub.publish(args.latin1(1), args.buf, args.off[2]!, args.len[2]!));
  },
});

/** SPUBLISH shardchannel message */
export const spublish = command({
  ...common,
  name: 'spublish',
  since: '7.0.0',
  summary: 'Sends a message to all who are subscribed to a shard channel; returns how many.',
  complexity: 'O(N) where N is the number of clients subscribed to the receiving shard channel.',
  keys: [keyAt(1, 'not_key')],
  syntax: 'shardchannel:string message:string',

  run(ctx, args, reply) {
    const { pubsub } = ctx.server;
    ctx.forwardToReplicas();
    reply.int(pubsub.publishShard(args.latin1(1), args.buf, args.off[2]!, args.len[2]!));
  },
});
