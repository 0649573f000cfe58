/**
 * What a connection may cost and do before it is ended or refused: their number, strangers, idle
 * ones, slow ones, storms of them; and what only some may ask for.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { heapGuard } from '../../src/util/heap-guard.ts';
import { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer, Talker, until } from '../harness/in-process-server.ts';

afterEach(closeAll);

/** An address of this machine that is not its loopback one. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

async function infoField(client: Talker, name: string): Promise<string> {
  return new RegExp(`${name}:(\\S*)`).exec(await client.ask('INFO everything'))?.[1] ?? '';
}

describe('maxclients', () => {
  it('refuses the next one with an error, and lets one in when another has gone', async () => {
    const server = await startServer({ maxclients: '2' });
    const [a, b] = [await Talker.open(server), await Talker.open(server)];
    await Promise.all([a.ask('PING'), b.ask('PING')]);
    for (let i = 0; i < 3; i++) {
      const refused = await connectTo(server);
      const { bytes } = await refused.receive();
      expect(bytes.toString()).toBe('-ERR max number of clients reached\r\n');
      await refused.closed();
    }
    expect(await infoField(a, 'rejected_connections')).toBe('3');
    expect(await infoField(a, 'connected_clients')).toBe('2');
    await b.connection.end();
    await until(() => server.clients.size === 1);
    expect(await (await Talker.open(server)).ask('PING')).toBe('+PONG');
    await a.ask('CONFIG SET maxclients 1');
    expect(await a.ask('PING')).toBe('+PONG');
  });
});

describe('a client that has not authenticated', () => {
  const bulk = (length: number) => `*2\r\n$4\r\nPING\r\n$${length}\r\n${'x'.repeat(length)}\r\n`;

  it.each([
    ['11 arguments', '*11\r\n', 'unauthenticated multibulk length'],
    ['an argument of 16385 bytes', bulk(16_385), 'unauthenticated bulk length'],
  ])('is ended for %s', async (_name, request, reason) => {
    const server = await startServer({ requirepass: 'secret' });
    const client = await connectTo(server);
    client.write(Buffer.from(request));
    expect((await client.receive()).bytes.toString()).toBe(`-ERR Protocol error: ${reason}\r\n`);
    await client.closed();
  });

  it('may send what is allowed, and more once it has authenticated', async () => {
    const server = await startServer({ requirepass: 'secret' });
    const client = await Talker.open(server);
    client.connection.write(Buffer.from(bulk(16_384)));
    expect(await client.next()).toBe('-NOAUTH Authentication required.');
    expect(await client.ask('PING 1 2 3 4 5 6 7 8 9')).toBe('-NOAUTH Authentication required.');
    expect(await client.ask('AUTH secret')).toBe('+OK');
    client.connection.write(Buffer.from(bulk(16_385)));
    expect((await client.next()).length).toBeGreaterThan(16_385);
    expect(await client.ask(`DEL ${'k '.repeat(20).trim()}`)).toBe(':0');
  });
});

describe('timeout', () => {
  it('ends idle clients, not those that wait, listen or watch', async () => {
    let nowMs = 1_700_000_000_000;
    const log: string[] = [];
    const hooks = { now: () => nowMs, log: (line: string) => log.push(line) };
    const server = await startServer({ timeout: '10', loglevel: 'verbose' }, hooks);
    const open = async (line: string) => {
      const client = await Talker.open(server);
      client.send(line);
      return client;
    };
    const idle = [await open('PING'), await open('SET k v')];
    const others = [await open('BLPOP none 0'), await open('SUBSCRIBE c'), await open('MONITOR')];
    await Promise.all([...idle, others[1]!, others[2]!].map((client) => client.next()));
    await until(() => server.blocking.size === 1);
    nowMs += 9_000;
    await idle[0]!.ask('PING');
    nowMs += 2_000;
    await until(() => server.clients.size === 4);
    expect(log.filter((line) => line.includes('Closing idle client'))).toHaveLength(1);
    nowMs += 20_000;
    await until(() => server.clients.size === 3);
    for (const { connection } of others) expect(connection.isOpen).toBe(true);
  });
});

describe('tcp-keepalive', () => {
  /** The timer that the kernel runs for the server's side of a connection: 2 is keepalive. */
  function timerOf(server: Server): string | undefined {
    const port = server.port.toString(16).toUpperCase().padStart(4, '0');
    const established = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([, local, , state]) => local?.endsWith(`:${port}`) === true && state === '01');
    return established?.[5]?.slice(0, 2);
  }

  it.runIf(process.platform === 'linux').each([
    ['300', '02'],
    ['0', '00'],
  ])('%s: the kernel has its timer %s (/proc: Linux only)', async (seconds, timer) => {
    const server = await startServer({ 'tcp-keepalive': seconds });
    const client = await Talker.open(server);
    await client.ask('PING');
    await until(() => timerOf(server) === timer);
  });
});

describe('protected mode', () => {
  it.runIf(outside !== undefined)(
    'keeps strangers out while there is no password (needs an address besides the loopback one)',
    async () => {
      const server = await startServer({ bind: '* -::*' });
      const refused = await Connection.open(server.port, outside);
      expect((await refused.receive()).bytes.toString()).toMatch(/^-DENIED .*protected mode/);
      await refused.closed();
      const local = await Talker.open(server);
      expect(await local.ask('PING')).toBe('+PONG');
      for (const change of ['requirepass secret', 'protected-mode no']) {
        expect(await local.ask(`CONFIG SET ${change}`)).toBe('+OK');
        const other = await Connection.open(server.port, outside);
        other.send('PING');
        const wanted = change.startsWith('requirepass') ? /^-NOAUTH/ : /^\+PONG/;
        expect((await other.receive()).bytes.toString()).toMatch(wanted);
        other.close();
        local.connection.send('CONFIG', 'SET', 'requirepass', '');
        expect(await local.next()).toBe('+OK');
      }
    },
  );
});

