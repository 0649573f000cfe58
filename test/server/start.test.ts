/**
 * What a configuration must never do: look as if it protected something that it does not. And how the
 * process stands up to its surroundings: closed pipes, few files, signals.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { fitMaxClients } from '../../src/server/file-limit.ts';
import { Server } from '../../src/server/server.ts';
import { Connection } from '../harness/connection.ts';
import { atClose, closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { respiteFile } from '../harness/respite.ts';
import { freePort } from '../harness/server-process.ts';

afterEach(closeAll);

/** A server with these configuration lines, not started. */
function configured(lines: string): Server {
  const config = new Config();
  config.loadText(lines, 'test.conf');
  return new Server(config, { log: () => {} });
}

describeWithOracle('rename-command next to redis-server', () => {
  it('gives the same replies under the new names', async () => {
    const lines = [
      'rename-command GET fetch',
      'rename-command CONFIG a-name-that-is-longer-than-any-command-and-hard-to-guess',
      'rename-command SET GET',
      'rename-command FLUSHALL ""',
      'rename-command flushdb ""',
    ];
    const args = lines.flatMap((line) => [`--${line.split(' ')[0]}`, ...line.split(' ').slice(1)]);
    const oracle = await startOracle(args.map((word) => (word === '""' ? '' : word)));
    atClose(() => oracle.stop());
    const config = new Config();
    config.loadText(`${lines.join('\n')}\nport 0\nbind 127.0.0.1`, 'test.conf');
    const server = new Server(config, { log: () => {} });
    server.anyPort = true;
    await server.listen();
    atClose(() => server.close());
    const reference = await Connection.open(oracle.port);
    const ours = await Connection.open(server.port);
    atClose(() => reference.close());
    atClose(() => ours.close());
    for (const line of [
      'get k v',
      'FETCH k',
      'set k v',
      'fetch',
      'flushall',
      'FlushDb async',
      'config get port',
      'a-name-that-is-longer-than-any-command-and-hard-to-guess',
      'a-name-that-is-longer-than-any-command-and-hard-to-guess nosuch',
      'A-name-that-is-longer-than-any-command-and-hard-to-guess GET maxmemory',
      'command info fetch flushall config|get',
      'command getkeys get a b',
      'command getkeys set a b',
      'multi',
      'flushall',
      'exec',
    ]) {
      const words = line.split(' ');
      reference.send(...words);
      ours.send(...words);
      const expected = (await reference.receive()).bytes.toString();
      expect((await ours.receive()).bytes.toString(), line).toBe(expected);
    }
  });
});

describe('rename-command', () => {
  for (const [line, reason] of [
    ['rename-command NOSUCH ""', 'No such command in rename-command'],
    ['rename-command config|get x', 'No such command in rename-command'],
    ['rename-command GET set', 'Target command name already exists'],
    ['rename-command GET x\nrename-command GET y', 'No such command in rename-command'],
  ] as const) {
    it(`stops the start: ${line.replace('\n', '; ')}`, () => {
      expect(() => configured(line)).toThrow(reason);
    });
  }

  it('is in force for an embedded server, too', async () => {
    const server = await startServer({ 'rename-command': 'FLUSHALL ""' });
    const client = await Talker.open(server);
    expect(await client.ask('FLUSHALL')).toMatch(/^-ERR unknown command 'FLUSHALL'/);
  });
});

describe('directives that would protect', () => {
  const hash = createHash('sha256').update('pw').digest('hex');

  for (const line of ['cluster-enabled yes']) {
    it(`do not start: ${line.slice(0, 40)}`, () => {
      expect(() => configured(line)).toThrow(/not supported yet/);
    });
  }

  for (const lines of [
    'user default on nopass ~* &* +@all',
    'user default on nopass sanitize-payload ~* &* +@all',
    `requirepass pw\nuser default on #${hash} ~* &* +@all`,
    'tls-port 0\ncluster-enabled no\nreplicaof no one\naclfile ""',
  ]) {
    it(`start when they ask for nothing: ${lines.slice(0, 40).replaceAll('\n', '; ')}`, () => {
      expect(() => configured(lines)).not.toThrow();
    });
  }

  it('may be asked for nothing by CONFIG SET', async () => {
    const client = await Talker.open(await startServer());
    expect(await client.ask('CONFIG GET tls-port')).toBe('*2 $8 tls-port $1 0');
    expect(await client.ask('CONFIG SET tls-port 0')).toBe('+OK');
  });
});

it('directives without effect are named at start, others are not', async () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const server = await startServer(
    { 'io-threads': '4', 'maxmemory-policy': 'allkeys-lru', timeout: '5', supervised: 'no' },
    { log },
  );
  expect(lines.find((line) => line.includes('without effect'))).toMatch(
    /# Warning: set, but without effect in this version: io-threads\n$/,
  );
  await server.close();
  lines.length = 0;
  await startServer({}, { log });
  expect(lines.join('')).not.toContain('without effect');
});

