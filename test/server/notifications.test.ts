/**
 * Keyspace notifications that redis-server 7.0.15 does not have, or that it has when it happens to
 * look: subkey notifications (Redis 8.8), events of expiry at once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { textOf } from '../harness/reply.ts';

afterEach(closeAll);

/** A server, a client, and a subscriber to all that its notifications are sent to. */
class Subject {
  readonly server: Server;
  readonly client: Connection;
  private readonly subscriber: Connection;

  private constructor(server: Server, client: Connection, subscriber: Connection) {
    this.server = server;
    this.client = client;
    this.subscriber = subscriber;
  }

  static async start(classes: string): Promise<Subject> {
    const server = await startServer({
      'notify-keyspace-events': classes,
      'enable-debug-command': 'yes',
    });
    const [client, subscriber] = [await connectTo(server), await connectTo(server)];
    await subscriber.call('PSUBSCRIBE', '__*', 'end');
    await subscriber.receive();
    return new Subject(server, client, subscriber);
  }

  /** The next message, as `channel = payload`. */
  async next(): Promise<string> {
    const { reply } = await this.subscriber.receive();
    if (!('items' in reply)) throw new Error('not a message');
    const [, , channel, payload] = reply.items.map((item) => textOf(item) ?? '');
    return `${channel} = ${payload}`;
  }

  /** What a command has sent. */
  async messages(...argv: string[]): Promise<string[]> {
    await this.client.call(...argv);
    await this.client.call('PUBLISH', 'end', '');
    const out: string[] = [];
    for (;;) {
      const message = await this.next();
      if (message.startsWith('end = ')) return out;
      out.push(message);
    }
  }
}

