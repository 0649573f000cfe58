/** Client-side caching over real sockets: who is told of what, when, and in which form. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { cpuMsOf } from '../harness/cpu-time.ts';
import { closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';

afterEach(closeAll);

/** How a push of these keys looks. */
function invalidated(...keys: string[]): string {
  const items = keys.map((key) => ` $${key.length} ${key}`).join('');
  return `>2 $10 invalidate *${keys.length}${items}`;
}

/** Redis's way: a provided prefix with the existing ones, then with those provided after it. */
function firstOverlap(provided: string[], existing: string[]): string | undefined {
  for (const [i, a] of provided.entries()) {
    const overlaps = (b: string) => a.startsWith(b) || b.startsWith(a);
    const old = existing.find(overlaps);
    if (old !== undefined) return `'${a}' overlaps with an existing prefix '${old}'`;
    const other = provided.slice(i + 1).find(overlaps);
    if (other !== undefined) return `'${a}' overlaps with another provided prefix '${other}'`;
  }
  return undefined;
}

const ALL_INVALIDATED = '>2 $10 invalidate _';

/** The same as a message of the channel, for RESP2. */
function published(key: string): string {
  return `*3 $7 message $20 __redis__:invalidate *1 $${key.length} ${key}`;
}

/** A client in RESP3 that tracks with these options. */
async function tracker(server: Server, options = ''): Promise<Talker> {
  const client = await Talker.open(server);
  await client.ask('HELLO 3');
  expect(await client.ask(`CLIENT TRACKING ON ${options}`.trim())).toBe('+OK');
  return client;
}

/** What has been sent to a client, up to now. */
async function arrived(client: Talker): Promise<string[]> {
  client.send('ECHO (end)');
  const found: string[] = [];
  for (;;) {
    const text = await client.next();
    if (text === '$5 (end)') return found;
    found.push(text);
  }
}

