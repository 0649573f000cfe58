/**
 * FLUSHALL and the RDB file: as in redis-server, where save points are set the file is emptied with
 * the data, so that a crash afterwards brings nothing back.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { atClose, closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

async function keysAfter(save: string): Promise<string> {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-flushall-'));
  atClose(() => rmSync(dir, { recursive: true, force: true }));
  const first = await Talker.open(await startServer({ dir, save }));
  await first.ask('SET k v');
  expect(await first.ask('SAVE')).toBe('+OK');
  expect(await first.ask('FLUSHALL')).toBe('+OK');
  const second = await Talker.open(await startServer({ dir, save }));
  return second.ask('DBSIZE');
}

it('FLUSHALL empties the RDB file where save points are set', async () => {
  expect(await keysAfter('3600 1')).toBe(':0');
});

it('FLUSHALL leaves the RDB file alone where none is', async () => {
  expect(await keysAfter('')).toBe(':1');
});
