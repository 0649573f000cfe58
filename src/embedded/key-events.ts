/** Keyspace events for a program, whatever `notify-keyspace-events` says. */
import Denque from 'denque';
import type { EventSink } from '../keyspace/changes.ts';
import { eventsOfClass, type KeyEvent } from '../keyspace/events.ts';
import type { Notifications } from '../server/notifications.ts';
import { globMatchString } from '../util/glob.ts';
import type { KeyEventInfo, KeyEventsOptions } from './api.ts';
import { refuseUnknown } from './check.ts';

/** Events held for a slow consumer; the oldest go when there are more. */
const HELD_MAX = 100_000;

/** As for `notify-keyspace-events KEA`: not these, unless they are asked for. */
const quiet: ReadonlySet<string> = new Set([...eventsOfClass.n, ...eventsOfClass.m]);

const known: readonly string[] = Object.values(eventsOfClass).flat();

/** All streams of a server; the keyspace tells nothing while there is none. */
export class KeyEvents implements EventSink {
  private readonly notifications: Notifications;
  private streams: readonly KeyEventStream[] = [];

  constructor(notifications: Notifications) {
    this.notifications = notifications;
  }

  open(options: KeyEventsOptions = {}): KeyEventStream {
    refuseUnknown('keyEvents()', options, ['match', 'events', 'db']);
    for (const name of options.events ?? []) refuseUnknown('the keyspace', { [name]: true }, known);
    const stream = new KeyEventStream(options, () => {
      this.setStreams(this.streams.filter((other) => other !== stream));
    });
    this.setStreams([...this.streams, stream]);
    return stream;
  }

  close(): void {
    for (const stream of this.streams) stream.end();
  }

  happened(dbIndex: number, event: KeyEvent, key: Uint8Array, off: number, len: number): void {
    let name: string | undefined;
    for (const stream of this.streams) {
      name ??= Buffer.from(key.subarray(off, off + len)).toString();
      stream.take({ db: dbIndex, event, key: name });
    }
  }

  private setStreams(streams: readonly KeyEventStream[]): void {
    this.streams = streams;
    this.notifications.show(streams.length > 0 ? this : undefined);
  }
}

type Resolve = (result: IteratorResult<KeyEventInfo, undefined>) => void;

export class KeyEventStream
  implements AsyncIterableIterator<KeyEventInfo, undefined>, AsyncDisposable
{
  private readonly options: KeyEventsOptions;
  private readonly onEnd: () => void;
  private readonly held = new Denque<KeyEventInfo>();
  private readonly waiting = new Denque<Resolve>();
  private isEnded = false;

  constructor(options: KeyEventsOptions, onEnd: () => void) {
    this.options = options;
    this.onEnd = onEnd;
  }

  next(): Promise<IteratorResult<KeyEventInfo, undefined>> {
    const event = this.held.shift();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (this.isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  return(): Promise<IteratorResult<KeyEventInfo, undefined>> {
    this.held.clear();
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  take(event: KeyEventInfo): void {
    const { db, events, match } = this.options;
    if (db !== undefined && event.db !== db) return;
    if (events === undefined ? quiet.has(event.event) : !events.includes(event.event)) return;
    if (match !== undefined && !globMatchString(match, event.key, false)) return;
    const resolve = this.waiting.shift();
    if (resolve !== undefined) resolve({ value: event, done: false });
    else {
      this.held.push(event);
      if (this.held.length > HELD_MAX) this.held.shift();
    }
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.onEnd();
    for (let resolve = this.waiting.shift(); resolve; resolve = this.waiting.shift()) {
      resolve({ value: undefined, done: true });
    }
  }
}
