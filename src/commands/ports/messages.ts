/**
 * Messages to clients that are no replies, as commands see them: publish and subscribe, and the
 * invalidations of client-side caching. `src/pubsub` and `src/tracking` implement them.
 */
import type { Subscriber, TopicKind } from '../../pubsub/topic.ts';
import type { TrackedClient, TrackingOptions } from '../../tracking/client-tracking.ts';

/** Channels, patterns and shard channels. */
export interface PubSubPort {
  /** How many of a kind somebody is subscribed to. */
  size(kind: TopicKind): number;
  /** Their names. */
  names(kind: TopicKind): Iterable<string>;
  /** How many are subscribed to one of them. */
  subscribersOf(kind: TopicKind, name: string): number;
  subscribe(subscriber: Subscriber, kind: TopicKind, name: string): void;
  /** Ends a subscription if there is one. */
  unsubscribe(subscriber: Subscriber, kind: TopicKind, name: string): void;
  /** Ends all subscriptions of a subscriber, and tells it nothing. O(subscriptions). */
  forget(subscriber: Subscriber): void;
  /** Sends a message to a channel's subscribers and to those of patterns; returns their number. */
  publish(name: string, payload: Uint8Array, off: number, len: number): number;
  /** Sends a message to a shard channel's subscribers; returns their number. */
  publishShard(name: string, payload: Uint8Array, off: number, len: number): number;
}

/** Client-side caching. */
export interface TrackingPort {
  /** Begins or changes a client's tracking. */
  enable(client: TrackedClient, options: TrackingOptions): void;
  /** Ends a client's tracking, if any. */
  disable(client: TrackedClient): void;
}
