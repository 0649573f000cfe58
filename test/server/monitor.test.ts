/** MONITOR: what is shown to whom, in which order and form. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { CommandTable } from '../../src/commands/command-table.ts';
import type { SessionPort } from '../../src/commands/ports/session.ts';
import { command } from '../../src/commands/spec.ts';
import { ParseResult, RequestParser } from '../../src/resp/request-parser.ts';
import { Clock } from '../../src/server/clock.ts';
import { Monitors } from '../../src/server/monitors.ts';
import type { Server } from '../../src/server/server.ts';
import { Args } from '../../src/util/args.ts';
import { closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';

afterEach(closeAll);

/** Lines without time and port. */
function plain(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^\+\d+\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\]/, '[$1]'));
}

async function startMonitor(server: Server): Promise<Talker> {
  const monitor = await Talker.open(server);
  expect(await monitor.ask('MONITOR')).toBe('+OK');
  return monitor;
}

/** All that a monitor is shown until a last command that it is shown, too. */
async function shownTo(monitor: Talker, client: Talker): Promise<string[]> {
  client.send('ECHO last');
  const lines: string[] = [];
  for (;;) {
    const line = await monitor.next();
    if (line.endsWith('"ECHO" "last"')) return plain(lines);
    lines.push(line);
  }
}

describe('MONITOR', () => {
  it('shows what has run, with time, database and address', async () => {
    let nowMs = 1_700_000_000_123;
    const server = await startServer({}, { now: () => nowMs });
    const monitor = await startMonitor(server);
    const client = await Talker.open(server);
    client.send('SET k v', 'select 3', 'LPUSH k', 'NOSUCH', 'INCR x');
    const lines = await monitor.take(3);
    expect(lines[0]).toMatch(/^\+1700000000\.123\d{3} \[0 127\.0\.0\.1:\d+\] "SET" "k" "v"$/);
    expect(plain(lines)).toEqual(['[0] "SET" "k" "v"', '[3] "select" "3"', '[3] "INCR" "x"']);
    nowMs = 1_700_000_001_000;
    client.send('PING');
    expect(await monitor.next()).toMatch(/^\+1700000001\.000\d{3} /);
  });

  it('shows commands that fail, but none that are refused or for administrators', async () => {
    const server = await startServer();
    const monitor = await startMonitor(server);
    const client = await Talker.open(server);
    client.send('SET k v', 'LPUSH k x', 'GET', 'CONFIG GET port', 'CLIENT LIST', 'CLIENT ID');
    expect(await shownTo(monitor, client)).toEqual([
      '[0] "SET" "k" "v"',
      '[0] "LPUSH" "k" "x"',
      '[0] "CLIENT" "ID"',
    ]);
  });

  it('shows a transaction when it runs, EXEC last', async () => {
    const server = await startServer();
    const monitor = await startMonitor(server);
    const client = await Talker.open(server);
    client.send('MULTI', 'SET k v', 'SELECT 2', 'CONFIG GET port', 'GET k', 'EXEC');
    client.send('MULTI', 'NOSUCH', 'EXEC');
    expect(await shownTo(monitor, client)).toEqual([
      '[0] "MULTI"',
      '[0] "SET" "k" "v"',
      '[2] "SELECT" "2"',
      '[2] "GET" "k"',
      '[2] "EXEC"',
      '[2] "MULTI"',
      '[2] "EXEC"',
    ]);
  });

  it('shows a blocked command once, and a paused one when it runs', async () => {
    const server = await startServer();
    const monitor = await startMonitor(server);
    const waiter = await Talker.open(server);
    const client = await Talker.open(server);
    waiter.send('BLPOP l 0');
    await until(() => server.blocking.size === 1);
    client.send('RPUSH l x', 'CLIENT PAUSE 100000 WRITE', 'PING', 'SET k v', 'GET k');
    expect(plain(await monitor.take(3))).toEqual([
      '[0] "BLPOP" "l" "0"',
      '[0] "RPUSH" "l" "x"',
      '[0] "PING"',
    ]);
    const other = await Talker.open(server);
    other.send('PING 2', 'CLIENT UNPAUSE');
    expect(plain(await monitor.take(3))).toEqual([
      '[0] "PING" "2"',
      '[0] "SET" "k" "v"',
      '[0] "GET" "k"',
    ]);
  });

  it('leaves out what a command calls secret, in transactions as well', async () => {
    const server = await startServer();
    const monitor = await startMonitor(server);
    const client = await Talker.open(server);
    client.send('AUTH p1', 'AUTH u p2', 'HELLO 2 SETNAME AUTH AUTH u p3', 'HELLO 9 AUTH u p4');
    client.send('HELLO 2 AUTH p5', 'MULTI', 'AUTH p6', 'EXEC');
    const lines = await shownTo(monitor, client);
    expect(lines.join()).not.toMatch(/p\d/);
    expect(lines[2]).toBe('[0] "HELLO" "2" "SETNAME" "AUTH" "AUTH" "(redacted)" "(redacted)"');
    expect(lines).toContain('[0] "AUTH" "(redacted)"');
  });

  it('answers the monitor itself first, then shows it the command', async () => {
    const server = await startServer();
    const monitor = await startMonitor(server);
    monitor.send('PING', 'MULTI', 'ECHO a', 'EXEC', 'MONITOR', 'CLIENT REPLY SKIP', 'PING');
    expect(plain(await monitor.take(5))).toEqual([
      '+PONG',
      '[0] "PING"',
      '+OK',
      '[0] "MULTI"',
      '+QUEUED',
    ]);
    // The line stands inside EXEC's reply, as it does in redis-server.
    monitor.send('ECHO b');
    const rest = plain(await monitor.take(5));
    expect(rest[0]).toMatch(/^\*1 \$1 a$/);
    expect(rest.slice(1)).toEqual([
      '[0] "ECHO" "a"',
      '[0] "EXEC"',
      '[0] "CLIENT" "REPLY" "SKIP"',
      '$1 b',
    ]);
  });

  it('keeps a monitor from the data, and does not make it wait', async () => {
    const server = await startServer();
    const monitor = await startMonitor(server);
    const refused = "-ERR Replica can't interact with the keyspace";
    expect(await monitor.ask('GET k')).toBe(refused);
    expect(await monitor.ask('SET k v')).toBe(refused);
    const client = await Talker.open(server);
    await client.ask('CLIENT PAUSE 100000');
    expect(await monitor.ask('PING')).toBe('+PONG');
  });

  it('is not possible in a transaction', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    client.send('MULTI', 'MONITOR', 'EXEC');
    expect((await client.take(3))[2]).toContain("-ERR MONITOR isn't allowed");
    expect(server.monitors.size).toBe(0);
  });

  it('ends with RESET, with the connection, and is not ended for idleness', async () => {
    const server = await startServer({ timeout: '1', hz: '100' });
    const [first, second] = [await startMonitor(server), await startMonitor(server)];
    expect(await first.ask('RESET')).toBe('+RESET');
    expect(server.monitors.size).toBe(1);
    expect(await first.ask('GET k')).toBe('$-1');
    // The first one is idle from here on; the second one lives on beyond it.
    await expect(first.next()).rejects.toThrow('closed');
    const client = await Talker.open(server);
    expect(await client.ask('CLIENT LIST')).toContain('flags=O');
    await second.connection.close();
    await until(() => server.monitors.size === 0);
  });

  it('names unix sockets by their path', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'respite-'));
    const path = join(dir, 's.sock');
    const server = await startServer({ unixsocket: path });
    const monitor = await startMonitor(server);
    const socket = connect(path);
    socket.write('PING\r\n');
    expect(await monitor.next()).toMatch(new RegExp(` \\[0 unix:${path}\\] "PING"$`));
    socket.destroy();
    rmSync(dir, { recursive: true });
  });

  it('cuts a monitor that does not read, and nobody else', async () => {
    const limit = 'normal 1000000 0 0 replica 0 0 0 pubsub 0 0 0';
    const server = await startServer({ 'client-output-buffer-limit': limit, hz: '100' });
    const slow = connect(server.port, '127.0.0.1');
    slow.on('error', () => {});
    slow.write('MONITOR\r\n');
    await until(() => server.monitors.size === 1);
    slow.pause();
    const client = await Talker.open(server);
    const value = 'x'.repeat(500_000);
    while (server.monitors.size > 0) expect(await client.ask(`SET k ${value}`)).toBe('+OK');
    expect(server.stats.clientOutputLimitDisconnections).toBe(1);
    slow.destroy();
  });
});

