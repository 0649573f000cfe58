/**
 * Users as clients meet them: logging in from ioredis, node-redis and redis-cli, what logs show, who is
 * cut off, and rules made to do harm.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { secretDirectives } from '../../src/commands/server/config.ts';
import { directives } from '../../src/config/directives.ts';
import type { Server } from '../../src/server/server.ts';
import { atClose, closeAll, connectTo, startServer, Talker } from '../harness/in-process-server.ts';
import { format } from '../harness/reply.ts';

afterEach(closeAll);

async function withUsers(...rules: string[]): Promise<{ server: Server; admin: Talker }> {
  const server = await startServer();
  const admin = await Talker.open(server);
  for (const rule of rules) expect(await admin.ask(`ACL SETUSER ${rule}`)).toBe('+OK');
  return { server, admin };
}

describe('clients log in', () => {
  it('ioredis and node-redis, with name and password', async () => {
    const { server } = await withUsers('app on >s3cret ~app:* +@all -@admin', 'default off');
    const io = new Redis({
      port: server.port,
      username: 'app',
      password: 's3cret',
      maxRetriesPerRequest: 0,
    });
    atClose(() => io.disconnect());
    expect(await io.set('app:1', 'x')).toBe('OK');
    await expect(io.get('other')).rejects.toThrow(/^NOPERM .*keys/);
    expect(await io.call('ACL', 'WHOAMI')).toBe('app');
    const node = createClient({
      socket: { port: server.port },
      username: 'app',
      password: 's3cret',
      RESP: 3,
    });
    atClose(() => node.destroy());
    await node.connect();
    expect(await node.get('app:1')).toBe('x');
    await expect(node.sendCommand(['CONFIG', 'GET', '*'])).rejects.toThrow(/config\|get/);
    const wrong = createClient({
      socket: { port: server.port, reconnectStrategy: false },
      username: 'app',
      password: 'wrong',
    });
    wrong.on('error', () => {});
    await expect(wrong.connect()).rejects.toThrow(/WRONGPASS/);
  });

  it('redis-cli --user --pass', async (context) => {
    if (spawnSync('redis-cli', ['--version']).status !== 0) {
      console.warn('SKIPPED: redis-cli --user: no redis-cli on PATH');
      context.skip();
    }
    const { server } = await withUsers('app on >s3cret ~* +get +acl|whoami');
    const child = await import('node:child_process');
    const run = (...args: string[]) =>
      new Promise<string>((resolve) => {
        const all = ['-p', String(server.port), '--no-auth-warning', ...args];
        child.execFile('redis-cli', all, (_error, out) => resolve(out.trim()));
      });
    expect(await run('--user', 'app', '--pass', 's3cret', 'ACL', 'WHOAMI')).toBe('app');
    expect(await run('--user', 'app', '--pass', 's3cret', 'SET', 'a', 'b')).toMatch(/^NOPERM/);
  });

  it('with any bytes as password', async () => {
    const { server, admin } = await withUsers();
    const password = Buffer.from([0, 1, 0x0d, 0x0a, 0xff, 0xc3, 0x28, 0]);
    const set = Buffer.concat([Buffer.from('>'), password]);
    expect(format(await admin.connection.call('ACL', 'SETUSER', 'u', 'on', set))).toBe('OK');
    const client = await connectTo(server);
    const cut = password.subarray(0, -1);
    expect(format(await client.call('AUTH', 'u', cut))).toMatch(/WRONGPASS/);
    expect(format(await client.call('AUTH', 'u', password))).toBe('OK');
  });
});

describe('secrets', () => {
  it('are in neither MONITOR nor SLOWLOG nor CLIENT LIST', async () => {
    const { server, admin } = await withUsers('app on >first ~* &* +@all');
    await admin.ask('CONFIG SET slowlog-log-slower-than 0');
    const monitor = await Talker.open(server);
    expect(await monitor.ask('MONITOR')).toBe('+OK');
    const client = await Talker.open(server);
    await client.ask('AUTH app first');
    await client.ask('AUTH app hunter2');
    await client.ask('HELLO 2 AUTH app hunter2');
    await client.ask('ACL SETUSER app >hunter2 ~hunter2');
    await client.ask('ACL DELUSER hunter2');
    await client.ask('CONFIG SET masterauth hunter2');
    await client.ask('CONFIG SET masteruser hunter2 timeout 0');
    await client.ask('MULTI');
    await client.ask('CONFIG SET masterauth hunter2b');
    await client.ask('EXEC');
    await client.ask('PING end');
    let seen = '';
    while (!seen.includes('"end"')) seen += await monitor.next();
    expect(seen).toContain('(redacted)');
    expect(seen).not.toContain('hunter2');
    const log = await client.ask('SLOWLOG GET 100');
    expect(log).toContain('AUTH');
    expect(log).not.toContain('hunter2');
    expect(await client.ask('CLIENT LIST')).not.toContain('hunter2');
    expect(await client.ask('ACL LOG')).not.toContain('hunter2');
  });

  it('are the values of all directives that are secret', () => {
    const secret = directives.filter((each) => each.secret).map(({ name }) => name);
    expect([...secretDirectives].sort()).toEqual(secret.sort());
  });
});

describe('who is cut off', () => {
  it('a deleted user, also while waiting for a key or inside MULTI', async () => {
    const { server, admin } = await withUsers('u on nopass ~* &* +@all');
    const clients = await Promise.all([1, 2, 3].map(() => Talker.open(server)));
    for (const client of clients) expect(await client.ask('AUTH u x')).toBe('+OK');
    clients[0]!.send('BLPOP list 0');
    expect(await clients[1]!.ask('MULTI')).toBe('+OK');
    expect(await clients[1]!.ask('SET k v')).toBe('+QUEUED');
    expect(await admin.ask('ACL DELUSER u')).toBe(':1');
    for (const client of clients) await client.connection.closed();
    expect(await admin.ask('RPUSH list a')).toBe(':1');
    expect(await admin.ask('LLEN list')).toBe(':1');
    expect(await admin.ask('EXISTS k')).toBe(':0');
  });

  it('what it had sent ahead is not run', async () => {
    const { server, admin } = await withUsers('u on nopass ~* +@all');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    client.send('ACL DELUSER u', 'SET k v', 'SET k2 v');
    expect(await client.next()).toBe(':1');
    await client.connection.closed();
    expect(await admin.ask('DBSIZE')).toBe(':0');
  });

  it('nobody who may still listen', async () => {
    const { server, admin } = await withUsers('u on nopass &a* &b +@all');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    expect(await client.ask('SUBSCRIBE a1')).toBe('*3 $9 subscribe $2 a1 :1');
    expect(await admin.ask('ACL SETUSER u resetchannels &a1 +get')).toBe('+OK');
    expect(await admin.ask('PUBLISH a1 m')).toBe(':1');
    expect(await client.next()).toBe('*3 $7 message $2 a1 $1 m');
    expect(await admin.ask('ACL SETUSER u resetchannels')).toBe('+OK');
    await client.connection.closed();
  });
});

describe('rules made to do harm', () => {
  it('names of JavaScript objects are names like others', async () => {
    const { admin } = await withUsers();
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then'];
    for (const name of names) {
      expect(await admin.ask(`ACL GETUSER ${name}`)).toBe('$-1');
      expect(await admin.ask(`AUTH ${name} x`)).toMatch(/^-WRONGPASS/);
      expect(await admin.ask(`ACL SETUSER u +${name}`)).toMatch(/Unknown command or category/);
      expect(await admin.ask(`ACL SETUSER u +@${name}`)).toMatch(/Unknown command or category/);
      expect(await admin.ask(`ACL CAT ${name}`)).toMatch(/^-ERR Unknown category/);
      expect(await admin.ask(`ACL SETUSER ${name} on nopass`)).toBe('+OK');
      expect(await admin.ask(`ACL DELUSER ${name}`)).toBe(':1');
    }
    expect(await admin.ask('ACL USERS')).toBe('*1 $7 default');
  });

  it('no rule becomes a line of the file', async () => {
    const { admin } = await withUsers();
    for (const rule of [
      '+select|0\nuser evil on',
      '~a\nb',
      '&a\nb',
      '+select|0 +@all',
      '(~a\nb)',
    ]) {
      const reply = format(await admin.connection.call('ACL', 'SETUSER', 'u', rule));
      if (!rule.startsWith('(')) expect(reply).toMatch(/Syntax error/);
    }
    const reply = format(await admin.connection.call('ACL', 'SETUSER', 'a\nb'));
    expect(reply).toMatch(/Usernames can't contain spaces or null characters/);
    const list = format(await admin.connection.call('ACL', 'LIST'));
    expect(list).not.toContain('evil');
    expect(list.split('\n').length).toBeLessThan(4);
  });

  it('what errors repeat ends no line', async () => {
    const { admin } = await withUsers();
    const reply = await admin.connection.call('ACL', 'SETUSER', 'u', 'x\r\n+INJECTED');
    expect(format(reply)).toMatch(/modifier 'x {1,2}\+INJECTED'/);
    expect(await admin.ask('PING')).toBe('+PONG');
    const command = await admin.connection.call('ACL', 'DRYRUN', 'default', 'x\r\n+INJECTED');
    expect(format(command)).toMatch(/^\(error\) ERR Command/);
    expect(await admin.ask('PING')).toBe('+PONG');
  });

  it('patterns that are slow elsewhere are quick', async () => {
    const slow = `${'a*'.repeat(20)}b`;
    const { server, admin } = await withUsers(`u on nopass ~${slow} ~${'*?'.repeat(5000)}b +@all`);
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    const start = performance.now();
    expect(await client.ask(`GET ${'a'.repeat(40)}`)).toMatch(/^-NOPERM/);
    expect(await client.ask(`GET ${'a'.repeat(5000)}`)).toMatch(/^-NOPERM/);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(await admin.ask('PING')).toBe('+PONG');
  });

  it('ten thousand selectors', { timeout: 60_000 }, async () => {
    const { server, admin } = await withUsers();
    const selectors = Array.from({ length: 10_000 }, (_, i) => `(+get ~${i})`);
    const reply = await admin.connection.call('ACL', 'SETUSER', 'u', 'on', 'nopass', ...selectors);
    expect(format(reply)).toBe('OK');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    expect(await client.ask('GET 9999')).toBe('$-1');
    expect(await client.ask('GET x')).toMatch(/^-NOPERM/);
  });

  it('one key of many that is forbidden stops the whole command', async () => {
    const { server, admin } = await withUsers('u on nopass ~a* +@all');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    for (const line of [
      ...[
        'MSET a1 1 b 2',
        'MSETNX a1 1 b 2',
        'DEL a1 b',
        'RENAME a1 b',
        'COPY a1 b',
        'LMOVE a1 b LEFT LEFT',
      ],
      ...[
        'SUNIONSTORE a1 a2 b',
        'ZUNIONSTORE a1 2 a2 b',
        'PFMERGE a1 b',
        'BITOP AND a1 a2 b',
        'SMOVE a1 b x',
      ],
      ...[
        'SORT a1 STORE a2 STORE b',
        'GEORADIUS a1 0 0 1 m STORE a2 STORE b',
        'BLMPOP 1 2 a1 b LEFT',
      ],
      ...[
        'XREADGROUP COUNT 1 GROUP STREAMS c NOACK STREAMS b >',
        'GEOSEARCHSTORE a1 b FROMLONLAT 0 0 BYRADIUS 1 m',
      ],
      ...[
        'MSETEX 2 a1 1 b 2',
        'LCS a1 b',
        'EVAL x 2 a1 b',
        'OBJECT FREQ b',
        'MEMORY USAGE b',
        'XGROUP CREATE b g $',
      ],
    ]) {
      expect(await client.ask(line), line).toMatch(/^-NOPERM .* one of the keys/);
    }
    expect(await admin.ask('DBSIZE')).toBe(':0');
  });

  it('a script has the rights of its caller, whatever keys it names', async () => {
    const { server, admin } = await withUsers('u on nopass ~a* &c +eval +get +set +publish +fcall');
    await admin.ask('SET b secret');
    const client = await connectTo(server);
    await client.call('AUTH', 'u', 'x');
    const run = async (code: string) => format(await client.call('EVAL', code, '0'));
    expect(await run("return redis.call('get', 'b')")).toMatch(
      /can't access at least one of the keys/,
    );
    expect(await run("return redis.pcall('get', 'b').err")).toMatch(/can't access/);
    expect(await run("return redis.call('del', 'a')")).toMatch(/can't run this command/);
    expect(await run("return redis.call('publish', 'd', 'm')")).toMatch(/can't publish/);
    expect(await run("return redis.call('keys', '*')")).toMatch(/can't run this command/);
    expect(await run("return redis.acl_check_cmd('get', 'b')")).toBe('(nil)');
    expect(await run("return redis.acl_check_cmd('get', 'a')")).toBe('(integer) 1');
  });
});

describe('rules and what else there is', () => {
  it('go by the proper names of commands that are renamed', async () => {
    const server = await startServer({ 'rename-command': 'GET fetch' });
    const admin = await Talker.open(server);
    expect(await admin.ask('ACL SETUSER u on nopass ~* +fetch')).toMatch(/Unknown command/);
    expect(await admin.ask('ACL SETUSER u on nopass ~a +get')).toBe('+OK');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    expect(await client.ask('FETCH a')).toBe('$-1');
    expect(await client.ask('FETCH b')).toMatch(/^-NOPERM .* one of the keys/);
    expect(await client.ask('SET a b')).toMatch(/^-NOPERM .* 'set' command/);
  });

  it('files are loaded though nobody may do what is in them', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-acl-'));
    atClose(() => rmSync(dir, { recursive: true }));
    const writer = await startServer({ dir, appendonly: 'yes' });
    const first = await Talker.open(writer);
    for (const line of ['SET a 1', 'MULTI', 'SET b 2', 'SET c 3', 'EXEC']) await first.ask(line);
    await writer.close();
    const server = await startServer({ dir, appendonly: 'yes', user: 'default on nopass +dbsize' });
    const client = await Talker.open(server);
    expect(await client.ask('DBSIZE')).toBe(':3');
    expect(await client.ask('GET a')).toMatch(/^-NOPERM/);
  });

  it('INFO counts what was refused, CONFIG RESETSTAT begins anew', async () => {
    const { server, admin } = await withUsers('u on >p ~a &a +get +publish');
    const client = await Talker.open(server);
    await client.ask('AUTH u wrong');
    await client.ask('AUTH u p');
    for (const line of ['GET b', 'GET c', 'SET a b', 'PUBLISH b m']) {
      expect(await client.ask(line)).toMatch(/^-NOPERM/);
    }
    const counts = async () =>
      (await admin.ask('INFO stats')).match(/acl_access_denied_[ack]\w+:\d+/g);
    expect(await counts()).toEqual([
      'acl_access_denied_auth:1',
      'acl_access_denied_cmd:1',
      'acl_access_denied_key:2',
      'acl_access_denied_channel:1',
    ]);
    await admin.ask('CONFIG RESETSTAT');
    expect((await counts())?.join()).toMatch(/^(\w+:0,?){4}$/);
  });

  it('rights to read do not write, rights to write do not read', async () => {
    const { server, admin } = await withUsers('u on nopass %R~r %W~w +@all');
    await admin.ask('MSET r 1 w 2');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    const [may, mayNot] = [
      [
        'GET r',
        'SET w 3',
        'COPY r w REPLACE',
        'EXISTS r w',
        'TYPE w',
        'BITFIELD_RO r GET u8 0',
        'DEL w',
      ],
      [
        'GET w',
        'SET r 3',
        'COPY w r',
        'SET w 1 GET',
        'GETSET w 1',
        'APPEND r x',
        'INCR w',
        'GETDEL w',
        'RENAME w r',
        'DEL r',
        'GETEX r',
        'BITFIELD w GET u8 0',
      ],
    ];
    for (const line of may!) expect(await client.ask(line), line).not.toMatch(/^-/);
    for (const line of mayNot!) expect(await client.ask(line), line).toMatch(/^-NOPERM/);
  });

  it('the log groups what is the same, and keeps its length', async () => {
    let now = 1_000_000;
    const server = await startServer({ 'acllog-max-len': '2' }, { now: () => now });
    const admin = await Talker.open(server);
    await admin.ask('ACL SETUSER u on nopass +get');
    const client = await Talker.open(server);
    await client.ask('AUTH u x');
    await client.ask('GET a');
    now += 60_000;
    await client.ask('GET a');
    expect(await admin.ask('ACL LOG')).toMatch(/^\*1 \*14 \$5 count :2 /);
    now += 60_001;
    await client.ask('GET a');
    expect(await admin.ask('ACL LOG')).toMatch(/^\*2 \*14 \$5 count :1 /);
    await client.ask('GET b');
    await client.ask('GET c');
    expect(await admin.ask('ACL LOG')).toMatch(/^\*2 .* object \$1 c .* object \$1 b /);
    await admin.ask('CONFIG SET acllog-max-len 0');
    await client.ask('GET d');
    expect(await admin.ask('ACL LOG')).toBe('*0');
  });
});