describe('subkey notifications', () => {
  it('name the fields on four kinds of channels', async () => {
    const subject = await Subject.start('STIVh');
    expect(await subject.messages('HSET', 'myhash', 'f1', 'v', 'field2', 'v')).toEqual([
      '__subkeyspace@0__:myhash = hset|2:f1,6:field2',
      '__subkeyevent@0__:hset = 6:myhash|2:f1,6:field2',
      '__subkeyspaceitem@0__:myhash\nf1 = hset',
      '__subkeyspaceitem@0__:myhash\nfield2 = hset',
      '__subkeyspaceevent@0__:hset|myhash = 2:f1,6:field2',
    ]);
  });

  it.each([
    ['S', '__subkeyspace@3__:h = hset|1:f'],
    ['T', '__subkeyevent@3__:hset = 1:h|1:f'],
    ['I', '__subkeyspaceitem@3__:h\nf = hset'],
    ['V', '__subkeyspaceevent@3__:hset|h = 1:f'],
  ])('%s alone sends its kind', async (kind, expected) => {
    const subject = await Subject.start(`${kind}h`);
    await subject.client.call('SELECT', '3');
    expect(await subject.messages('HSET', 'h', 'f', 'v')).toEqual([expected]);
  });

  it('need class h, and come behind those of the key', async () => {
    const without = await Subject.start('STIVKEg$lsz');
    expect(await without.messages('HSET', 'h', 'f', 'v')).toEqual([]);
    expect(without.server.keyspace.hashes.log).toBe(undefined);
    const all = await Subject.start('KEAT');
    expect(await all.messages('HDEL', 'h', 'f')).toEqual([]);
    await all.messages('HSET', 'h', 'f', 'v');
    expect(await all.messages('HDEL', 'h', 'f')).toEqual([
      '__keyspace@0__:h = hdel',
      '__keyevent@0__:hdel = h',
      '__subkeyevent@0__:hdel = 1:h|1:f',
      '__keyspace@0__:h = del',
      '__keyevent@0__:del = h',
    ]);
  });

  it('are sent for lists of fields as each command changed them', async () => {
    const subject = await Subject.start('Sh');
    const cases: [command: string, ...events: string[]][] = [
      ['HSET h a 1 b 2 a 3', 'hset|1:a,1:b,1:a'],
      ['HMSET h c 1', 'hset|1:c'],
      ['HSETNX h c 1'],
      ['HSETNX h d 1', 'hset|1:d'],
      ['HINCRBY h d 1', 'hincrby|1:d'],
      ['HINCRBYFLOAT h e 1.5', 'hincrbyfloat|1:e'],
      ['HDEL h x a y a', 'hdel|1:a'],
      ['HDEL h x'],
      ['HEXPIRE h 100 FIELDS 3 b x c', 'hexpire|1:b,1:c'],
      ['HEXPIRE h 100 NX FIELDS 1 b'],
      ['HSET h b 9', 'hset|1:b'],
      ['HPERSIST h FIELDS 2 b c', 'hpersist|1:c'],
      ['HPERSIST h FIELDS 1 c'],
      ['HEXPIREAT h 1 FIELDS 1 b', 'hdel|1:b'],
      ['HGETEX h FIELDS 1 c'],
      ['HGETEX h EX 100 FIELDS 2 c x', 'hexpire|1:c'],
      ['HGETEX h PERSIST FIELDS 2 c d', 'hpersist|1:c'],
      ['HGETEX h PXAT 1 FIELDS 1 c', 'hdel|1:c'],
      ['HGETDEL h FIELDS 3 d x e', 'hdel|1:d,1:e'],
      ['HSETEX h FIELDS 2 a 1 b 2', 'hset|1:a,1:b'],
      ['HSETEX h EX 100 FIELDS 2 b 1 c 2', 'hset|1:b,1:c', 'hexpire|1:b,1:c'],
      ['HSETEX h FXX KEEPTTL FIELDS 1 c 3', 'hset|1:c'],
      ['HSETEX h FNX FIELDS 1 c 3'],
      ['HSETEX h PXAT 1 FIELDS 1 a 3', 'hset|1:a', 'hdel|1:a'],
      ['HGETALL h'],
      ['COPY h g'],
      ['DEL h'],
    ];
    for (const [command, ...events] of cases) {
      const expected = events.map((event) => `__subkeyspace@0__:h = ${event}`);
      expect([command, await subject.messages(...command.split(' '))]).toEqual([command, expected]);
    }
  });

  it('tell of fields that have expired, by access and without', async () => {
    const subject = await Subject.start('Sh');
    const { client } = subject;
    for (const field of ['a'.repeat(100), 'b']) {
      // A long field makes it a table.
      await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
      const fields = [field, 'c', 'd'];
      await client.call('HSET', 'h', ...fields.flatMap((name) => [name, 'v']), 'keep', 'v');
      await client.call('HPEXPIRE', 'h', '2', 'FIELDS', '3', ...fields);
      for (let i = 0; i < 2; i++) await subject.next();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const [message, ...more] = await subject.messages('HLEN', 'h');
      expect(more).toEqual([]);
      expect(message?.split('|')[1]?.split(',').sort()).toEqual(
        fields.map((name) => `${name.length}:${name}`).sort(),
      );
      await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
      await client.call('HSET', 'h', 'x', 'v');
      await client.call('HPEXPIRE', 'h', '2', 'FIELDS', '1', 'x');
      for (let i = 0; i < 2; i++) await subject.next();
      expect(await subject.next()).toBe('__subkeyspace@0__:h = hexpired|1:x');
    }
  });

  it('leave out what could not be told apart, and take any other bytes', async () => {
    const subject = await Subject.start('STIVh');
    expect(await subject.messages('HSET', 'a\nb', 'f|,1:x\n', 'v')).toEqual([
      '__subkeyspace@0__:a\nb = hset|7:f|,1:x\n',
      '__subkeyevent@0__:hset = 3:a\nb|7:f|,1:x\n',
      '__subkeyspaceevent@0__:hset|a\nb = 7:f|,1:x\n',
    ]);
    const [first] = await subject.messages('HSET', 'é', 'ü', 'v');
    expect(Buffer.from(first!, 'latin1').toString()).toBe('__subkeyspace@0__:é = hset|2:ü');
  });

  it('CONFIG takes S, T, I and V and says so', async () => {
    const subject = await Subject.start('');
    const { client, server } = subject;
    const get = async () => {
      const reply = await client.call('CONFIG', 'GET', 'notify-keyspace-events');
      return 'items' in reply ? textOf(reply.items[1]!) : '';
    };
    expect(server.keyspace.changes.events).toBe(undefined);
    await client.text('CONFIG', 'SET', 'notify-keyspace-events', 'VITShKE');
    expect(await get()).toBe('hKESTIV');
    expect(await subject.messages('HSET', 'h', 'f', 'v')).toHaveLength(6);
    await client.text('CONFIG', 'SET', 'notify-keyspace-events', 'STIV');
    expect(await subject.messages('HSET', 'h', 'f', 'v')).toEqual([]);
    expect(server.keyspace.changes.events).toBe(undefined);
    await client.text('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
    expect(server.keyspace.hashes.log).toBe(undefined);
    expect(await subject.messages('HSET', 'h', 'f', 'v')).toEqual(['__keyspace@0__:h = hset']);
    await client.text('CONFIG', 'SET', 'notify-keyspace-events', '');
    expect(await subject.messages('HSET', 'h', 'f', 'v')).toEqual([]);
  });
});

describe('expired events', () => {
  it('come within some 100 ms of the end without any access', async () => {
    const subject = await Subject.start('Ex');
    const { client } = subject;
    const late: number[] = [];
    for (let i = 0; i < 10; i++) {
      const end = Date.now() + 20;
      await client.call('SET', `k${i}`, 'v', 'PXAT', String(end));
      expect(await subject.next()).toBe(`__keyevent@0__:expired = k${i}`);
      late.push(Date.now() - end);
    }
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    // The median, as the machine may be busy.
    expect(late.sort((a, b) => a - b)[5]).toBeLessThan(150);
  });

  it('all come, in the order of their ends, when many keys expire together', async () => {
    const subject = await Subject.start('Ex');
    const { client } = subject;
    const start = Date.now() + 1000;
    const keys = 2000;
    for (let i = 0; i < keys; i++)
      client.send('SET', `k${i}`, 'v', 'PXAT', String(start + Math.floor(i / 100)));
    for (let i = 0; i < keys; i++) await client.receive();
    const ends: number[] = [];
    for (let i = 0; i < keys; i++) {
      ends.push(Math.floor(Number(/\d+$/.exec(await subject.next())![0]) / 100));
    }
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(await client.text('DBSIZE')).toBe('0');
  });

  it('of a hash whose last field expires: hexpired, then del', async () => {
    const subject = await Subject.start('EAT');
    await subject.client.call('HSET', 'h', 'f', 'v');
    await subject.client.call('HPEXPIRE', 'h', '5', 'FIELDS', '1', 'f');
    const seen: string[] = [];
    for (let i = 0; i < 7; i++) seen.push(await subject.next());
    expect(seen.slice(4)).toEqual([
      '__keyevent@0__:hexpired = h',
      '__subkeyevent@0__:hexpired = 1:h|1:f',
      '__keyevent@0__:del = h',
    ]);
  });
});
