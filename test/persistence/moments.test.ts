/**
 * A snapshot is the data of the moment it was asked for, whatever random commands on all types change
 * while the thread writes it: a second server that loads the file has what was there then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { effectSteps } from '../differential/generator-effects.ts';
import type { Connection } from '../harness/connection.ts';
import { allStates } from '../harness/data-state.ts';
import { atClose, closeAll, connectTo, startServer, until } from '../harness/in-process-server.ts';
import { SEED } from '../harness/seed.ts';

afterEach(closeAll);

const ROUNDS = process.env['RESPITE_FULL'] === '1' ? 100 : 6;
const STEPS = 150;
const NOW_MS = 1_790_000_000_000;

const EMPTIES = /^FLUSH/i;

/** Runs commands, but those that empty databases: FLUSHALL gives a save up. */
async function runAll(client: Connection, commands: readonly (readonly string[])[]): Promise<void> {
  const kept = commands.filter(([name]) => !EMPTIES.test(name!));
  for (const argv of kept) client.send(...argv.map((arg) => Buffer.from(arg, 'latin1')));
  for (const _ of kept) await client.receive();
}

/** What has expired may still be there, but is not loaded from an RDB file. */
function isAlive(state: string): boolean {
  const until = / until (\d+)/.exec(state)?.[1];
  return until === undefined || Number(until) > NOW_MS;
}

it.each(['rdb', 'aof'] as const)('%s: a file has the data of its moment', async (form) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-moments-'));
  atClose(() => rmSync(dir, { recursive: true, force: true }));
  const hooks = { now: () => NOW_MS };
  const directives = {
    ...{ dir, 'enable-debug-command': 'yes', 'rdb-version': '12', databases: '16' },
    ...(form === 'aof' ? { appendonly: 'yes', 'aof-use-rdb-preamble': 'no' } : {}),
  };
  const server = await startServer(directives, hooks);
  const client = await connectTo(server);
  const kind = form === 'rdb' ? 'save' : 'rewrite';
  const sequences = fc.sample(effectSteps(true, STEPS), { numRuns: ROUNDS * 2, seed: SEED });
  let underWay = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await client.call('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    for (const { commands } of sequences[round * 2]!) await runAll(client, commands);
    await client.call('CONFIG', 'SET', 'rdb-key-save-delay', '1000');
    const then = allStates(server).filter(isAlive);
    await client.call(form === 'rdb' ? 'BGSAVE' : 'BGREWRITEAOF');
    const { persistence } = server;
    for (const { commands } of sequences[round * 2 + 1]!) {
      await runAll(client, commands);
      if (persistence.isRunning(kind)) underWay++;
    }
    await until(() => !persistence.isRunning(kind));
    expect(persistence.saves.succeeded && persistence.rewrites.succeeded).toBe(true);
    const now = allStates(server);
    // what is loaded: the RDB file has the moment's data, the append-only files what came after, too
    const copy = await startServer(directives, hooks);
    expect(allStates(copy)).toEqual(form === 'rdb' ? then : now);
    await copy.close();
  }
  expect(underWay).toBeGreaterThan(ROUNDS * 5);
});