describe('client-side caching', () => {
  it('tells of a key once, however often it changes, until it is read again', async () => {
    const server = await startServer();
    const reader = await tracker(server);
    const writer = await Talker.open(server);
    await reader.ask('GET k');
    await writer.ask('SET k 1');
    await writer.ask('SET k 2');
    expect(await arrived(reader)).toEqual([invalidated('k')]);
    expect(await reader.ask('GET k')).toBe('$1 2');
    await writer.ask('DEL k');
    expect(await arrived(reader)).toEqual([invalidated('k')]);
  });

  it("tells of a client's own change after the reply, of a transaction after all of it", async () => {
    const server = await startServer();
    const client = await tracker(server);
    await client.ask('GET k');
    client.send('SET k 1', 'PING', 'GET k', 'MULTI', 'INCR k', 'GET k', 'INCR k', 'EXEC', 'PING');
    expect(await client.take(3)).toEqual(['+OK', invalidated('k'), '+PONG']);
    expect(await client.take(5)).toEqual(['$1 1', '+OK', '+QUEUED', '+QUEUED', '+QUEUED']);
    // The read in between makes it two messages.
    const k = invalidated('k');
    expect(await client.take(4)).toEqual(['*3 :2 $1 2 :3', k, k, '+PONG']);
  });

  it('makes room for long keys by telling everybody to forget everything', async () => {
    const server = await startServer();
    const reader = await tracker(server);
    const writer = await Talker.open(server);
    const long = 'x'.repeat(300);
    await reader.ask(`GET ${long}`);
    await writer.ask(`SET ${long} 1`);
    expect(await arrived(reader)).toEqual([invalidated(long)]);
    for (let i = 0; i < 20; i++) await reader.ask(`GET ${long}${i}`);
    await writer.ask('CONFIG SET tracking-table-max-keys 10');
    await writer.ask('PING');
    expect(await arrived(reader)).toEqual([ALL_INVALIDATED]);
    expect(server.tracking.keyCount).toBe(0);
  });

  it('NOLOOP leaves out own changes only', async () => {
    const server = await startServer();
    const client = await tracker(server, 'NOLOOP');
    const other = await Talker.open(server);
    await client.ask('GET k');
    await client.ask('SET k 1');
    expect(await arrived(client)).toEqual([]);
    await client.ask('GET k');
    await other.ask('SET k 2');
    expect(await arrived(client)).toEqual([invalidated('k')]);
  });

  it('BCAST sends the keys of one turn together, to those whose prefixes match', async () => {
    const server = await startServer();
    const every = await tracker(server, 'BCAST');
    const users = await tracker(server, 'BCAST PREFIX user: PREFIX u2:');
    const writer = await tracker(server, 'BCAST PREFIX user: NOLOOP');
    writer.send('MSET user:2 b user:1 a other c', 'SET u2:x d', 'SET user:1 e');
    expect(await writer.take(3)).toEqual(['+OK', '+OK', '+OK']);
    expect(await arrived(every)).toEqual([invalidated('other', 'u2:x', 'user:1', 'user:2')]);
    expect(await arrived(users)).toEqual([invalidated('u2:x'), invalidated('user:1', 'user:2')]);
    expect(await arrived(writer)).toEqual([]);
  });

  it('expired keys are told of, found by access or by the active cycle', async () => {
    let nowMs = 1e12;
    const server = await startServer({}, { now: () => nowMs });
    const client = await tracker(server);
    const setter = await tracker(server, 'BCAST NOLOOP');
    for (const active of [false, true]) {
      server.debug.setActiveExpire(active);
      await setter.ask('SET k v PX 100');
      expect(await client.ask('GET k')).toBe('$1 v');
      nowMs += 200;
      if (!active) expect(await client.ask('GET k')).toBe('_');
      expect(await client.next()).toBe(invalidated('k'));
      expect(await setter.next()).toBe(invalidated('k'));
      await client.ask('FLUSHALL');
      expect([await client.next(), await setter.next()]).toEqual([
        ALL_INVALIDATED,
        ALL_INVALIDATED,
      ]);
    }
  });

  it('FLUSHALL and FLUSHDB tell everybody to forget everything', async () => {
    const server = await startServer();
    const one = await tracker(server);
    const two = await tracker(server, 'BCAST PREFIX x');
    one.send('GET a', 'FLUSHDB', 'PING');
    expect(await one.take(4)).toEqual(['_', '+OK', ALL_INVALIDATED, '+PONG']);
    expect(await arrived(two)).toEqual([ALL_INVALIDATED]);
    expect(server.tracking.keyCount).toBe(0);
  });

  it('the null of FLUSHDB has the form of the protocol that the client speaks after EXEC', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    client.send('CLIENT TRACKING ON', 'MULTI', 'FLUSHDB', 'HELLO 3', 'EXEC');
    await client.take(5);
    expect(await client.next()).toBe(ALL_INVALIDATED);
  });

  it('REDIRECT sends to another client: a push in RESP3, in RESP2 to a subscriber', async () => {
    const server = await startServer();
    const target = await Talker.open(server);
    const id = (await target.ask('CLIENT ID')).slice(1);
    const client = await Talker.open(server);
    const writer = await Talker.open(server);
    expect(await client.ask(`CLIENT TRACKING ON REDIRECT ${id}`)).toBe('+OK');
    expect(await client.ask('CLIENT GETREDIR')).toBe(`:${id}`);
    await client.ask('GET k');
    await writer.ask('SET k 1');
    expect(await arrived(target)).toEqual([]);
    await target.ask('SUBSCRIBE __redis__:invalidate');
    await client.ask('GET k');
    await writer.ask('SET k 2');
    expect(await target.next()).toBe(published('k'));
    await target.ask('UNSUBSCRIBE');
    await target.ask('HELLO 3');
    await client.ask('GET k');
    await writer.ask('SET k 3');
    expect(await target.next()).toBe(invalidated('k'));
  });

  it('a redirection that is broken is told in RESP3 and shown by CLIENT LIST', async () => {
    const server = await startServer();
    const target = await Talker.open(server);
    const id = (await target.ask('CLIENT ID')).slice(1);
    const client = await tracker(server, `REDIRECT ${id}`);
    await client.ask('GET k');
    target.connection.close();
    await until(() => server.clients.size === 1);
    client.send('SET k 1');
    expect(await client.take(2)).toEqual(['+OK', `>2 $21 tracking-redir-broken :${id}`]);
    expect(await client.ask('CLIENT LIST')).toContain(` flags=tR db=0 `);
    expect(await client.ask('CLIENT TRACKINGINFO')).toContain('$15 broken_redirect');
  });

  it('OPTIN and OPTOUT: CLIENT CACHING is about one command, or one transaction', async () => {
    const server = await startServer();
    const optIn = await tracker(server, 'OPTIN');
    const optOut = await tracker(server, 'OPTOUT');
    optIn.send('GET a', 'CLIENT CACHING YES', 'CLIENT ID', 'GET b', 'GET c');
    optIn.send('CLIENT CACHING YES', 'MULTI', 'GET d', 'GET e', 'EXEC', 'GET f');
    await optIn.take(11);
    optOut.send('GET a', 'CLIENT CACHING NO', 'GET b', 'GET c');
    await optOut.take(4);
    const writer = await Talker.open(server);
    await writer.ask('MSET a 1 b 2 c 3 d 4 e 5 f 6');
    expect(await arrived(optIn)).toEqual(['b', 'd', 'e'].map((key) => invalidated(key)));
    expect(await arrived(optOut)).toEqual(['a', 'c'].map((key) => invalidated(key)));
  });

  it('a table past tracking-table-max-keys gives up keys, and says so', async () => {
    const server = await startServer({ 'tracking-table-max-keys': '10' });
    const client = await tracker(server);
    const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`);
    await client.ask(`MGET ${keys.join(' ')}`);
    const told = await arrived(client);
    expect(server.tracking.keyCount).toBe(10);
    expect(told).toHaveLength(90);
    for (const message of told) expect(keys.map((key) => invalidated(key))).toContain(message);
    expect(new Set(told).size).toBe(90);
  });

  it('a table past its bound tells without a command, and those with NOLOOP, too', async () => {
    const server = await startServer();
    const messages = await Talker.open(server);
    await messages.ask('HELLO 3');
    const id = (await messages.ask('CLIENT ID')).slice(1);
    const client = await tracker(server, `REDIRECT ${id} NOLOOP`);
    await client.ask('MGET a b c');
    await client.ask('CONFIG SET tracking-table-max-keys 1');
    // Nobody says a word.
    const told = await messages.take(2);
    expect(server.tracking.keyCount).toBe(1);
    expect(told.every((message) => message.includes('invalidate'))).toBe(true);
    // Its own command is what there is no room for.
    await client.ask('MGET d e f');
    await client.ask('PING');
    expect(await messages.take(3)).toHaveLength(3);
    expect(server.tracking.keyCount).toBe(1);
  });

  it('INFO counts; what a client has read is forgotten as it changes, not when it leaves', async () => {
    const server = await startServer();
    const one = await tracker(server);
    const two = await tracker(server);
    const bcast = await tracker(server, 'BCAST PREFIX a PREFIX b');
    const writer = await Talker.open(server);
    await one.ask('MGET k l');
    await two.ask('MGET l m');
    const counts = async () => {
      const found = (await writer.ask('INFO')).matchAll(/tracking_(?:total_)?(\w+):(\d+)/g);
      return Object.fromEntries([...found].map(([, name, count]) => [name, Number(count)]));
    };
    expect(await counts()).toEqual({ clients: 3, keys: 3, items: 4, prefixes: 2 });
    two.connection.close();
    expect(await bcast.ask('RESET')).toBe('+RESET');
    await until(() => server.clients.size === 3);
    expect(await counts()).toEqual({ clients: 1, keys: 3, items: 4, prefixes: 0 });
    await one.ask('CLIENT TRACKING OFF');
    await writer.ask('MSET k 1 l 2');
    expect(await counts()).toEqual({ clients: 0, keys: 1, items: 1, prefixes: 0 });
    expect(server.keyspace.changes.invalidations).toBeDefined();
    await writer.ask('SET m 3');
    expect(server.keyspace.changes.invalidations).toBeUndefined();
    expect(await arrived(one)).toEqual([]);
  });

  it('forgets all keys when the last client that tracked is gone, not when it turns off', async () => {
    const server = await startServer();
    const one = await tracker(server);
    const two = await tracker(server);
    const writer = await Talker.open(server);
    await two.ask('MGET k l');
    two.connection.close();
    await until(() => server.clients.size === 2);
    expect(await one.ask('CLIENT TRACKING OFF')).toBe('+OK');
    expect(server.tracking.keyCount).toBe(2);
    await one.ask('CLIENT TRACKING ON');
    await one.ask('GET l');
    await one.ask('CLIENT TRACKING OFF');
    await one.ask('CLIENT TRACKING ON');
    await writer.ask('SET l 1');
    expect(await arrived(one)).toEqual([invalidated('l')]);
    await one.ask('CLIENT TRACKING OFF');
    expect(server.tracking.keyCount).toBe(1);
    one.connection.close();
    await until(() => server.clients.size === 1);
    expect(server.tracking.keyCount).toBe(0);
    expect(server.keyspace.changes.invalidations).toBeUndefined();
  });

  it('names the pair of overlapping prefixes that trying all pairs would find', async () => {
    const server = await startServer();
    const client = await tracker(server, 'BCAST PREFIX m1 PREFIX m2');
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', 'm', '1'),
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (words) => {
        const options = words.map((text) => ` PREFIX ${text}`).join('');
        const reply = await client.ask(`CLIENT TRACKING ON BCAST${options}`);
        const pair = firstOverlap(words, ['m1', 'm2']);
        if (pair !== undefined) expect(reply).toContain(`ERR Prefix ${pair}. Prefixes`);
        else {
          expect(reply).toBe('+OK');
          await client.ask('CLIENT TRACKING OFF');
          await client.ask('CLIENT TRACKING ON BCAST PREFIX m1 PREFIX m2');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('10,000 prefixes of one client come and go fast', async () => {
    const server = await startServer();
    const client = await tracker(server, 'BCAST PREFIX z');
    const options = Array.from({ length: 10_000 }, (_, i) => ` PREFIX p${i}:`).join('');
    const cost = await cpuMsOf(async () => {
      expect(await client.ask(`CLIENT TRACKING ON BCAST${options} PREFIX zz`)).toContain("'zz'");
      expect(await client.ask(`CLIENT TRACKING ON BCAST${options}`)).toBe('+OK');
      expect(await client.ask('CLIENT TRACKING OFF')).toBe('+OK');
    });
    // It takes 60 ms; trying all pairs took 2 s.
    expect(cost).toBeLessThan(800);
  });

  it('messages come though CLIENT REPLY is off', async () => {
    const server = await startServer();
    const client = await tracker(server);
    await client.ask('MGET a b');
    client.send('CLIENT REPLY OFF', 'SET a 1', 'CLIENT REPLY ON', 'CLIENT REPLY SKIP', 'SET b 1');
    expect(await client.take(3)).toEqual([invalidated('a'), '+OK', invalidated('b')]);
  });

  it('a blocked client is told before the reply that it waits for, of its own part after', async () => {
    const server = await startServer();
    const waiting = await tracker(server);
    waiting.send('LLEN l', 'LLEN d', 'BLMOVE l d LEFT LEFT 0');
    await waiting.take(2);
    await until(() => server.blocking.size === 1);
    const pusher = await Talker.open(server);
    await pusher.ask('RPUSH l x');
    expect(await waiting.take(3)).toEqual([invalidated('l'), '$1 x', invalidated('d')]);
  });

  it('a thousand clients of one key are told of it, each once', async () => {
    const server = await startServer();
    const clients = await Promise.all(Array.from({ length: 1000 }, () => tracker(server)));
    await Promise.all(clients.map((client) => client.ask('GET k')));
    expect(server.tracking.itemCount).toBe(1000);
    const writer = await Talker.open(server);
    await writer.ask('SET k 1');
    const told = await Promise.all(clients.map((client) => client.next()));
    expect(new Set(told)).toEqual(new Set([invalidated('k')]));
    expect(clients.some(({ connection }) => connection.hasReply)).toBe(false);
  });
});
