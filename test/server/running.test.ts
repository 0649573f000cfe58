/**
 * Running it: service managers, logs of every kind, and what is said to someone whose server does
 * not start. `systemd-notify` and `logger` are stood in for by scripts that write down what they
 * get; where the real ones are here, they are tried as well.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closest } from '../../src/server/advice.ts';
import { Log } from '../../src/server/log.ts';
import { Supervisor } from '../../src/server/supervisor.ts';
import { Syslog } from '../../src/server/syslog.ts';
import { respiteFile } from '../harness/respite.ts';
import { freePort } from '../harness/server-process.ts';

let directory: string;
const ends: (() => void)[] = [];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'respite-running-'));
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(directory, { recursive: true, force: true });
});

const file = (name: string) => path.join(directory, name);
const contentOf = (name: string) =>
  existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '';

/** A program on the path that does what the script says. */
function standIn(name: string, script: string): NodeJS.ProcessEnv {
  writeFileSync(file(name), `#!/bin/sh\n${script}\n`);
  chmodSync(file(name), 0o755);
  return { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A server as a process, until a line of its output says that it serves. */
async function start(args: readonly string[], env: NodeJS.ProcessEnv) {
  const port = await freePort();
  const words = [respiteFile, '--port', String(port), '--save', '', '--dir', directory, ...args];
  const child = spawn(process.execPath, words, { stdio: 'pipe', env });
  ends.push(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(() => output.includes('Ready to accept connections') || child.exitCode !== null);
  return { child, port, output: () => output };
}

describe('the version', () => {
  const line = (program: string) => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout;

  it('is our own, and that of Redis for programs that start a redis-server', async () => {
    symlinkSync(respiteFile, file('redis-server'));
    const own = line(respiteFile);
    expect(own).toMatch(/^respite v=\d+\.\d+\.\d+ bits=64\n$/);
    const asked = line(file('redis-server'));
    const reported = /^Redis server v=(\S+) sha=[0-9]+:0 malloc=\S+ bits=64 build=(\S+)\n$/;
    const [, version, build] = reported.exec(asked) ?? [];
    expect(build).toBe(own.replace(/ v=(\S+) .*\n/, '-$1'));
    const { child, port } = await start([], process.env);
    const client = new Redis({ port });
    expect(await client.info('server')).toContain(`redis_version:${version}\r\n`);
    client.disconnect();
    child.kill();
  });
});

describe('a service manager', () => {
  const record = () => `echo "$@" >> ${file('notified')}`;

  it('systemd is told of readiness and of the end, once each', async () => {
    const env = { ...standIn('systemd-notify', record()), NOTIFY_SOCKET: file('socket') };
    const { child, port, output } = await start(['--supervised', 'systemd'], env);
    await until(() => contentOf('notified').includes('--ready'));
    expect(output()).toContain('Supervised by systemd.');
    const info = execFileSync('redis-cli', ['-p', String(port), 'INFO', 'server'], {
      encoding: 'utf8',
    });
    expect(info).toContain('process_supervised:systemd');
    child.kill('SIGTERM');
    await until(() => contentOf('notified').includes('STOPPING=1'));
    const lines = contentOf('notified').trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines.every((line) => line.startsWith(`--pid=${child.pid} `))).toBe(true);
  });

  it('the real systemd-notify reaches a socket of its kind', async ({ skip }) => {
    const missing = ['systemd-notify', 'python3'].filter(
      (name) => spawnSync(name, ['--version']).error !== undefined,
    );
    if (missing.length > 0) skip(`no ${missing.join(' and ')} on the PATH`);
    const listen =
      'import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\n' +
      'print("bound",flush=True)\nwhile True: print(s.recv(4096).decode(),flush=True)\n';
    const socket = file('notify.sock');
    const listener = spawn('python3', ['-c', listen, socket], { stdio: 'pipe' });
    ends.push(() => listener.kill('SIGKILL'));
    let heard = '';
    listener.stdout.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    await until(() => heard.includes('bound'));
    const supervisor = new Supervisor({
      wanted: 'auto',
      env: { ...process.env, NOTIFY_SOCKET: socket },
      log: () => {},
    });
    expect(supervisor.manager).toBe('systemd');
    supervisor.ready();
    await until(() => heard.includes('READY=1'));
    expect(heard).toContain('STATUS=Ready to accept connections');
    supervisor.stopping();
    await until(() => heard.includes('STOPPING=1'));
  });

  it('who is asked for and not there is missed in the log', () => {
    const said = (wanted: string, env: NodeJS.ProcessEnv) => {
      const lines: string[] = [];
      const { manager } = new Supervisor({ wanted, env, log: (_level, line) => lines.push(line) });
      return [manager, ...lines];
    };
    expect(said('systemd', {})).toEqual([
      'no',
      'systemd supervision error: NOTIFY_SOCKET not found!',
    ]);
    expect(said('upstart', {})).toEqual([
      'no',
      'upstart supervision requested, but UPSTART_JOB not found!',
    ]);
    expect(said('auto', {})).toEqual(['no']);
    expect(said('no', { NOTIFY_SOCKET: 'x' })).toEqual(['no']);
    expect(said('auto', { NOTIFY_SOCKET: 'x' })).toEqual([
      'systemd',
      'Systemd supervision detected.',
    ]);
    expect(said('auto', { UPSTART_JOB: 'x' })).toEqual([
      'upstart',
      'Upstart supervision detected.',
    ]);
  });

  it('the program that tells is missing: a line in the log, and the server goes on', async () => {
    const lines: string[] = [];
    const supervisor = new Supervisor({
      wanted: 'systemd',
      env: { NOTIFY_SOCKET: 'x', PATH: directory },
      log: (_level, line) => lines.push(line),
    });
    supervisor.ready();
    await until(() => lines.length > 0);
    expect(lines[0]).toContain('systemd supervision error: systemd-notify:');
  });
});

describe('logs', () => {
  const written = (format: string, message: string): string => {
    const log = new Log(() => 1_700_000_000_123);
    let line = '';
    log.sink = (text) => {
      line = text;
    };
    log.format = format;
    log.write('warning', message);
    return line;
  };

  it('JSON, logfmt or as redis-server writes them; one line each, whatever they say', () => {
    const message = 'a "quoted"\nline\u0007';
    expect(JSON.parse(written('json', message))).toEqual({
      timestamp: '2023-11-14T22:13:20.123Z',
      level: 'warning',
      pid: process.pid,
      role: 'master',
      message,
    });
    expect(written('json', message).trimEnd()).not.toContain('\n');
    expect(written('logfmt', message)).toBe(
      `pid=${process.pid} role=master timestamp="2023-11-14T22:13:20.123Z" level=warning ` +
        'message="a \\"quoted\\"\\nline\\u0007"\n',
    );
    expect(written('legacy', 'plain')).toMatch(/^\d+:M \d\d Nov 2023 \d\d:13:20\.123 # plain\n$/);
  });

  it('CONFIG SET log-format changes the next line', async () => {
    const { port, output, child } = await start(['--log-format', 'json'], process.env);
    const cli = (...words: string[]) => execFileSync('redis-cli', ['-p', String(port), ...words]);
    for (const line of output().trim().split('\n')) expect(JSON.parse(line).level).toBeDefined();
    cli('CONFIG', 'SET', 'log-format', 'legacy');
    child.kill('SIGTERM');
    await until(() => child.exitCode !== null);
    expect(output().trim().split('\n').at(-1)).toMatch(/^\d+:M .* bye bye\.\.\.$/);
  });

  it('a file that logrotate has moved away is made anew by the next line', async () => {
    const log = file('respite.log');
    const args = ['--logfile', log];
    const port = await freePort();
    const words = [respiteFile, '--port', String(port), '--save', '', '--dir', directory, ...args];
    const child = spawn(process.execPath, words, { stdio: 'ignore' });
    ends.push(() => child.kill('SIGKILL'));
    await until(() => contentOf('respite.log').includes('Ready to accept'));
    rmSync(log);
    child.kill('SIGHUP');
    child.kill('SIGTERM');
    await until(() => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
    expect(contentOf('respite.log')).toContain('Received SIGTERM');
  });

  it('syslog gets each line with facility and severity, and one line for one', async () => {
    const env = standIn('logger', `echo "$@" > ${file('words')}\ncat >> ${file('syslog')}`);
    const { child } = await start(
      ['--syslog-enabled', 'yes', '--syslog-ident', 'store', '--syslog-facility', 'local3'],
      env,
    );
    child.kill('SIGTERM');
    await until(() => contentOf('syslog').includes('SIGTERM'));
    expect(contentOf('words')).toBe(`--prio-prefix --id=${child.pid} -t store\n`);
    const lines = contentOf('syslog').trim().split('\n');
    expect(lines[0]).toBe(`<${19 * 8 + 5}>oO0OoO0OoO0Oo respite is starting oO0OoO0OoO0Oo`);
    expect(lines.find((line) => line.includes('SIGTERM'))).toMatch(/^<156>/);
  });

  it('a syslog that is not there stops nothing', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = directory;
    try {
      const syslog = new Syslog('redis', 'user');
      syslog.write('notice', 'into the void');
      await new Promise((resolve) => setTimeout(resolve, 20));
      syslog.write('notice', 'again');
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});

describe('the first minute', () => {
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
    const words = [respiteFile, ...args];
    const options = { encoding: 'utf8', timeout: 10_000, env } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, words, options);
    const lines = (stdout + stderr).trimEnd().split('\n');
    return { status, last: lines.at(-1) ?? '', before: lines.at(-2) ?? '' };
  };

  it('a start says how to connect', async () => {
    const { output, port } = await start([], process.env);
    await until(() => output().includes('Connect'));
    expect(output()).toContain(`Connect with redis://127.0.0.1:${port}, or: redis-cli -p ${port}`);
  });

  it.each([
    [['--prot', '1'], 'Did you mean --port? docs/configuration.md lists all directives.'],
    [
      ['--maxmemroy', '1gb'],
      'Did you mean --maxmemory? docs/configuration.md lists all directives.',
    ],
    [['--xyzzy', '1'], 'docs/configuration.md lists all directives.'],
    [
      ['--maxmemory', 'lots'],
      'maxmemory: Most bytes of memory, or percent of what the machine or container has; 0 is unlimited. A size is written 100mb or 2gb.',
    ],
    [['/nowhere/redis.conf'], 'Correct the path, or start without a file: respite --port 6379'],
    [
      ['pnig'],
      'Did you mean "respite ping"? A word that is no command names a configuration file.',
    ],
    [['--logfile', '/nowhere/x.log'], 'Create its directory, or leave logfile empty.'],
    [
      ['--port', '0', '--unixsocket', '/nowhere/x'],
      'Create the directory of /nowhere/x, or choose another path.',
    ],
    [
      ['--bind', '192.0.2.1'],
      'No interface of this machine has the address 192.0.2.1:6379: correct the directive bind.',
    ],
  ])('%j: what to do', (args, advice) => {
    const { status, last } = run(args);
    expect(last.replace(/^\d+:M .*?\d{3} # /, '')).toBe(advice);
    expect(status).toBe(1);
  });

  it('a variable that is wrong: what to do', () => {
    expect(run([], { ...process.env, RESPITE_PORT: 'x' }).last).toBe(
      'port: TCP port; 0 is no TCP.',
    );
  });

  it('a port that is taken: who has it, and what to do', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    ends.push(() => other.close());
    const { status, last } = run(['--port', String(port), '--bind', '127.0.0.1']);
    expect(status).toBe(1);
    expect(last).toContain(
      `Another program listens on 127.0.0.1:${port}: end it, or choose a port with --port ${port + 1}.`,
    );
  });

  it('data that cannot be read: what to do', async () => {
    writeFileSync(file('dump.rdb'), 'no snapshot at all\n');
    const { status, last, before } = run(['--port', String(await freePort()), '--dir', directory]);
    expect(status).toBe(1);
    expect(last).toContain('Fatal error loading the DB');
    expect(before).toContain('"respite check rdb FILE"');
  });

  it('closest() finds the word that was meant, or none', () => {
    const words = ['port', 'save', 'maxmemory', 'appendonly'];
    expect(
      ['prot', 'savee', 'maxmemmory', 'apendonly', 'xyzzy', ''].map((w) => closest(w, words)),
    ).toEqual(['port', 'save', 'maxmemory', 'appendonly', undefined, undefined]);
  });
});
