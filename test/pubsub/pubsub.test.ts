/**
 * Publish and subscribe without sockets: against a naive model, and what a message costs.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Patterns } from '../../src/pubsub/patterns.ts';
import { PubSub } from '../../src/pubsub/pubsub.ts';
import type { Subscriber, Subscriptions, TopicKind } from '../../src/pubsub/topic.ts';
import { emptyOutbox, type Outbox } from '../../src/session/outbox.ts';
import { globMatchString } from '../../src/util/glob.ts';
import { cpuMsOf } from '../harness/cpu-time.ts';
import { decode, format } from '../harness/reply.ts';

class Listener implements Subscriber {
  readonly id: number;
  respVersion: 2 | 3;
  subscriptions: Subscriptions | undefined = undefined;
  received: Buffer[] = [];
  private readonly log: [id: number, text: string][];

  constructor(id: number, log: [id: number, text: string][] = []) {
    this.id = id;
    this.respVersion = id % 2 === 0 ? 2 : 3;
    this.log = log;
  }

  sendMessage(message: Buffer): void {
    this.received.push(message);
    this.log.push([this.id, format(decode(message)!.reply)]);
  }
}

/** As the same message would be printed; a push looks like an array. */
function shown(listener: Listener, words: readonly string[]): string {
  const mark = listener.respVersion === 3 ? '>' : '*';
  const text = words.map((word) => `$${word.length}\r\n${word}\r\n`).join('');
  return format(decode(Buffer.from(`${mark}${words.length}\r\n${text}`, 'latin1'))!.reply);
}

const names = ['a', 'b', 'ab', 'abc', '', 'b.c', '\xff'];
const patterns = ['*', 'a*', 'a?', '[ab]', 'ab', 'a\\*', '', '?', '*c', 'b.[a-c]', 'a*c'];
const kinds = ['channel', 'pattern', 'shardChannel'] as const;
const LISTENERS = 4;

/** All subscriptions in one list, in the order in which they were made. */
class Model {
  entries: { kind: TopicKind; name: string; listener: Listener }[] = [];
  /** When each pattern that has subscribers was first asked for. */
  patternOrder: string[] = [];

  subscribe(listener: Listener, kind: TopicKind, name: string): void {
    if (this.of(listener, kind).includes(name)) return;
    this.entries.push({ kind, name, listener });
    if (kind === 'pattern' && !this.patternOrder.includes(name)) this.patternOrder.push(name);
  }

  unsubscribe(listener: Listener, kind: TopicKind, name: string): void {
    this.entries = this.entries.filter(
      (e) => e.listener !== listener || e.kind !== kind || e.name !== name,
    );
    this.patternOrder = this.patternOrder.filter((p) => this.count('pattern', p) > 0);
  }

  of(listener: Listener, kind: TopicKind): string[] {
    return this.entries
      .filter((e) => e.listener === listener && e.kind === kind)
      .map((e) => e.name);
  }

  count(kind: TopicKind, name: string): number {
    return this.entries.filter((e) => e.kind === kind && e.name === name).length;
  }

  names(kind: TopicKind): string[] {
    return [...new Set(this.entries.filter((e) => e.kind === kind).map((e) => e.name))];
  }

  publish(kind: TopicKind, name: string, payload: string): [id: number, text: string][] {
    const to = (topic: TopicKind, wanted: string, words: string[]) =>
      this.entries
        .filter((e) => e.kind === topic && e.name === wanted)
        .map((e): [number, string] => [e.listener.id, shown(e.listener, words)]);
    if (kind === 'shardChannel') return to(kind, name, ['smessage', name, payload]);
    return [
      ...to('channel', name, ['message', name, payload]),
      ...this.patternOrder
        .filter((pattern) => globMatchString(pattern, name, false))
        .flatMap((pattern) => to('pattern', pattern, ['pmessage', pattern, name, payload])),
    ];
  }
}

const step = fc.record({
  action: fc.constantFrom('subscribe', 'subscribe', 'unsubscribe', 'publish', 'publish', 'forget'),
  listener: fc.nat(LISTENERS - 1),
  kind: fc.constantFrom(...kinds),
  name: fc.nat(100),
});

