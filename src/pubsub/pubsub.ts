/**
 * Publish and subscribe: who listens to which channels, patterns and shard channels, and the way of
 * a message to them. It knows no socket and no command. Names are latin1 text, so any bytes will
 * do.
 *
 * A message is encoded once for each protocol version and channel or pattern, however many receive
 * it. It goes to the channel's subscribers in the order in which they came, then to each pattern's.
 * Invariants: a topic without subscribers is not kept; a subscriber's `subscriptions` name exactly
 * the topics that have it among their subscribers. Source: behaviour of redis-server 7.0.15.
 */
import { heapGuard } from '../util/heap-guard.ts';
import { MessageEncoder, messageHead } from './messages.ts';
import { Patterns } from './patterns.ts';
import {
  type Subscriber,
  Subscriptions,
  subscriptionCost,
  Topic,
  type TopicKind,
} from './topic.ts';

/** A channel or shard channel. */
class Channel extends Topic {
  /** The beginning of its messages. */
  readonly head: Buffer;

  constructor(name: string, event: string) {
    super(name);
    this.head = messageHead(event, name);
  }
}

/** Channels of one kind. */
class Channels {
  private readonly byName = new Map<string, Channel>();
  /** What their messages are called. */
  private readonly event: string;

  constructor(event: string) {
    this.event = event;
  }

  get size(): number {
    return this.byName.size;
  }

  names(): IterableIterator<string> {
    return this.byName.keys();
  }

  get(name: string): Channel | undefined {
    return this.byName.get(name);
  }

  add(name: string): Channel {
    const channel = new Channel(name, this.event);
    this.byName.set(name, channel);
    return channel;
  }

  remove(name: string): void {
    this.byName.delete(name);
  }
}

export class PubSub {
  private readonly topics = {
    channel: new Channels('message'),
    pattern: new Patterns(),
    shardChannel: new Channels('smessage'),
  };
  private readonly encoder = new MessageEncoder();
  /** Bytes of the tables of all topics, their subscribers' places included. */
  memoryBytes = 0;

  /** How many channels, patterns or shard channels somebody is subscribed to. */
  size(kind: TopicKind): number {
    return this.topics[kind].size;
  }

  /** Their names. */
  names(kind: TopicKind): IterableIterator<string> {
    return this.topics[kind].names();
  }

  /** How many are subscribed to one of them. */
  subscribersOf(kind: TopicKind, name: string): number {
    return this.topics[kind].get(name)?.subscribers.size ?? 0;
  }

  /** Whether nobody could receive a message of `publish`. */
  get isIdle(): boolean {
    return this.topics.channel.size === 0 && this.topics.pattern.size === 0;
  }

  subscribe(subscriber: Subscriber, kind: TopicKind, name: string): void {
    subscriber.subscriptions ??= new Subscriptions();
    if (!subscriber.subscriptions.add(kind, name)) return;
    const topics = this.topics[kind];
    let topic = topics.get(name);
    if (topic === undefined) {
      topic = topics.add(name);
      this.count(subscriptionCost(name.length));
    }
    topic.subscribers.add(subscriber);
  }

  /** Ends a subscription if there is one. */
  unsubscribe(subscriber: Subscriber, kind: TopicKind, name: string): void {
    const { subscriptions } = subscriber;
    if (subscriptions?.remove(kind, name) !== true) return;
    if (subscriptions.size === 0) subscriber.subscriptions = undefined;
    const { subscribers } = this.topics[kind].get(name)!;
    subscribers.delete(subscriber);
    if (subscribers.size > 0) return;
    this.topics[kind].remove(name);
    this.count(-subscriptionCost(name.length));
  }

  private count(bytes: number): void {
    this.memoryBytes += bytes;
    heapGuard.count('subscriptions', bytes);
  }

  /** Ends all subscriptions of a subscriber, and tells it nothing. O(subscriptions). */
  forget(subscriber: Subscriber): void {
    const { subscriptions } = subscriber;
    if (subscriptions === undefined) return;
    for (const kind of ['channel', 'pattern', 'shardChannel'] as const) {
      for (const name of subscriptions[kind]) this.unsubscribe(subscriber, kind, name);
    }
  }

  /** Sends a message to a channel's subscribers and to those of patterns; returns their number. */
  publish(name: string, payload: Uint8Array, off: number, len: number): number {
    const channel = this.topics.channel.get(name);
    let receivers = channel === undefined ? 0 : this.send(channel, channel.head, payload, off, len);
    if (this.topics.pattern.size === 0) return receivers;
    for (const pattern of this.topics.pattern.matching(name)) {
      const head = messageHead('pmessage', pattern.name, name);
      receivers += this.send(pattern, head, payload, off, len);
    }
    return receivers;
  }

  /** Sends a message to a shard channel's subscribers; returns their number. */
  publishShard(name: string, payload: Uint8Array, off: number, len: number): number {
    const channel = this.topics.shardChannel.get(name);
    return channel === undefined ? 0 : this.send(channel, channel.head, payload, off, len);
  }

  /** Sends a message to all who are subscribed; a push may end a subscriber. Returns how many. */
  private send(topic: Topic, head: Buffer, payload: Uint8Array, off: number, len: number): number {
    const { encoder } = this;
    let resp2: Buffer | undefined;
    let resp3: Buffer | undefined;
    let receivers = 0;
    for (const subscriber of topic.subscribers) {
      receivers++;
      if (subscriber.respVersion === 3) {
        resp3 ??= encoder.encode(3, head, payload, off, len);
        subscriber.sendMessage(resp3);
      } else {
        resp2 ??= encoder.encode(2, head, payload, off, len);
        subscriber.sendMessage(resp2);
      }
    }
    return receivers;
  }
}