describe('what has to be enabled', () => {
  const refusal = (command: string, directive: string) =>
    `-ERR ${command} command not allowed. If the ${directive} option is set to "local", you can ` +
    'run it from a local connection, otherwise you need to set this option in the configuration ' +
    'file, and then restart the server.';

  it.each([
    ['DEBUG', 'JMAP', 'enable-debug-command'],
    ['MODULE', 'LOAD /x', 'enable-module-command'],
    ['MODULE', 'LOADEX /x', 'enable-module-command'],
    ['MODULE', 'UNLOAD x', 'enable-module-command'],
  ])('%s %s is refused under no, and not under local or yes', async (command, rest, directive) => {
    const text = refusal(command, directive);
    const off = await Talker.open(await startServer());
    expect(await off.ask(`${command} ${rest}`)).toBe(text);
    expect(await off.ask(`CONFIG SET ${directive} yes`)).toContain('immutable config');
    for (const value of ['local', 'yes']) {
      const client = await Talker.open(await startServer({ [directive]: value }));
      const reply = await client.ask(`${command} ${rest}`);
      expect(reply).toMatch(/^-ERR (unknown subcommand|Error (un)?loading)/);
    }
  });

  it.runIf(outside !== undefined)(
    'local does not mean from elsewhere (needs an address besides the loopback one)',
    async () => {
      const server = await startServer({
        bind: '* -::*',
        'protected-mode': 'no',
        'enable-debug-command': 'local',
        'enable-module-command': 'local',
        'enable-protected-configs': 'local',
      });
      const far = await Connection.open(server.port, outside);
      const ask = async (...words: string[]) => {
        far.send(...words);
        return (await far.receive()).bytes.toString().trimEnd();
      };
      expect(await ask('DEBUG', 'SLEEP', '0')).toBe(refusal('DEBUG', 'enable-debug-command'));
      expect(await ask('MODULE', 'LOAD', 'x')).toBe(refusal('MODULE', 'enable-module-command'));
      expect(await ask('CONFIG', 'SET', 'dbfilename', 'x.rdb')).toMatch(/protected config/);
      far.close();
      const near = await Talker.open(server);
      expect(await near.ask('DEBUG SLEEP 0')).toBe('+OK');
      expect(await near.ask('CONFIG SET dbfilename x.rdb')).toBe('+OK');
    },
  );

  it('MODULE LIST is empty, and needs nothing', async () => {
    const client = await Talker.open(await startServer());
    expect(await client.ask('MODULE LIST')).toBe('*0');
  });
});

describe('storms', () => {
  it('of connections leave nothing behind, whatever they were in the middle of', async () => {
    const server = await startServer({ requirepass: '' });
    const before = heapGuard.counted;
    const beginnings = [
      '',
      'PING\r\n',
      '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nab',
      '*1\r',
      'SUBSCRIBE a b\r\n',
      'MULTI\r\nSET a b\r\n',
      'WATCH a b\r\n',
      'BLPOP x y 0\r\n',
      'MONITOR\r\n',
      'CLIENT TRACKING ON BCAST\r\n',
    ];
    for (let round = 0; round < 6; round++) {
      const crowd = await Promise.all(
        Array.from({ length: 50 }, () => Connection.open(server.port)),
      );
      for (const [i, each] of crowd.entries()) {
        each.write(Buffer.from(beginnings[i % beginnings.length]!));
      }
      await new Promise((resolve) => setImmediate(resolve));
      for (const each of crowd) each.close();
    }
    await until(() => server.clients.size === 0);
    expect(server.clients.memory.bytes).toBe(0);
    expect(server.pubsub.memoryBytes + server.blocking.size + server.monitors.size).toBe(0);
    expect(server.keyspace.changes.watches.size + server.tracking.clientCount).toBe(0);
    expect(heapGuard.counted).toBe(before);
    expect(await (await Talker.open(server)).ask('PING')).toBe('+PONG');
  });

  it('are refused one by one where the heap has no room for more', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    await client.ask('PING');
    const { ceiling } = heapGuard;
    try {
      heapGuard.ceiling = 1;
      heapGuard.renew();
      const refused = await connectTo(server);
      expect((await refused.receive()).bytes.toString()).toMatch(/^-OOM /);
      await refused.closed();
      expect(await client.ask('SUBSCRIBE c')).toMatch(/^-OOM /);
      expect(await client.ask('WATCH k')).toMatch(/^-OOM /);
      expect(await client.ask('BLPOP k 0')).toMatch(/^-OOM /);
      expect(await client.ask('CLIENT SETNAME x')).toMatch(/^-OOM /);
      expect(await client.ask('SCRIPT LOAD return{}')).toMatch(/^-OOM /);
      expect(await client.ask('CLIENT TRACKING ON BCAST PREFIX p')).toMatch(/^-OOM /);
      expect(await client.ask('SET k v')).toBe('+OK');
      expect(await client.ask('GET k')).toBe('$1 v');
    } finally {
      heapGuard.ceiling = ceiling;
    }
    expect(await client.ask('SUBSCRIBE c')).toBe('*3 $9 subscribe $1 c :1');
  });
});
