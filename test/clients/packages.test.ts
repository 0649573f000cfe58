/**
 * Debian's client libraries for other languages against this server: each runs a program that prints
 * "ok". Full tier; what is not installed is skipped and named.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { closeAll, startServer } from '../harness/in-process-server.ts';

const full = process.env['RESPITE_FULL'] === '1';
const programs = path.join(import.meta.dirname, 'programs');
const scratch = mkdtempSync(path.join(tmpdir(), 'respite-clients-'));
const hiredis = path.join(scratch, 'hiredis');

interface Program {
  readonly packages: string;
  /** Succeeds where the packages are installed. */
  readonly probe: readonly string[];
  readonly command: readonly string[];
}

/** Debian's own Python: another one on the PATH does not see Debian's packages. */
const python = '/usr/bin/python3';
const rows: readonly Program[] = [
  {
    packages: 'python3-redis',
    probe: [python, '-c', 'import redis'],
    command: [python, 'redis_py.py'],
  },
  { packages: 'python3-rq', probe: [python, '-c', 'import rq'], command: [python, 'rq_queue.py'] },
  {
    packages: 'python3-celery python3-redis',
    probe: [python, '-c', 'import celery, redis'],
    command: [python, 'celery_app.py'],
  },
  {
    packages: 'php-cli php-redis',
    probe: ['php', '-r', 'exit(class_exists("Redis") ? 0 : 1);'],
    command: ['php', 'phpredis.php'],
  },
  {
    packages: 'ruby-redis',
    probe: ['/usr/bin/ruby', '-e', 'require "redis"'],
    command: ['/usr/bin/ruby', 'redis_rb.rb'],
  },
  {
    packages: 'gcc libhiredis-dev',
    probe: ['gcc', path.join(programs, 'hiredis.c'), '-o', hiredis, '-lhiredis'],
    command: [hiredis],
  },
];

function run([command = '', ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: programs,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.on('error', (error) => resolve(String(error)));
    child.on('close', () => resolve(output.trim()));
  });
}

describe.skipIf(!full)('client libraries of other languages', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await closeAll();
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const { packages, probe, command } of rows) {
    it(packages, async (context) => {
      const [first = '', ...rest] = probe;
      const probed = spawnSync(first, rest, { encoding: 'utf8' });
      if (probed.status !== 0) {
        console.warn(`SKIPPED: not installed: ${packages} (apt-get install ${packages})`);
        context.skip();
      }
      server.resetData();
      expect(await run([...command, String(server.port)])).toMatch(/(?:^|\n)ok$/);
    });
  }
});

if (!full) console.warn('SKIPPED: client libraries of other languages: full tier (RESPITE_FULL=1)');
