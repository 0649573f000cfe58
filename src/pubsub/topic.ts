/**
 * Something to subscribe to (a channel, a pattern, a shard channel) and who did, oldest first.
 */

/** Whoever takes messages; a session. */
export interface Subscriber {
  readonly respVersion: 2 | 3;
  /** What it is subscribed to, undefined while that is nothing; `PubSub` alone sets it. */
  subscriptions: Subscriptions | undefined;
  /**
   * Sends a message that is no reply: as it is, in order with the replies, whatever CLIENT REPLY
   * says. The bytes are shared, never written to again.
   */
  sendMessage(message: Buffer): void;
}

export type TopicKind = 'channel' | 'pattern' | 'shardChannel';

/** Memory of one subscription, its name not counted: its places in two sets, measured roughly. */
const SUBSCRIPTION_BYTES = 96;
/** Memory of one topic, its name not counted: measured. */
const TOPIC_BYTES = 560;

/** What subscriptions cost at most: their topics, and the names in two forms. */
export function subscriptionCost(nameBytes: number, count = 1): number {
  return (TOPIC_BYTES + SUBSCRIPTION_BYTES) * count + 2 * nameBytes;
}

/** The names that one subscriber is subscribed to, in the order in which it asked. */
export class Subscriptions {
  readonly channel = new Set<string>();
  readonly pattern = new Set<string>();
  readonly shardChannel = new Set<string>();
  private nameBytes = 0;

  get size(): number {
    return this.channel.size + this.pattern.size + this.shardChannel.size;
  }

  /** Bytes of memory they take, roughly. O(1). */
  get bytes(): number {
    return this.nameBytes + this.size * SUBSCRIPTION_BYTES;
  }

  /** The number that a confirmation tells: shard channels are counted on their own. */
  count(kind: TopicKind): number {
    if (kind === 'shardChannel') return this.shardChannel.size;
    return this.channel.size + this.pattern.size;
  }

  /** Returns whether it is new. */
  add(kind: TopicKind, name: string): boolean {
    if (this[kind].has(name)) return false;
    this[kind].add(name);
    this.nameBytes += name.length;
    return true;
  }

  /** Returns whether it was there. */
  remove(kind: TopicKind, name: string): boolean {
    if (!this[kind].delete(name)) return false;
    this.nameBytes -= name.length;
    return true;
  }
}

export class Topic {
  readonly name: string;
  readonly subscribers = new Set<Subscriber>();

  constructor(name: string) {
    this.name = name;
  }
}
