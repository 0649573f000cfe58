/**
 * A process with 256 MB of heap lives through everything that clients can do to its heap, and goes
 * on serving others meanwhile. Some attacks run with `npm test`, all with RESPITE_FULL=1.
 */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { respiteFile } from '../harness/respite.ts';
import { ServerProcess } from '../harness/server-process.ts';
import { Attacker, pause } from './attacker.ts';
import { type Attack, heapAttacks } from './heap-attacks.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const HEAP = '--max-old-space-size=256';

/**
 * Another client, in a thread of its own, for this one is busy with the attack: it asks twenty times
 * a second and tells how long each answer took.
 */
const pinging = `
  const { parentPort, workerData } = require('node:worker_threads');
  const socket = require('node:net').connect(workerData, '127.0.0.1');
  let started = 0;
  const ping = () => {
    started = performance.now();
    socket.write('PING\\r\\n');
  };
  socket.on('error', () => {});
  socket.on('connect', ping);
  socket.on('data', () => {
    parentPort.postMessage(performance.now() - started);
    setTimeout(ping, 50);
  });
`;

class OtherClient {
  /** How long answers took, ms. */
  readonly waits: number[] = [];
  private readonly worker: Worker;

  constructor(port: number) {
    this.worker = new Worker(pinging, { eval: true, workerData: port });
    this.worker.on('message', (ms: number) => this.waits.push(ms));
  }

  /** Waits until it has been answered once more. */
  async answered(): Promise<void> {
    const { length } = this.waits;
    const until = Date.now() + 30_000;
    while (this.waits.length === length && Date.now() < until) await pause(20);
    expect(this.waits.length, 'another client was not served').toBeGreaterThan(length);
  }

  end(): Promise<number> {
    return this.worker.terminate();
  }
}

/** The server lives through it. How long another client's requests took meanwhile, in order. */
async function live({ run }: Attack): Promise<number[]> {
  await using server = await ServerProcess.start({
    name: 'attacked',
    command: process.execPath,
    commandArgs: [HEAP, respiteFile],
    args: ['--enable-debug-command', 'yes', '--maxclients', '20000'],
  });
  const opened: Attacker[] = [];
  const other = new OtherClient(server.port);
  await other.answered();
  await run(async () => {
    const attacker = await Attacker.open(server.port);
    opened.push(attacker);
    return attacker;
  });
  expect(server.isRunning, server.log.slice(-3000)).toBe(true);
  await other.answered();
  await other.end();
  for (const attacker of opened) attacker.end();
  const after = await server.connect();
  await after.text('FLUSHALL');
  expect(await after.text('PING')).toBe('PONG');
  expect(await after.text('SET', 'k', 'v')).toBe('OK');
  await after.end();
  return other.waits.sort((x, y) => x - y);
}

describe('a heap of 256 MB survives', () => {
  const tried = heapAttacks.filter(({ brief }) => FULL || brief === true);
  it.each(tried)(
    '$name',
    async (attack) => {
      const waits = await live(attack);
      const part = (share: number) => waits[Math.floor((waits.length - 1) * share)]!.toFixed(0);
      if (FULL)
        console.log(`${attack.name}: PING ${part(0.5)}, 99 % ${part(0.99)}, longest ${part(1)} ms`);
    },
    120_000,
  );
});
