/** `respite ping`, `info`, `top` and `completion`: against servers in this process and as programs. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../../src/tools/command-line.ts';
import { completionScript } from '../../src/tools/completion.ts';
import { passwordFrom } from '../../src/tools/remote-commands.ts';
import { frame, sampleOf } from '../../src/tools/top-frame.ts';
import { Certificates } from '../harness/certificates.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { freePort } from '../harness/server-process.ts';

let certs: Certificates;

beforeAll(() => {
  certs = new Certificates();
});
afterAll(() => certs.remove());
afterEach(closeAll);

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runTool(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    terminal: { isTTY: false, write: () => true },
    ask: () => '',
    readCommands: () => Promise.reject(new Error('not here')),
  });
  return { code, out, err };
}

describe('ping', () => {
  it('PONG and 0 where a server serves, the reason and 1 where none does', async () => {
    const server = await startServer();
    expect(await run('ping', '-p', String(server.port))).toEqual({
      code: 0,
      out: 'PONG\n',
      err: '',
    });
    const port = await freePort();
    expect(await run('ping', '-p', String(port))).toEqual({
      code: 1,
      out: '',
      err: `could not connect to 127.0.0.1:${port}: nothing listens there\n`,
    });
  });

  it('passwords: none, a wrong one, the right one, one of a file', async () => {
    const server = await startServer({ requirepass: 'open sesame' });
    const port = String(server.port);
    expect((await run('ping', '-p', port)).err).toContain('NOAUTH');
    expect((await run('ping', '-p', port, '-a', 'wrong')).err).toContain('WRONGPASS');
    expect((await run('ping', '-p', port, '-a', 'open sesame')).out).toBe('PONG\n');
    writeFileSync(certs.file('secret'), 'open sesame\n');
    expect(passwordFrom({ RESPITE_REQUIREPASS_FILE: certs.file('secret') })).toBe('open sesame');
    expect(passwordFrom({ REDISCLI_AUTH: 'a', RESPITE_REQUIREPASS: 'b' })).toBe('a');
    expect(passwordFrom({})).toBeUndefined();
  });

  it('TLS and unix sockets', async () => {
    const pair = certs.signed('server', '/CN=localhost');
    const port = String(await freePort());
    const socket = certs.file('socket');
    await startServer({
      'tls-port': port,
      'tls-cert-file': pair.cert,
      'tls-key-file': pair.key,
      'tls-auth-clients': 'no',
      unixsocket: socket,
    });
    expect((await run('ping', '--tls', '--cacert', certs.ca, '-p', port)).out).toBe('PONG\n');
    expect((await run('ping', '--tls', '--insecure', '-p', port)).out).toBe('PONG\n');
    expect((await run('ping', '--tls', '-p', port)).code).toBe(1);
    expect((await run('ping', '-s', socket)).out).toBe('PONG\n');
  });

  it('--alive: any answer will do, none will not', async () => {
    const server = await startServer();
    const port = String(server.port);
    server.gates.isLoading = true;
    expect((await run('ping', '-p', port)).code).toBe(1);
    expect(await run('ping', '-p', port, '--alive')).toMatchObject({ code: 0, err: '' });
    server.gates.isLoading = false;
    const nobody = String(await freePort());
    expect((await run('ping', '-p', nobody, '--alive')).code).toBe(1);
  });

  it('--wait: until the server is there', async () => {
    const port = await freePort();
    const waiting = run('ping', '-p', String(port), '--wait', '10');
    const server = await startServer();
    const talker = await Talker.open(server);
    await talker.ask(`CONFIG SET port ${port}`);
    expect((await waiting).out).toBe('PONG\n');
  });
});

describe('info and top', () => {
  it('info prints the sections that are asked for', async () => {
    const server = await startServer();
    const { out, code } = await run('info', 'server', 'clients', '-p', String(server.port));
    expect(code).toBe(0);
    expect(out).toMatch(/^# Server\nredis_version:/);
    expect(out).toContain('\n# Clients\n');
    expect(out).not.toContain('# Memory');
  });

  it('top shows one picture where there is no terminal', async () => {
    const server = await startServer();
    const talker = await Talker.open(server);
    await talker.ask('SET a 1');
    const { out } = await run('top', '-p', String(server.port), '--once', '--interval', '0.05');
    expect(out).toContain(`at 127.0.0.1:${server.port}`);
    expect(out).toMatch(/^keys +1 /m);
    expect(out).toMatch(/^clients +2 connected/m);
    expect(out).toMatch(/^info +/m);
  });

  it('top reckons from two readings, and fits its window', () => {
    const reading = (seconds: number, calls: number) =>
      sampleOf(
        [
          `server_time_usec:${seconds * 1e6}`,
          `total_commands_processed:${calls}`,
          `keyspace_hits:${calls * 3}`,
          `keyspace_misses:${calls}`,
          `used_cpu_user:${seconds / 2}`,
          `cmdstat_get:calls=${calls},usec=${calls * 2},usec_per_call=2.00`,
          `cmdstat_set:calls=5,usec=10,usec_per_call=2.00`,
          'db0:keys=12345,expires=0,avg_ttl=0',
        ].join('\r\n'),
      );
    const lines = frame('here', reading(10, 1000), reading(12, 5000), { columns: 70, rows: 14 });
    expect(lines.length).toBeLessThanOrEqual(13);
    expect(lines.every((line) => line.length <= 70)).toBe(true);
    expect(lines.find((line) => line.startsWith('requests'))).toContain('2,000/s   hits 75%');
    expect(lines.find((line) => line.startsWith('keys'))).toContain('12,345');
    expect(lines.find((line) => line.startsWith('processor'))).toContain('50%');
    expect(lines.at(-1)).toMatch(/^get +2,000 +2\.00 +0\.4%$/);
  });
});

describe('completion', () => {
  it('bash completes commands, directives and their values', ({ skip }) => {
    if (spawnSync('bash', ['--version']).error !== undefined) skip('no bash on the PATH');
    const complete = (...words: string[]) => {
      const array = words.map((word) => `'${word}'`).join(' ');
      const script = `${completionScript('bash')}
COMP_WORDS=(respite ${array}); COMP_CWORD=${words.length}; _respite; echo "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim();
    };
    expect(complete('--appendon')).toBe('--appendonly');
    expect(complete('--appendfsync', '')).toBe('everysec always no');
    expect(complete('--appendonly', 'y')).toBe('yes');
    expect(complete('comp')).toBe('completion');
    expect(complete('check', '')).toBe('rdb aof');
  });

  it('zsh and fish get theirs; other shells none', async () => {
    expect(completionScript('zsh')).toMatch(/^#compdef respite\n/);
    expect(completionScript('fish')).toContain("complete -c respite -l appendonly -r -a 'yes no'");
    const { code, err } = await run('completion', 'fish');
    expect([code, err]).toEqual([0, '']);
  });
});