describe('Monitors', () => {
  /** A session that keeps what is pushed to it. */
  function fakeSession(): SessionPort & { readonly pushed: Buffer[] } {
    const pushed: Buffer[] = [];
    const sendMessage = (message: Buffer) => pushed.push(message);
    const session = {
      pushed,
      sendMessage,
      isMonitor: false,
      isMuted: false,
      dbIndex: 0,
      origin: 'lua',
    };
    return session as unknown as SessionPort & { readonly pushed: Buffer[] };
  }

  const run = () => {};
  const base = { arity: -1, group: 'string', since: '', summary: '', complexity: '' } as const;
  const [open, secret] = [
    ...new CommandTable([
      command({ ...base, name: 'open', flags: [], run }),
      command({ ...base, name: 'secret', flags: [], secrets: () => [2], run }),
    ]),
  ];

  it('writes a line once for all, which reads back as the very arguments', () => {
    const monitors = new Monitors(new Clock(() => 0));
    const [a, b] = [fakeSession(), fakeSession()];
    monitors.add(a);
    monitors.add(b);
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { minLength: 1 }), (parts) => {
        monitors.show(fakeSession(), open!, Args.of(...parts));
        const line = a.pushed.pop()!;
        expect(b.pushed.pop()).toBe(line);
        expect(line.every((byte) => byte < 127)).toBe(true);
        const quoted = line.subarray(line.indexOf('"'));
        const parser = new RequestParser();
        parser.push(quoted, 0, quoted.length);
        const read = new Args();
        expect(parser.next(read)).toBe(ParseResult.request);
        expect(parts.map((_, i) => read.bytes(i))).toEqual(parts.map((part) => Buffer.from(part)));
      }),
    );
  });

  it('takes secret arguments from the specification', () => {
    const monitors = new Monitors(new Clock(() => 0));
    const session = fakeSession();
    monitors.add(session);
    monitors.show(fakeSession(), secret!, Args.of('secret', 'a', 'b', 'c'));
    expect(session.pushed[0]!.toString()).toMatch(/\[0 lua\] "secret" "a" "\(redacted\)" "c"\r\n$/);
  });

  it('shows nothing where CLIENT REPLY leaves everything out', () => {
    const monitors = new Monitors(new Clock(() => 0));
    const session = Object.assign(fakeSession(), { isMuted: true });
    monitors.add(session);
    monitors.show(fakeSession(), open!, Args.of('open'));
    expect(session.pushed).toEqual([]);
  });
});
