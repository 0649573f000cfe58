/** The two servers that are compared, each as its own process with nothing written to disk. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import type { Connection } from '../test/harness/connection.ts';
import { freePort, ServerProcess } from '../test/harness/server-process.ts';

export const root = process.env['RESPITE_ROOT'] ?? process.cwd();

export type Contestant = 'respite' | 'redis';
export const CONTESTANTS: readonly Contestant[] = ['respite', 'redis'];

const COMMANDS: Readonly<Record<Contestant, readonly [string, ...string[]]>> = {
  respite: [process.execPath, path.join(root, 'dist/bin/respite.cjs')],
  redis: [process.env['REDIS_SERVER'] ?? 'redis-server'],
};
const ARGS: readonly string[] = ['--appendonly', 'no'];

/** @param nodeArgs for respite only: options of node itself. `more`: directives of both. */
export function start(
  who: Contestant,
  nodeArgs: readonly string[] = [],
  more: readonly string[] = [],
): Promise<ServerProcess> {
  const [command, ...script] = COMMANDS[who];
  const commandArgs = who === 'respite' ? [...nodeArgs, ...script] : [];
  return ServerProcess.start({ name: who, command, commandArgs, args: [...ARGS, ...more] });
}

/** Milliseconds from spawning the process to its first PONG. */
export async function startUpMs(who: Contestant): Promise<number> {
  const port = await freePort();
  const [command, ...args] = COMMANDS[who];
  const began = performance.now();
  const child = spawn(command, [...args, '--port', String(port), '--save', '', ...ARGS], {
    stdio: 'ignore',
    cwd: '/tmp',
  });
  try {
    while (!(await pong(port))) {
      if (performance.now() - began > 10_000) throw new Error(`${who} does not start`);
    }
    return performance.now() - began;
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

function pong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const finish = (answer: boolean) => {
      socket.destroy();
      // A refused connection comes back at once; the next attempt follows half a millisecond later.
      setTimeout(() => resolve(answer), answer ? 0 : 0.5);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/** Processor time that a process has used, all threads, user and system, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold anything; fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const CLOCK_TICKS = 100;

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** A number of INFO. */
export async function infoNumber(connection: Connection, field: string): Promise<number> {
  const text = await connection.text('INFO');
  return Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** Waits until what was deleted is freed; respite does that in slices. */
export async function settled(connection: Connection): Promise<void> {
  while ((await infoNumber(connection, 'lazyfree_pending_objects')) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function versionOf(who: Contestant): Promise<string> {
  await using server = await start(who);
  const connection = await server.connect();
  const text = await connection.text('INFO', 'server');
  connection.close();
  const field = who === 'respite' ? 'respite_version' : 'redis_version';
  return new RegExp(`^${field}:(\\S+)`, 'm').exec(text)?.[1] ?? 'unknown';
}

/** What belongs beside every number: day, machine and versions. */
export async function environment(): Promise<string> {
  const [cpu] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return [
    new Date().toISOString().slice(0, 10),
    `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${gigabytes} GiB`,
    `Node ${process.version}`,
    `respite ${await versionOf('respite')}`,
    `redis-server ${await versionOf('redis')}`,
  ].join('; ');
}
