/**
 * Messages over real sockets: many subscribers, slow ones, order, and where messages come among
 * replies.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  atClose,
  connectTo as client,
  closeAll,
  takeReplies as replies,
  startServer as start,
  until,
} from '../harness/in-process-server.ts';
import { format } from '../harness/reply.ts';
import { startRespite } from '../harness/respite.ts';

afterEach(closeAll);

/** A subscriber that counts bytes and keeps none. */
class Counter {
  bytes = 0;
  closed = false;
  readonly socket: Socket;

  constructor(port: number, channel: string) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('data', (chunk) => {
      this.bytes += chunk.length;
    });
    this.socket.write(`SUBSCRIBE ${channel}\r\n`);
    atClose(() => this.socket.destroy());
  }
}

const confirmation = (channel: string) =>
  `*3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`.length;
const message = (channel: string, payload: string) =>
  `*3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${payload.length}\r\n${payload}\r\n`
    .length;

describe('delivery', () => {
  it('keeps the order of each publisher, with others in between', async () => {
    const server = await start();
    const subscribers = [await client(server), await client(server, 3), await client(server)];
    for (const subscriber of subscribers) await subscriber.call('SUBSCRIBE', 'c');
    const publishers = await Promise.all([1, 2, 3, 4].map(() => client(server)));
    const each = 500;
    for (let i = 0; i < each; i++) {
      for (const [p, publisher] of publishers.entries())
        publisher.send('PUBLISH', 'c', `${p} ${i}`);
      if (i % 37 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const texts: string[][] = [];
    for (const subscriber of subscribers) {
      const seen: string[] = [];
      for (let i = 0; i < each * publishers.length; i++) {
        seen.push(
          format((await subscriber.receive()).reply)
            .split('"')
            .at(-2)!,
        );
      }
      texts.push(seen);
      for (const p of publishers.keys()) {
        const own = seen.filter((text) => text.startsWith(`${p} `));
        expect(own).toEqual(Array.from({ length: each }, (_, i) => `${p} ${i}`));
      }
    }
    // All see the same sequence.
    expect(texts[1]).toEqual(texts[0]);
    expect(texts[2]).toEqual(texts[0]);
  });

  it('cuts a subscriber that does not read at its limit, and nobody else notices', async () => {
    const limit = 'normal 0 0 0 replica 256mb 64mb 60 pubsub 2mb 0 0';
    const server = await start({ 'client-output-buffer-limit': limit });
    const slow = new Counter(server.port, 'c');
    const quick = [new Counter(server.port, 'c'), new Counter(server.port, 'c')];
    await until(() => server.pubsub.subscribersOf('channel', 'c') === 3);
    slow.socket.pause();
    const publisher = await client(server);
    const payload = 'x'.repeat(20_000);
    let sent = 0;
    while (server.stats.clientOutputLimitDisconnections === 0) {
      await publisher.call('PUBLISH', 'c', payload);
      if (++sent > 5000) throw new Error('it was not cut');
    }
    for (let i = 0; i < 50; i++) {
      expect(await publisher.text('PUBLISH', 'c', payload)).toBe('2');
      sent++;
    }
    const expected = confirmation('c') + sent * message('c', payload);
    await until(() => quick.every(({ bytes }) => bytes === expected));
    slow.socket.resume();
    await until(() => slow.closed);
    expect(slow.bytes).toBeLessThan(expected);
    expect(quick.some(({ closed }) => closed)).toBe(false);
    expect(server.pubsub.subscribersOf('channel', 'c')).toBe(2);
  });

  it('a slow subscriber of small messages is cut by what it waits for', async () => {
    const limit = 'normal 0 0 0 replica 256mb 64mb 60 pubsub 300kb 0 0';
    const server = await start({ 'client-output-buffer-limit': limit });
    const slow = new Counter(server.port, 'c');
    await until(() => server.pubsub.subscribersOf('channel', 'c') === 1);
    slow.socket.pause();
    const publisher = await client(server);
    const [session] = server.clients.all();
    let most = 0;
    while (server.stats.clientOutputLimitDisconnections === 0) {
      for (let i = 0; i < 200; i++) publisher.send('PUBLISH', 'c', 'x'.repeat(100));
      for (let i = 0; i < 200; i++) await publisher.receive();
      most = Math.max(most, session!.unsentBytes);
    }
    expect(most).toBeLessThan(400 * 1024);
  });

  it('10,000 subscribers get one PUBLISH', async () => {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 1024);
    const count = Math.min(10_000, files - 300);
    const server = await startRespite(['--maxclients', '10100']);
    atClose(() => server.stop());
    const publisher = await server.connect();
    atClose(() => publisher.close());
    const counted = async () => {
      const reply = await publisher.call('PUBSUB', 'NUMSUB', 'news');
      return Number(/\(integer\) (\d+)/.exec(format(reply))?.[1]);
    };
    const subscribers: Counter[] = [];
    for (let i = 0; i < count; i++) {
      subscribers.push(new Counter(server.port, 'news'));
      if (i % 500 === 499) while ((await counted()) < i + 1);
    }
    while ((await counted()) < count);
    expect(await publisher.text('PUBLISH', 'news', 'hello')).toBe(String(count));
    const expected = confirmation('news') + message('news', 'hello');
    await until(() => subscribers.every(({ bytes }) => bytes === expected));
    for (const { socket } of subscribers) socket.destroy();
    while ((await counted()) > 0);
  });
});

describe('messages among replies', () => {
  it('to the client itself come after its reply, never inside one', async () => {
    const server = await start({ 'notify-keyspace-events': 'KEAm' });
    const self = await client(server, 3);
    await self.call('PSUBSCRIBE', '__keyevent*');
    self.send('MGET', 'a', 'b');
    expect(await replies(self, 3)).toEqual([
      '*2 _ _',
      '>4 $8 pmessage $11 __keyevent* $22 __keyevent@0__:keymiss $1 a',
      '>4 $8 pmessage $11 __keyevent* $22 __keyevent@0__:keymiss $1 b',
    ]);
  });

  it('to the client itself come after the whole reply of EXEC, whatever caused them', async () => {
    const server = await start({ 'notify-keyspace-events': 'KEA' });
    const self = await client(server, 3);
    await self.call('SUBSCRIBE', 'c', '__keyevent@0__:set');
    await self.receive();
    for (const line of ['MULTI', 'PUBLISH c 1', 'SET k v', 'SUBSCRIBE d', 'PUBLISH d 2', 'EXEC']) {
      self.send(...line.split(' '));
    }
    const all = await replies(self, 9);
    const answers = all.filter((reply) => !/^(>3 \$7 message|\+\d)/.test(reply));
    expect(answers).toEqual([
      '+OK',
      ...['+QUEUED', '+QUEUED', '+QUEUED', '+QUEUED'],
      '*4 :1 +OK >3 $9 subscribe $1 d :3 :1',
    ]);
    expect(all.filter((reply) => reply.startsWith('>3 $7 message'))).toEqual([
      '>3 $7 message $1 c $1 1',
      '>3 $7 message $18 __keyevent@0__:set $1 k',
      '>3 $7 message $1 d $1 2',
    ]);
  });

  it('invalidations of its own change come after the reply of EXEC', async () => {
    const server = await start();
    const self = await client(server, 3);
    await self.call('CLIENT', 'TRACKING', 'ON');
    await self.call('GET', 'k');
    for (const line of ['MULTI', 'SET k v', 'GET k', 'EXEC']) self.send(...line.split(' '));
    expect(await replies(self, 5)).toEqual([
      '+OK',
      '+QUEUED',
      '+QUEUED',
      '*2 +OK $1 v',
      '>2 $10 invalidate *1 $1 k',
    ]);
  });

  it('keep their place when replies are switched off', async () => {
    const server = await start();
    const self = await client(server, 3);
    self.send('PING');
    self.send('CLIENT', 'REPLY', 'OFF');
    self.send('SUBSCRIBE', 'c');
    self.send('MULTI');
    self.send('PUBLISH', 'c', 'one');
    self.send('PUBLISH', 'c', 'two');
    self.send('EXEC');
    self.send('CLIENT', 'REPLY', 'ON');
    expect(await replies(self, 5)).toEqual([
      '+PONG',
      '>3 $9 subscribe $1 c :1',
      '>3 $7 message $1 c $3 one',
      '>3 $7 message $1 c $3 two',
      '+OK',
    ]);
  });

  it('from others come before the reply to what is sent after them', async () => {
    const server = await start();
    const subscriber = await client(server, 3);
    const publisher = await client(server);
    await subscriber.call('SUBSCRIBE', 'c');
    for (let i = 0; i < 200; i++) {
      publisher.send('PUBLISH', 'c', String(i));
      await publisher.receive();
      subscriber.send('PING');
      const [first, second] = await replies(subscriber, 2);
      expect(first).toContain(`$${String(i).length} ${i}`);
      expect(second).toBe('+PONG');
    }
  });
});

describe('subscribers', () => {
  it('are not idle, however long they say nothing', async () => {
    const server = await start({ timeout: '1', hz: '100' });
    const subscriber = await client(server);
    const idle = await client(server);
    const waiting = await client(server);
    await subscriber.call('SUBSCRIBE', 'c');
    waiting.send('BLPOP', 'k', '0');
    await idle.call('PING');
    await idle.closed();
    expect(subscriber.isOpen).toBe(true);
    expect(waiting.isOpen).toBe(true);
  });

  it('end with their connection, CLIENT KILL TYPE pubsub and RESET', async () => {
    const server = await start();
    const control = await client(server);
    const subscribers = await Promise.all([1, 2, 3].map(() => client(server, 3)));
    for (const subscriber of subscribers) {
      for (const verb of ['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE'])
        await subscriber.call(verb, 'c');
    }
    expect(server.pubsub.subscribersOf('shardChannel', 'c')).toBe(3);
    subscribers[0]!.close();
    await until(() => server.pubsub.subscribersOf('pattern', 'c') === 2);
    await subscribers[1]!.call('RESET');
    expect(server.pubsub.subscribersOf('channel', 'c')).toBe(1);
    expect(await control.text('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe('1');
    expect(server.pubsub.isIdle).toBe(true);
    expect(server.pubsub.size('shardChannel')).toBe(0);
    expect(subscribers[1]!.isOpen).toBe(true);
  });

  it('are counted by CLIENT LIST and INFO', async () => {
    const server = await start();
    const control = await client(server);
    const subscriber = await client(server);
    const plain = /tot-mem=(\d+)/;
    const list = async () =>
      (await control.text('CLIENT', 'LIST')).split('\n').find((line) => line.startsWith('id=2 '))!;
    const before = Number(plain.exec(await list())![1]);
    subscriber.send('SUBSCRIBE', ...Array.from({ length: 100 }, (_, i) => `channel:${i}`));
    subscriber.send('PSUBSCRIBE', 'a*', 'b*');
    subscriber.send('SSUBSCRIBE', 's');
    await replies(subscriber, 103);
    const line = await list();
    expect(line).toContain('flags=P db=0 sub=100 psub=2 ssub=1 ');
    expect(Number(plain.exec(line)![1])).toBeGreaterThan(before + 100 * 10);
    const info = await control.text('INFO', 'stats');
    expect(info).toContain(
      'pubsub_channels:100\r\npubsub_patterns:2\r\npubsubshard_channels:1\r\n',
    );
  });
});
