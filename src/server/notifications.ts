/**
 * Keyspace notifications: what happens to keys, published to channels that name key or event, and
 * what happens to fields of hashes (Redis 8.8). `notify-keyspace-events` says which.
 *
 *     K  __keyspace@db__:key                 event
 *     E  __keyevent@db__:event               key
 *     S  __subkeyspace@db__:key              event|length:field,length:field,...
 *     T  __subkeyevent@db__:event            length:key|length:field,...
 *     I  __subkeyspaceitem@db__:key\nfield   event
 *     V  __subkeyspaceevent@db__:event|key   length:field,...
 *
 * The keyspace is told to report events, and the hash cursor to note fields, only while these are
 * wanted. Source: behaviour of redis-server 7.0.15; documentation of Redis 8.8 for S, T, I and V.
 */
import { type FieldChange, FieldLog } from '../datatypes/field-log.ts';
import type { EventSink } from '../keyspace/changes.ts';
import { eventsOfClass, type KeyEvent } from '../keyspace/events.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { PubSub } from '../pubsub/pubsub.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { latin1 } from '../util/latin1.ts';

/** What `A` stands for; `d` are events of modules, of which there are none. */
const allClasses = 'g$lshzxetd';

/** The fields that an event is about. */
const changeOfEvent: Readonly<Partial<Record<KeyEvent, FieldChange>>> = {
  hset: 'set',
  hincrby: 'set',
  hincrbyfloat: 'set',
  hdel: 'deleted',
  hexpire: 'timed',
  hpersist: 'persisted',
  hexpired: 'expired',
};

interface Event {
  readonly name: string;
  readonly bytes: Buffer;
  readonly change: FieldChange | undefined;
}

function describe(name: KeyEvent): Event {
  return { name, bytes: Buffer.from(name, 'latin1'), change: changeOfEvent[name] };
}

/** A longer name becomes a text only where the heap has room for some copies of it. */
const LONG_NAME = 1024 * 1024;
const LONG_NAME_COPIES = 6;

export class Notifications implements EventSink {
  private readonly keyspace: Keyspace;
  private readonly pubsub: PubSub;
  /** Sees all events before anyone, whatever is configured (embedding). */
  private tap: EventSink | undefined = undefined;
  private isConfigured = false;
  /** The events that are wanted. */
  private wanted = new Map<string, Event>();
  /** Kinds of channels that are wanted. */
  private channels = new Set<string>();

  constructor(keyspace: Keyspace, pubsub: PubSub) {
    this.keyspace = keyspace;
    this.pubsub = pubsub;
  }

  /** Takes over the value of `notify-keyspace-events`. */
  configure(value: string): void {
    const { keyspace } = this;
    const classes = new Set(value.replace('A', allClasses));
    this.channels = new Set([...'KESTIV'].filter((kind) => classes.has(kind)));
    this.wanted = new Map();
    for (const [letter, names] of Object.entries(eventsOfClass)) {
      if (classes.has(letter)) for (const name of names) this.wanted.set(name, describe(name));
    }
    this.isConfigured = this.channels.size > 0 && this.wanted.size > 0;
    this.listen();
    const ofFields = classes.has('h') && [...'STIV'].some((kind) => classes.has(kind));
    keyspace.hashes.log = ofFields ? new FieldLog() : undefined;
  }

  /** Has all events shown to a sink of a program, or to none any more. */
  show(tap: EventSink | undefined): void {
    this.tap = tap;
    this.listen();
  }

  private listen(): void {
    const any = this.isConfigured || this.tap !== undefined;
    this.keyspace.changes.events = any ? this : undefined;
  }

  happened(dbIndex: number, name: KeyEvent, key: Uint8Array, off: number, len: number): void {
    this.tap?.happened(dbIndex, name, key, off, len);
    if (this.pubsub.isIdle) return;
    const event = this.wanted.get(name);
    if (event === undefined) return;
    const { channels, pubsub } = this;
    // A name that the heap has no room for cannot be a channel's.
    if (len > LONG_NAME && !heapGuard.hasRoom(LONG_NAME_COPIES * len)) return;
    const { bytes } = event;
    const keyName = latin1(key, off, len);
    if (channels.has('K')) {
      pubsub.publish(`__keyspace@${dbIndex}__:${keyName}`, bytes, 0, bytes.length);
    }
    if (channels.has('E')) pubsub.publish(`__keyevent@${dbIndex}__:${name}`, key, off, len);
    const { log } = this.keyspace.hashes;
    if (event.change === undefined || log === undefined) return;
    const fields = log.take(event.change);
    if (fields.length > 0) this.publishFields(dbIndex, name, keyName, fields);
  }

  /** Skips ambiguous forms: an event containing `|`, a key containing a line end. */
  private publishFields(db: number, event: string, key: string, fields: readonly string[]): void {
    const { channels } = this;
    const list = fields.map((field) => `${field.length}:${field}`).join(',');
    const parted = !event.includes('|');
    if (channels.has('S') && parted) this.send(`__subkeyspace@${db}__:${key}`, `${event}|${list}`);
    if (channels.has('T')) {
      this.send(`__subkeyevent@${db}__:${event}`, `${key.length}:${key}|${list}`);
    }
    if (channels.has('I') && !key.includes('\n')) {
      for (const field of fields) this.send(`__subkeyspaceitem@${db}__:${key}\n${field}`, event);
    }
    if (channels.has('V') && parted) this.send(`__subkeyspaceevent@${db}__:${event}|${key}`, list);
  }

  private send(channel: string, payload: string): void {
    const bytes = Buffer.from(payload, 'latin1');
    this.pubsub.publish(channel, bytes, 0, bytes.length);
  }
}
