/** The server as a process: command line, log lines, signals, exit codes, files. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { respiteFile } from '../harness/respite.ts';
import { freePort } from '../harness/server-process.ts';

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const run of cleanUp.splice(0).reverse()) run();
});

function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'respite-'));
  cleanUp.push(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** Starts the server; resolves when its output has a line that contains `text`. */
async function started(args: readonly string[], text = 'Ready to accept connections tcp') {
  const child = spawn(process.execPath, [respiteFile, ...args], { stdio: 'pipe' });
  cleanUp.push(() => child.kill('SIGKILL'));
  let output = '';
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(text)) resolve();
    });
    void exit.then((code) => reject(new Error(`exited with ${code}: ${output}`)));
  });
  return { child, exit, output: () => output };
}

function run(...args: string[]) {
  return spawnSync(process.execPath, [respiteFile, ...args], { encoding: 'utf8', timeout: 10_000 });
}

describe('respite', () => {
  it('prints version and help and exits with 0', () => {
    expect(run('--version')).toMatchObject({ status: 0 });
    expect(run('-v').stdout).toMatch(/^respite v=\d+\.\d+\.\d+ /);
    expect(run('--help').stdout).toContain('Usage: respite');
  });

  it('exits with 1 and names file, line and reason when a line is wrong', () => {
    const file = join(temporaryDirectory(), 'a.conf');
    writeFileSync(file, 'port 0\nmaxmemory lots\n');
    const { status, stderr } = run(file);
    expect(status).toBe(1);
    expect(stderr).toContain('FATAL CONFIG FILE ERROR');
    expect(stderr).toContain(`at line 2 of ${file}`);
    expect(stderr).toContain('argument must be a memory value');
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends in order on ${signal}: exit code 0, pid file removed`, async () => {
      const dir = temporaryDirectory();
      const pidFile = join(dir, 'respite.pid');
      const port = String(await freePort());
      const server = await started(['--port', port, '--pidfile', pidFile, '--dir', dir]);
      const written = () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n');
      while (!written()) await new Promise((resolve) => setImmediate(resolve));
      expect(readFileSync(pidFile, 'utf8')).toBe(`${server.child.pid}\n`);
      server.child.kill(signal);
      expect(await server.exit).toBe(0);
      expect(existsSync(pidFile)).toBe(false);
      expect(server.output()).toMatch(/^\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} \* /);
      expect(server.output()).toContain('Server initialized');
      expect(server.output()).toContain('ready to exit, bye bye...');
    });
  }

  it('SHUTDOWN ABORT takes back a signal that the cron has not seen', async () => {
    const port = await freePort();
    const server = await started(['--port', String(port), '--enable-debug-command', 'yes']);
    const client = await Connection.open(port);
    await client.text('DEBUG', 'PAUSE-CRON', '1');
    server.child.kill('SIGTERM');
    const signals = () => server.output().split('Received SIGTERM scheduling shutdown').length - 1;
    while (signals() < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await client.text('SHUTDOWN', 'ABORT')).toBe('OK');
    expect((await client.call('SHUTDOWN', 'ABORT')).kind).toBe('error');
    await client.text('DEBUG', 'PAUSE-CRON', '0');
    // The cron runs again: it is that which removes the key.
    await client.text('SET', 'k', 'v', 'PX', '1');
    while (!/expired_keys:1/.test(await client.text('INFO', 'stats')));
    expect(server.output()).not.toContain('User requested shutdown');
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(signals()).toBe(2);
    client.close();
  });

  it('exits with 1 when the port is taken', async () => {
    const port = String(await freePort());
    const first = await started(['--port', port, '--always-show-logo', 'yes']);
    expect(first.output()).toMatch(`Port: ${port}\n`);
    expect(first.output()).toMatch(`PID: ${first.child.pid}\n`);
    const { status, stdout } = run('--port', port);
    expect(status).toBe(1);
    expect(stdout).toContain(`Failed listening on port ${port} (tcp), aborting.`);
  });

  it('logs to a file, and opens it anew for every line', async () => {
    const dir = temporaryDirectory();
    const log = join(dir, 'x.log');
    const port = String(await freePort());
    const args = ['--port', port, '--logfile', log, '--loglevel', 'debug'];
    const child = spawn(process.execPath, [respiteFile, ...args], { stdio: 'pipe' });
    cleanUp.push(() => child.kill('SIGKILL'));
    const has = (text: string) => existsSync(log) && readFileSync(log, 'utf8').includes(text);
    while (!has('Ready to accept')) await new Promise((resolve) => setImmediate(resolve));
    rmSync(log);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(has('bye bye')).toBe(true);
  });
});
