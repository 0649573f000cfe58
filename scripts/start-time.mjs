/**
 * How long a start takes: `node scripts/start-time.mjs [starts]` prints the time from spawning a process
 * to its first PONG (median and minimum, ms) and what is resident after two seconds, for Node alone, for the
 * modules and for the bundle. Needs a build and free ports from 7500.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const starts = Number(process.argv[2] ?? 15);
const bin = fileURLToPath(new URL('../dist/bin/', import.meta.url));
const bare = path.join(os.tmpdir(), `respite-bare-${process.pid}.cjs`);
writeFileSync(
  bare,
  `require('net').createServer((s) => s.on('data', () => s.write('+PONG\\r\\n')))
    .listen(+process.argv[3], '127.0.0.1');`,
);

try {
  for (const [name, file] of [
    ['Node alone', bare],
    ['modules', path.join(bin, 'main.js')],
    ['bundle', path.join(bin, 'respite.cjs')],
  ]) {
    const times = [];
    for (let i = 0; i < starts; i++) times.push(await timeOf(file, 7500 + i));
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1].toFixed(0);
    const resident = await residentMegabytes(file);
    console.log(`${name}: median ${median} ms, minimum ${times[0].toFixed(0)} ms, ${resident}`);
  }
} finally {
  rmSync(bare);
}

function start(file, port) {
  return spawn(process.execPath, [file, '--port', String(port)], { stdio: 'ignore' });
}

async function timeOf(file, port) {
  const begun = performance.now();
  const child = start(file, port);
  while (!(await pongFrom(port))) await delay(1);
  const took = performance.now() - begun;
  child.kill('SIGKILL');
  return took;
}

function pongFrom(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function residentMegabytes(file) {
  if (process.platform !== 'linux') return 'resident memory unknown';
  const child = start(file, 7499);
  await delay(2000);
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  child.kill('SIGKILL');
  return `${((Number(/VmRSS:\s*(\d+)/.exec(status)[1]) * 1024) / 1e6).toFixed(1)} MB`;
}
