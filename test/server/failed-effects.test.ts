/** What becomes of a server when a command of a master or of an append-only file fails. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { effectFailed } from '../../src/server/failed-effects.ts';
import { atClose, closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

it('propagation-error-behavior decides, and a writable replica goes on', async () => {
  const server = await startServer({});
  let ends = 0;
  server.lifecycle.dieDamaged = () => {
    ends++;
  };
  const ending: string[] = [];
  for (const behavior of ['ignore', 'panic', 'panic-on-replicas']) {
    for (const readOnly of ['yes', 'no']) {
      server.config.set([
        ['propagation-error-behavior', behavior],
        ['replica-read-only', readOnly],
      ]);
      for (const from of ['master', 'file'] as const) {
        const before = ends;
        effectFailed(server, from, 'set', 'ERR no');
        if (ends > before) ending.push(`${behavior} ${readOnly} ${from}`);
      }
    }
  }
  expect(ending).toEqual([
    'panic yes master',
    'panic yes file',
    'panic no file',
    'panic-on-replicas yes master',
  ]);
  expect(server.stats.unexpectedErrors).toBe(12);
});

it('errors of an append-only file are counted, and the rest of it is loaded', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-effects-'));
  atClose(() => rmSync(dir, { recursive: true }));
  mkdirSync(path.join(dir, 'appendonlydir'));
  const file = path.join(dir, 'appendonlydir', 'appendonly.aof');
  writeFileSync(`${file}.manifest`, 'file appendonly.aof.1.incr.aof seq 1 type i\n');
  const lines = ['SET k v', 'LPUSH k x', 'SET after 1'];
  const encode = (line: string) => {
    const words = line.split(' ').map((word) => `$${word.length}\r\n${word}\r\n`);
    return `*${words.length}\r\n${words.join('')}`;
  };
  writeFileSync(`${file}.1.incr.aof`, lines.map(encode).join(''));
  const server = await startServer({ dir, appendonly: 'yes' });
  const client = await Talker.open(server);
  expect(await client.ask('INFO stats')).toContain('unexpected_error_replies:1 ');
  expect(await client.ask('MGET k after')).toContain('v');
});
