/**
 * SUBSCRIBE and UNSUBSCRIBE in their three kinds: channels, patterns, shard channels. Their
 * replies are pushes, one for each name, which CLIENT REPLY does not leave out.
 */
import { encodeConfirmation } from '../../pubsub/messages.ts';
import { subscriptionCost, type TopicKind } from '../../pubsub/topic.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { heapGuard } from '../../util/heap-guard.ts';
import type { Context } from '../context.ts';
import { command, keyRange } from '../spec.ts';

const notWhereNothingWaits = new CommandError(
  "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client",
);

/**
 * A confirmation is a reply, in its place among others, though CLIENT REPLY does not leave it out.
 */
function confirm(ctx: Context, reply: Reply, kind: TopicKind, name: string | undefined): void {
  const { session } = ctx;
  const count = session.subscriptions?.count(kind) ?? 0;
  const confirmation = encodeConfirmation(session.respVersion, ctx.command.name, name, count);
  if (session.isMuted) session.sendMessage(confirmation);
  else reply.raw(confirmation);
}

/** All are subscribed to, or where the heap has no room for that, none. */
function subscribeAll(ctx: Context, args: Args, reply: Reply, kind: TopicKind): void {
  heapGuard.require(subscriptionCost(args.byteLength, args.argc - 1));
  for (let i = 1; i < args.argc; i++) {
    const name = args.latin1(i);
    ctx.server.pubsub.subscribe(ctx.session, kind, name);
    confirm(ctx, reply, kind, name);
  }
}

/** One after the other: there may be more of them than the heap has room for. */
function* namesOf(args: Args): Generator<string> {
  for (let i = 1; i < args.argc; i++) yield args.latin1(i);
}

/** Ends the subscriptions named, or without names all of the kind. */
function unsubscribeAll(ctx: Context, args: Args, reply: Reply, kind: TopicKind): void {
  const names = args.argc > 1 ? namesOf(args) : [...(ctx.session.subscriptions?.[kind] ?? [])];
  let count = 0;
  for (const name of names) {
    count++;
    ctx.server.pubsub.unsubscribe(ctx.session, kind, name);
    confirm(ctx, reply, kind, name);
  }
  if (count === 0) confirm(ctx, reply, kind, undefined);
}

const common = {
  group: 'pubsub',
  since: '2.0.0',
  flags: ['pubsub', 'noscript', 'loading', 'stale', 'subscriber'],
} as const;

/** SUBSCRIBE channel [channel ...] */
export const subscribe = command({
  ...common,
  channels: { all: true, arePatterns: false },
  name: 'subscribe',
  arity: -2,
  summary: 'Has this connection sent what is published to the channels.',
  complexity: 'O(N) where N is the number of channels to subscribe to.',
  syntax: 'channel:string [channel:string ...]',
  run: (ctx, args, reply) => subscribeAll(ctx, args, reply, 'channel'),
});

/** UNSUBSCRIBE [channel [channel ...]] */
export const unsubscribe = command({
  ...common,
  name: 'unsubscribe',
  arity: -1,
  summary: 'Ends subscriptions to channels, to all when none is named.',
  complexity: 'O(N) where N is the number of clients already subscribed to a channel.',
  syntax: '[channel:string [channel:string ...]]',
  run: (ctx, args, reply) => unsubscribeAll(ctx, args, reply, 'channel'),
});

/** PSUBSCRIBE pattern [pattern ...] */
export const psubscribe = command({
  ...common,
  channels: { all: true, arePatterns: true },
  name: 'psubscribe',
  arity: -2,
  summary: 'Has this connection sent what is published to channels that match the patterns.',
  complexity: 'O(N) where N is the number of patterns the client is already subscribed to.',
  syntax: 'pattern [pattern ...]',
  run: (ctx, args, reply) => subscribeAll(ctx, args, reply, 'pattern'),
});

/** PUNSUBSCRIBE [pattern [pattern ...]] */
export const punsubscribe = command({
  ...common,
  name: 'punsubscribe',
  arity: -1,
  summary: 'Ends subscriptions to patterns, to all when none is named.',
  complexity:
    'O(N+M) where N is the number of patterns the client is already subscribed and M is the ' +
    'number of total patterns subscribed in the system (by any client).',
  syntax: '[pattern [pattern ...]]',
  run: (ctx, args, reply) => unsubscribeAll(ctx, args, reply, 'pattern'),
});

/** SSUBSCRIBE shardchannel [shardchannel ...] */
export const ssubscribe = command({
  ...common,
  channels: { all: true, arePatterns: false },
  name: 'ssubscribe',
  arity: -2,
  since: '7.0.0',
  summary: 'Has this connection sent what is published to the shard channels.',
  complexity: 'O(N) where N is the number of shard channels to subscribe to.',
  keys: [keyRange(1, -1, 1, 'not_key')],
  syntax: 'shardchannel:string [shardchannel:string ...]',

  run(ctx, args, reply) {
    if (!ctx.mayBlock) throw notWhereNothingWaits;
    subscribeAll(ctx, args, reply, 'shardChannel');
  },
});

/** SUNSUBSCRIBE [shardchannel [shardchannel ...]] */
export const sunsubscribe = command({
  ...common,
  name: 'sunsubscribe',
  arity: -1,
  since: '7.0.0',
  summary: 'Ends subscriptions to shard channels, to all when none is named.',
  complexity: 'O(N) where N is the number of clients already subscribed to a shard channel.',
  keys: [keyRange(1, -1, 1, 'not_key')],
  syntax: '[shardchannel:string [shardchannel:string ...]]',
  run: (ctx, args, reply) => unsubscribeAll(ctx, args, reply, 'shardChannel'),
});
