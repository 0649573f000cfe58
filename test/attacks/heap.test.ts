/**
 * A process with 256 MB of heap lives through everything that clients can do to its heap, and goes
 * on serving others meanwhile. Some attacks run with `npm test`, all with RESPITE_FULL=1.
 */
import { describe, expect, it } from 'vitest';
import { respiteFile } from '../harness/respite.ts';
import { ServerProcess } from '../harness/server-process.ts';
import { Attacker, pause } from './attacker.ts';
import { type Attack, heapAttacks } from './heap-attacks.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const HEAP = '--max-old-space-size=256';

/** Longest wait of another client's PING during an attack, ms. */
async function watch(port: number, isOver: () => boolean): Promise<number> {
  const other = await Attacker.open(port);
  let longest = 0;
  while (!isOver()) {
    const started = performance.now();
    if (!(await other.finish())) throw new Error('another client was not served');
    longest = Math.max(longest, performance.now() - started);
    await pause(20);
  }
  other.end();
  return longest;
}

async function live({ run }: Attack): Promise<{ longest: number; log: string }> {
  await using server = await ServerProcess.start({
    name: 'attacked',
    command: process.execPath,
    commandArgs: [HEAP, respiteFile],
    args: ['--enable-debug-command', 'yes', '--maxclients', '20000'],
  });
  const opened: Attacker[] = [];
  let isOver = false;
  const watching = watch(server.port, () => isOver);
  try {
    await run(async () => {
      const attacker = await Attacker.open(server.port);
      opened.push(attacker);
      return attacker;
    });
  } finally {
    isOver = true;
  }
  const longest = await watching.catch((error: unknown) => {
    throw new Error(`${String(error)}\n${server.log.slice(-3000)}`);
  });
  expect(server.isRunning, server.log.slice(-2000)).toBe(true);
  for (const attacker of opened) attacker.end();
  const after = await server.connect();
  await after.text('FLUSHALL');
  expect(await after.text('PING')).toBe('PONG');
  expect(await after.text('SET', 'k', 'v')).toBe('OK');
  await after.end();
  return { longest, log: server.log };
}

describe('a heap of 256 MB survives', () => {
  const tried = heapAttacks.filter(({ brief }) => FULL || brief === true);
  it.each(tried)(
    '$name',
    async (attack) => {
      const { longest } = await live(attack);
      if (FULL) console.log(`${attack.name}: longest PING ${longest.toFixed(0)} ms`);
    },
    120_000,
  );
});
