/**
 * `node scripts/soak.mjs [minutes] [maxmemory in MB]`: mixed traffic on a server that evicts, 30
 * minutes by default. Fails when resident memory grows after the warm-up (five minutes, or half of
 * the time), when used_memory is more than 1 % above maxmemory, when another client's PING
 * takes longer than a second, or when anything is answered that should not be.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ensureBuilt, ensureInstalled, root } from './project.mjs';

const minutes = Number(process.argv[2] ?? 30);
const maxMegabytes = Number(process.argv[3] ?? 100);
const workers = 8;
await ensureInstalled();
await ensureBuilt();

const dir = mkdtempSync(path.join(tmpdir(), 'respite-soak-'));
const port = await freePort();
const server = spawn(
  process.execPath,
  [
    path.join(root, 'dist/bin/respite.cjs'),
    ...['--port', String(port), '--dir', dir, '--save', '', '--maxclients', '2000'],
    ...['--maxmemory', `${maxMegabytes}mb`, '--maxmemory-policy', 'allkeys-lru'],
    ...['--maxmemory-clients', '25%', '--appendonly', 'no'],
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
let ended;
server.once('exit', (code, signal) => {
  ended = `the server ended: ${code ?? signal}`;
});

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const random = (n) => Math.floor(Math.random() * n);
const words = (...parts) =>
  `*${parts.length}\r\n${parts.map((part) => `$${String(part).length}\r\n${part}\r\n`).join('')}`;

/** A connection that sends a pipeline, ended by a PING of its own, and waits for that one's answer. */
class Client {
  constructor() {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.tail = '';
    this.errors = [];
    this.socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      for (const [line] of text.matchAll(/^-(?!OOM|BUSYKEY|WRONGTYPE|EXECABORT)[A-Z]+ .*$/gm)) {
        this.errors.push(line);
      }
      this.tail = (this.tail + text).slice(-200);
      this.wake?.();
    });
    this.socket.on('close', () => this.wake?.());
  }

  async run(requests) {
    const mark = `mark${Math.random()}`;
    this.socket.write(requests.join('') + words('PING', mark));
    while (!this.tail.includes(mark)) {
      if (this.socket.destroyed) return false;
      await new Promise((resolve) => {
        this.wake = resolve;
      });
    }
    return true;
  }
}

const key = () => `key:${Math.floor(200_000 * Math.random() ** 3)}`;
const value = () => 'v'.repeat(random(10) === 0 ? random(20_000) : random(300));

/** One of each kind of what applications do; keys have their type in their name. */
const kinds = [
  () => [words('SET', `s${key()}`, value())],
  () => [words('GET', `s${key()}`)],
  () => [words('SETEX', `s${key()}`, 1 + random(60), value())],
  () => [words('HSET', `h${key()}`, `f${random(300)}`, value())],
  () => [words('HGETALL', `h${key()}`)],
  () => [words('RPUSH', `l${key()}`, value(), value()), words('LTRIM', `l${key()}`, 0, 50)],
  () => [words('SADD', `t${key()}`, random(1e6), random(1e6))],
  () => [words('ZADD', `z${key()}`, random(1e6), `m${random(500)}`)],
  () => [words('ZRANGE', `z${key()}`, 0, -1)],
  () => [words('XADD', `x${key()}`, 'MAXLEN', '~', 100, '*', 'f', value())],
  () => [words('APPEND', `s${key()}`, 'x'.repeat(random(100)))],
  () => [words('DEL', `s${key()}`), words('UNLINK', `h${key()}`)],
  () => [words('MULTI'), words('INCR', `n${key()}`), words('GET', `s${key()}`), words('EXEC')],
  () => [words('WATCH', `s${key()}`), words('UNWATCH')],
  () => [words('EVAL', "return redis.call('SET', KEYS[1], ARGV[1])", 1, `s${key()}`, value())],
  () => [words('PUBLISH', `c${random(20)}`, value())],
];

const stopAt = Date.now() + minutes * 60_000;
const isOver = () => ended !== undefined || Date.now() >= stopAt;
let commands = 0;
const errors = [];

async function work() {
  let client = new Client();
  while (!isOver()) {
    const requests = Array.from({ length: 64 }, () => kinds[random(kinds.length)]()).flat();
    if (!(await client.run(requests)) && !isOver()) client = new Client();
    commands += requests.length;
    errors.push(...client.errors.splice(0));
    // Connections come and go.
    if (random(200) === 0) {
      client.socket.destroy();
      client = new Client();
    }
  }
  client.socket.destroy();
}

