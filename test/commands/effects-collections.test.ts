/**
 * What the commands of lists, sets, sorted sets, positions and streams put into the journal: here
 * and, for those it has, in the append-only file of redis-server.
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { InProcess, textsOf } from '../harness/in-process.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import {
  appendOnlyFileOf,
  copyEffects,
  effectsText,
  journalOf,
  parseEffects,
  runEffects,
} from './effect-script.ts';

afterEach(closeAll);

const scripts = ['lists', 'sets', 'sorted-sets', 'geo', 'streams', 'groups'];
const additions = ['stream-additions'];
const FROZEN_MS = 1_800_000_000_000;

function script(name: string) {
  return parseEffects(readFileSync(new URL(`effects/${name}.txt`, import.meta.url), 'utf8'));
}

describe('effects in the journal', () => {
  it.each([...scripts, ...additions])('%s', async (name) => {
    const steps = script(name);
    // Which entry is idle longest depends on the clock: there it stands still.
    const hooks = additions.includes(name) ? { now: () => FROZEN_MS } : {};
    const server = await startServer({}, hooks);
    const text = await runEffects(journalOf(server), steps);
    expect(text).toBe(effectsText(steps, '+'));
  });
});

describe('effects applied to a copy', () => {
  it.each([...scripts, ...additions])('%s', async (name) => {
    const server = await startServer({ 'enable-debug-command': 'yes' });
    const client = await connectTo(server);
    const copy = new InProcess({}, Math.random, true);
    copyEffects(server, copy);
    await runEffects(journalOf(server), script(name));
    // Groups, and who has which entries pending, are not in the digest.
    const lines = name === 'groups' ? ['XINFO GROUPS x', 'XINFO GROUPS y', 'XPENDING x g'] : [];
    for (const line of ['DEBUG DIGEST', ...lines]) {
      const words = line.split(' ');
      const expected = textsOf(await client.call(...words));
      expect([line, ...copy.texts(...words)]).toEqual([line, ...expected]);
    }
  });
});

describeWithOracle('effects in the append-only file', () => {
  it.each(scripts)('%s', async (name) => {
    const steps = script(name);
    const server = await startOracle(['--appendonly', 'yes', '--appendfsync', 'always']);
    try {
      const text = await runEffects(appendOnlyFileOf(server), steps);
      expect(text).toBe(effectsText(steps, '-'));
    } finally {
      await server.stop();
    }
  });
});