describe('PubSub', () => {
  it('agrees with a model: receivers, order, counts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pubsub = new PubSub();
        const model = new Model();
        const log: [id: number, text: string][] = [];
        const listeners = Array.from({ length: LISTENERS }, (_, i) => new Listener(i, log));
        for (const { action, listener: index, kind, name: n } of steps) {
          const listener = listeners[index]!;
          const choices = kind === 'pattern' && action !== 'publish' ? patterns : names;
          const name = choices[n % choices.length]!;
          if (action === 'publish') {
            const payload = Buffer.from(`p${n}\r\n`);
            const send = kind === 'shardChannel' ? 'publishShard' : 'publish';
            log.length = 0;
            const count = pubsub[send](name, payload, 0, payload.length);
            const expected = model.publish(
              kind === 'shardChannel' ? kind : 'channel',
              name,
              payload.toString('latin1'),
            );
            expect(log).toEqual(expected);
            expect(count).toBe(expected.length);
          } else if (action === 'forget') {
            pubsub.forget(listener);
            for (const k of kinds) {
              for (const held of model.of(listener, k)) model.unsubscribe(listener, k, held);
            }
          } else {
            pubsub[action](listener, kind, name);
            model[action](listener, kind, name);
          }
          for (const k of kinds) {
            expect([...(listener.subscriptions?.[k] ?? [])]).toEqual(model.of(listener, k));
            expect([...pubsub.names(k)].sort()).toEqual(model.names(k).sort());
            expect(pubsub.subscribersOf(k, name)).toBe(model.count(k, name));
          }
          const held = kinds.reduce((sum, k) => sum + model.of(listener, k).length, 0);
          expect(listener.subscriptions?.size ?? 0).toBe(held);
          expect(listener.subscriptions === undefined).toBe(held === 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('publish() encodes once for each protocol version, whatever the number of subscribers', () => {
    const pubsub = new PubSub();
    const listeners = Array.from({ length: 1000 }, (_, i) => new Listener(i));
    for (const listener of listeners) {
      pubsub.subscribe(listener, 'channel', 'news');
      pubsub.subscribe(listener, 'pattern', 'n*');
      pubsub.subscribe(listener, 'shardChannel', 'news');
    }
    const payload = Buffer.from('hello');
    expect(pubsub.publish('news', payload, 0, 5)).toBe(2000);
    expect(pubsub.publishShard('news', payload, 0, 5)).toBe(1000);
    const different = new Set(listeners.flatMap((listener) => listener.received));
    expect(different.size).toBe(6);
    for (const { received, respVersion } of listeners) {
      const twin = listeners[respVersion === 2 ? 0 : 1]!;
      expect(received.every((message, i) => message === twin.received[i])).toBe(true);
    }
  });

  it('takes payloads and names of any bytes and sizes', () => {
    const pubsub = new PubSub();
    const listener = new Listener(1);
    const name = Buffer.from([0, 255, 13, 10, 42]).toString('latin1');
    pubsub.subscribe(listener, 'channel', name);
    for (const size of [0, 1, 79, 80, 81, 4000, 4100, 40_000, 1_000_000]) {
      const payload = Buffer.alloc(size + 2, size % 251);
      pubsub.publish(name, payload, 1, size);
      const reply = decode(listener.received.pop()!)!.reply;
      const items = 'items' in reply ? reply.items : [];
      expect(items.map((item) => ('bytes' in item ? item.bytes.length : -1))).toEqual([7, 5, size]);
      expect('bytes' in items[2]! && items[2].bytes.equals(payload.subarray(1, size + 1))).toBe(
        true,
      );
    }
  });

  it('keeps nothing of what nobody is subscribed to any more', () => {
    const pubsub = new PubSub();
    const listener = new Listener(0);
    for (let i = 0; i < 1000; i++) {
      for (const kind of kinds) pubsub.subscribe(listener, kind, `name${i}*`);
    }
    expect(pubsub.isIdle).toBe(false);
    expect(listener.subscriptions?.bytes).toBeGreaterThan(3000 * 'name1*'.length);
    pubsub.forget(listener);
    expect(pubsub.isIdle).toBe(true);
    expect(kinds.map((kind) => pubsub.size(kind))).toEqual([0, 0, 0]);
  });

  it('goes on when a push ends a subscriber', () => {
    const pubsub = new PubSub();
    const listeners = Array.from({ length: 5 }, (_, i) => new Listener(i));
    for (const listener of listeners) {
      pubsub.subscribe(listener, 'channel', 'c');
      pubsub.subscribe(listener, 'pattern', '*');
    }
    const [, second] = listeners;
    const send = second!.sendMessage.bind(second);
    second!.sendMessage = (message) => {
      send(message);
      pubsub.forget(second!);
    };
    pubsub.publish('c', Buffer.from('x'), 0, 1);
    expect(listeners.map(({ received }) => received.length)).toEqual([2, 1, 2, 2, 2]);
  });
});

describe('Patterns', () => {
  it('matching() finds what trying every pattern finds, the oldest first', () => {
    const letter = fc.constantFrom(...'aab.*?[]^-\\');
    const text = fc.string({ unit: letter, maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 40 }), text, fc.nat(), (all, channel, n) => {
        const patterns = new Patterns();
        for (const name of all) patterns.add(name);
        const kept = all.filter((_, i) => ((n >> (i % 30)) & 1) === 0);
        for (const name of all) if (!kept.includes(name)) patterns.remove(name);
        const expected = kept.filter((name) => globMatchString(name, channel, false));
        expect(patterns.matching(channel).map(({ name }) => name)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('10,000 of them cost a message little', async () => {
    const patterns = new Patterns();
    for (let i = 0; i < 10_000; i++) patterns.add(`user:${i}:*`);
    let found = 0;
    const cost = await cpuMsOf(() => {
      for (let i = 0; i < 1000; i++) found += patterns.matching(`user:${i}:login`).length;
    });
    expect(found).toBe(1000);
    // It takes 2 ms; trying them all would take 300.
    expect(cost).toBeLessThan(150);
  });

  it('keeps patterns apart whose beginnings have the same hash', () => {
    const patterns = new Patterns();
    for (const word of ['costarring', 'liquid', 'declinate', 'macallums']) patterns.add(`${word}*`);
    expect(patterns.matching('liquidity').map(({ name }) => name)).toEqual(['liquid*']);
  });

  it('thousands of lengths of beginnings cost a message little', async () => {
    const patterns = new Patterns();
    for (let i = 0; i < 8000; i++) patterns.add(`${'b'.repeat(i)}x*`);
    const channel = `${'b'.repeat(7000)}x`;
    const cost = await cpuMsOf(() => {
      for (let i = 0; i < 20; i++) expect(patterns.matching(`${channel}${i}`)).toHaveLength(1);
    });
    // It takes 15 ms; hashing each beginning anew took 700.
    expect(cost).toBeLessThan(200);
  });
});

describe('Outbox', () => {
  it('join() is what was added, whoever shares what', () => {
    const message = fc.record({ to: fc.nat(7), size: fc.nat(9), seamless: fc.boolean() });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const root = emptyOutbox();
        const outboxes: Outbox[] = [root, root, root];
        const expected = [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)];
        const block = Buffer.alloc(1000);
        let used = 0;
        for (const [i, { to, size, seamless }] of messages.entries()) {
          const bytes = seamless
            ? block.subarray(used, used + size + 1).fill(i)
            : Buffer.alloc(size + 1, i);
          if (seamless) used += size + 1;
          for (let k = 0; k < 3; k++) {
            if (((to >> k) & 1) === 0) continue;
            outboxes[k] = outboxes[k]!.add(bytes);
            expected[k] = Buffer.concat([expected[k]!, bytes]);
          }
        }
        for (const [k, outbox] of outboxes.entries()) {
          expect(outbox.bytes).toBe(expected[k]!.length);
          expect(outbox.join().equals(expected[k]!)).toBe(true);
        }
      }),
    );
  });

  it('sessions with the same messages share one', () => {
    const root = emptyOutbox();
    const messages = [Buffer.from('one'), Buffer.from('two')];
    let a = root;
    let b = root;
    for (const message of messages) {
      a = a.add(message);
      b = b.add(message);
    }
    expect(a).toBe(b);
    expect(a.join()).toBe(b.join());
    expect(a.join().toString()).toBe('onetwo');
  });
});