/** Subscribers, some of which stop reading for a while. */
async function listen() {
  while (!isOver()) {
    const client = new Client();
    client.socket.write(words('SUBSCRIBE', ...Array.from({ length: 20 }, (_, i) => `c${i}`)));
    await pause(1000 + random(2000));
    client.socket.pause();
    await pause(random(2000));
    client.socket.destroy();
  }
}

/** A hundred connections at once, gone again. */
async function storm() {
  while (!isOver()) {
    const crowd = Array.from({ length: 100 }, () => new Client());
    for (const each of crowd) each.socket.write(words('PING') + words('SUBSCRIBE', 'storm'));
    await pause(500);
    for (const each of crowd) each.socket.destroy();
    await pause(1500);
  }
}

const samples = [];
let longestPing = 0;

/** In a thread of its own: this one is busy with the traffic, and would wait for itself. */
const pinging = `
  const { parentPort, workerData } = require('node:worker_threads');
  const socket = require('node:net').connect(workerData, '127.0.0.1');
  let started = 0;
  const ping = () => { started = performance.now(); socket.write('PING\\r\\n'); };
  socket.on('error', () => {});
  socket.on('connect', ping);
  socket.on('data', () => {
    parentPort.postMessage(performance.now() - started);
    setTimeout(ping, 50);
  });
`;

async function watch() {
  const pinger = new Worker(pinging, { eval: true, workerData: port });
  pinger.on('message', (ms) => {
    longestPing = Math.max(longestPing, ms);
  });
  while (!isOver()) {
    const status = readFileSync(`/proc/${server.pid}/status`, 'latin1');
    const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    samples.push({ at: Date.now(), rss });
    if (samples.length % 60 === 0)
      console.log(`${samples.length} s: ${rss.toFixed(0)} MB resident`);
    await pause(1000);
  }
  await pinger.terminate();
}

let highest = 0;
async function usedMemory() {
  while (!isOver()) {
    const used = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write('INFO memory\r\n'));
      let text = '';
      socket.on('error', () => resolve(0));
      socket.on('close', () => resolve(0));
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        const field = (name) => Number(new RegExp(`${name}:(\\d+)`).exec(text)?.[1]);
        const found = field('used_memory') - field('mem_not_counted_for_evict');
        if (Number.isNaN(found)) return;
        resolve(found);
        socket.destroy();
      });
    });
    highest = Math.max(highest, used);
    await pause(500);
  }
}

/** Until the server answers. */
async function ready() {
  while (ended === undefined) {
    const client = new Client();
    const answered = await client.run([]);
    client.socket.destroy();
    if (answered) return;
    await pause(50);
  }
}

await ready();
await Promise.all([
  ...Array.from({ length: workers }, work),
  listen(),
  listen(),
  storm(),
  watch(),
  usedMemory(),
]);
const failed = ended;
server.kill();
rmSync(dir, { recursive: true, force: true });

const warm = stopAt - minutes * 60_000 + Math.min(5, minutes / 2) * 60_000;
const later = samples.filter(({ at }) => at >= warm).map(({ rss }) => rss);
const third = Math.floor(later.length / 3);
const mean = (list) => list.reduce((sum, each) => sum + each, 0) / Math.max(1, list.length);
const first = mean(later.slice(0, third));
const last = mean(later.slice(-third));
const report = {
  minutes,
  commands,
  'resident MB after the warm-up': first.toFixed(1),
  'resident MB at the end': last.toFixed(1),
  'highest used_memory MB': (highest / 1048576).toFixed(2),
  'longest PING ms': longestPing.toFixed(0),
};
console.log(report);
const faults = [
  failed,
  last > first * 1.05 ? 'resident memory grew' : undefined,
  highest > maxMegabytes * 1048576 * 1.01 ? 'used_memory went above maxmemory' : undefined,
  longestPing === 0 ? 'nobody was answered' : undefined,
  longestPing > 1000 ? 'a PING took too long' : undefined,
  errors.length > 0
    ? `unexpected errors: ${[...new Set(errors)].slice(0, 5).join('; ')}`
    : undefined,
].filter((fault) => fault !== undefined);
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