describe('maxclients and the limit of open files', () => {
  const fit = (limit: number | undefined, maxclients = '10000') => {
    const config = new Config();
    config.loadPairs([['maxclients', maxclients]]);
    const lines: string[] = [];
    const fits = fitMaxClients(config, (_level, line) => void lines.push(line), limit);
    return { config, lines, fits, maxclients: config.number('maxclients') };
  };

  it('is lowered to what the limit leaves, with a warning', () => {
    const { lines, maxclients, fits, config } = fit(200);
    expect({ maxclients, fits }).toEqual({ maxclients: 168, fits: true });
    expect(lines).toEqual([
      'You requested maxclients of 10000 requiring at least 10032 max file descriptors.',
      'Current maximum open files is 200. maxclients has been reduced to 168 to compensate for ' +
        "low ulimit. If you need higher maxclients increase 'ulimit -n'.",
    ]);
    expect(() => config.set([['maxclients', '500']])).toThrow(
      "ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system " +
        'is not able to handle the specified number of clients, try with 168',
    );
    expect(config.number('maxclients')).toBe(168);
    config.set([['maxclients', '100']]);
  });

  it('is left alone when it fits, and a limit without room ends the start', () => {
    expect(fit(200, '168')).toMatchObject({ maxclients: 168, fits: true, lines: [] });
    expect(fit(32)).toMatchObject({ fits: false });
  });
});

/** Starts the built server through a shell; resolves when it accepts connections. */
async function startProcess(port: number, before: string, after = '') {
  const command = `${before} exec ${process.execPath} ${respiteFile} --port ${port} ${after}`;
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  atClose(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  for (;;) {
    try {
      const connection = await Connection.open(port);
      atClose(() => connection.close());
      // -LOADING until its files have been looked at.
      while ((await connection.call('PING')).kind === 'error');
      return { child, connection, output: () => output, stderr: () => stderr };
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

describe('the process', () => {
  it('goes on when nobody reads its output any more', async () => {
    const port = await freePort();
    const { child, connection } = await startProcess(port, '', '--loglevel debug');
    child.stdout.destroy();
    child.stderr.destroy();
    for (let i = 0; i < 5; i++) {
      // Each is a line in the log: an attack from another protocol.
      const http = await Connection.open(port);
      http.write(Buffer.from('POST / HTTP/1.1\r\nHost: x\r\n\r\n'));
      await http.close();
      expect(await connection.call('PING')).toMatchObject({ kind: 'simple' });
    }
    expect(child.exitCode).toBeNull();
  });

  it('opens no debugger on SIGUSR1', async () => {
    const { child, connection, stderr } = await startProcess(await freePort(), '');
    child.kill('SIGUSR1');
    for (let i = 0; i < 20; i++) await connection.call('PING');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await connection.call('PING');
    expect(stderr()).toBe('');
  });

  it.skipIf(process.platform !== 'linux')(
    'lowers maxclients under ulimit -n (the limit is read from /proc: Linux only)',
    async () => {
      const { connection, output } = await startProcess(await freePort(), 'ulimit -n 200;');
      expect(await connection.call('CONFIG', 'GET', 'maxclients')).toMatchObject({
        items: [{}, { bytes: Buffer.from('168') }],
      });
      expect(output()).toContain('maxclients has been reduced to 168');
    },
  );

  for (const [args, text] of [
    [['--port', '0'], 'Configured to not listen anywhere, exiting.'],
    [['--port', '0', '--unixsocket', '/nonexistent/s'], 'Failed opening Unix socket'],
  ] as const) {
    it(`exits with 1 and a sentence: ${args.join(' ')}`, () => {
      const { status, stdout } = spawnSync(process.execPath, [respiteFile, ...args], {
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect(status).toBe(1);
      expect(stdout).toContain(text);
      expect(stdout).not.toContain('eady to accept');
    });
  }

  it('reports a line that it refuses on stderr, with file and line', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [respiteFile, '--user', 'default', '+nosuch'],
      { encoding: 'utf8', timeout: 10_000 },
    );
    expect(status).toBe(1);
    expect(stderr).toContain('FATAL CONFIG FILE ERROR');
    expect(stderr).toContain('Error in user declaration: Unknown command or category name in ACL');
  });

  it('obeys shutdown-on-sigterm of the time of the signal', async () => {
    const port = await freePort();
    const { child, connection } = await startProcess(port, '', '--shutdown-on-sigterm now');
    expect(
      await connection.call('CONFIG', 'SET', 'shutdown-on-sigterm', 'nosave now'),
    ).toMatchObject({ kind: 'simple' });
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  });
});

describe('daemonize yes', () => {
  const start = (port: number) =>
    spawnSync(
      process.execPath,
      [respiteFile, '--daemonize', 'yes', '--port', String(port), '--pidfile', '', '--save', ''],
      { encoding: 'utf8' },
    );

  it('returns when clients are served, and fails when they cannot be', async () => {
    const port = await freePort();
    expect(start(port)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const client = await Connection.open(port);
    expect(await client.text('PING')).toBe('PONG');
    // The port is taken now.
    const second = start(port);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('respite did not start');
    await expect(client.call('SHUTDOWN', 'NOSAVE')).rejects.toThrow('closed the connection');
  });
});
