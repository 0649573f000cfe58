/**
 * Failovers by real sentinels under write load: three sentinels, three nodes, the master killed or
 * frozen again and again while a client writes numbers. Counts the writes that were acknowledged and
 * are not there after a failover. The same schedule with redis-server alone is what to compare with.
 *
 *     node scripts/failovers.mjs [rounds] [kinds, of three nodes] [seed]
 *     node scripts/failovers.mjs 100 respite,redis,respite
 *     node scripts/failovers.mjs 100 redis,redis,redis
 *
 * RESPITE_LOGS=directory keeps the servers' logs.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';

const rounds = Number(process.argv[2] ?? 100);
const kinds = (process.argv[3] ?? 'respite,redis,respite').split(',');
let seed = Number(process.argv[4] ?? 1);
const root = path.resolve(import.meta.dirname, '..');
const respite = path.join(root, 'dist/bin/respite.cjs');
const redis = process.env['REDIS_SERVER'] ?? 'redis-server';
/** Where the servers' logs go, if they are wanted. */
const logs = process.env['RESPITE_LOGS'];
const WAIT_MS = 60_000;

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Uniform in [0, 1), repeatable. */
function random() {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed / 0x80000000;
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, condition) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    try {
      if (await condition()) return;
    } catch {
      // Not yet.
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${WAIT_MS} ms`);
    await pause(20);
  }
}

function client(port) {
  const connection = new Redis({
    port,
    host: '127.0.0.1',
    retryStrategy: () => 50,
    maxRetriesPerRequest: 0,
  });
  connection.on('error', () => {});
  return connection;
}

class Server {
  constructor(kind, port, lines) {
    this.kind = kind;
    this.port = port;
    this.dir = mkdtempSync(path.join(tmpdir(), `respite-failover-${kind}-`));
    this.file = path.join(this.dir, 'server.conf');
    writeFileSync(
      this.file,
      [`port ${port}`, 'bind 127.0.0.1', `dir ${this.dir}`, ...lines, ''].join('\n'),
    );
    this.client = client(port);
  }

  async start() {
    const [command, args] =
      this.kind === 'respite'
        ? [process.execPath, [respite, this.file]]
        : [redis, this.kind === 'sentinel' ? [this.file, '--sentinel'] : [this.file]];
    const log =
      logs === undefined
        ? 'ignore'
        : openSync(path.join(logs, `${this.kind}-${this.port}.log`), 'a');
    this.child = spawn(command, args, { stdio: ['ignore', log, log] });
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
    await until(`${this.kind} starts`, async () => (await this.client.ping()) === 'PONG');
  }

  kill(signal) {
    this.child.kill(signal);
  }

  async info(field) {
    const text = await this.client.info();
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1];
  }

  close() {
    this.client.disconnect();
    this.child?.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Writes one number after the other; what was acknowledged is kept with its number. */
class Writer {
  acknowledged = [];
  next = 0;
  lastError = 'none';
  isEnding = false;

  constructor(addresses) {
    this.redis = new Redis({
      sentinels: addresses,
      name: 'set',
      retryStrategy: () => 20,
      sentinelRetryStrategy: () => 20,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: 1000,
      // A frozen master does not hang up.
      failoverDetector: true,
    });
    this.redis.on('error', () => {});
    this.done = this.run();
  }

  async run() {
    while (!this.isEnding) {
      // It gives up at times, when all that it knows of is away.
      if (this.redis.status === 'end') this.redis.connect().catch(() => {});
      const batch = Array.from({ length: 10 }, () => this.next++);
      const written = await Promise.allSettled(batch.map((n) => this.redis.set(`n:${n}`, n)));
      written.forEach((result, i) => {
        if (result.status === 'fulfilled') this.acknowledged.push(batch[i]);
        else this.lastError = String(result.reason);
      });
      await pause(5);
    }
    this.redis.disconnect();
  }
}

const nodes = [];
const sentinels = [];

async function masterPort(sentinel) {
  const [, port] = await sentinel.client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'set');
  return Number(port);
}

async function agreedPort() {
  const ports = await Promise.all(sentinels.map(masterPort));
  return ports.every((port) => port === ports[0]) ? ports[0] : 0;
}

/** Whether a node follows a master and has its data. */
async function follows(node, master) {
  const [port, status] = [await node.info('master_port'), await node.info('master_link_status')];
  return port === String(master.port) && status === 'up';
}

async function setUp() {
  const quick = ['save ""', 'repl-diskless-sync-delay 0'];
  for (const kind of kinds) nodes.push(new Server(kind, await freePort(), quick));
  for (const node of nodes) await node.start();
  const [master, ...others] = nodes;
  for (const node of others) await node.client.replicaof('127.0.0.1', master.port);
  for (const node of others) await until('a replica follows', () => follows(node, master));
  for (let i = 0; i < 3; i++) {
    const lines = [
      `sentinel monitor set 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds set 1500',
      'sentinel failover-timeout set 6000',
      'sentinel parallel-syncs set 2',
    ];
    const sentinel = new Server('sentinel', await freePort(), lines);
    sentinels.push(sentinel);
    await sentinel.start();
  }
  await until('the sentinels know all', async () => {
    for (const sentinel of sentinels) {
      const text = JSON.stringify(await sentinel.client.call('SENTINEL', 'MASTER', 'set'));
      if (!text.includes('"num-slaves","2"')) return false;
      if (!text.includes('"num-other-sentinels","2"')) return false;
    }
    return true;
  });
}

/** One failover; how many acknowledged writes it lost, and how long nothing could be written. */
async function failover(writer) {
  const old = nodes.find(({ port }) => port === lastPort);
  await pause(200 + random() * 800);
  const isKill = random() < 0.7;
  const startMs = Date.now();
  old.kill(isKill ? 'SIGKILL' : 'SIGSTOP');
  await until('another master', async () => {
    const port = await agreedPort();
    if (port === 0 || port === old.port) return false;
    lastPort = port;
    return true;
  });
  const before = writer.acknowledged.length;
  try {
    await until('writes go on', () => writer.acknowledged.length > before + 50);
  } catch (error) {
    throw new Error(`${error.message}: ${writer.lastError}, ${writer.redis.status}`);
  }
  const outageMs = Date.now() - startMs;
  if (isKill) await old.start();
  else old.kill('SIGCONT');
  // On a slow machine the sentinels may have chosen once more meanwhile.
  let master;
  await until('all follow', async () => {
    lastPort = await agreedPort();
    master = nodes.find(({ port }) => port === lastPort);
    for (const node of nodes) {
      if (node !== master && !(await follows(node, master))) return false;
    }
    return true;
  });
  const numbers = [...writer.acknowledged];
  let lost = 0;
  for (let from = 0; from < numbers.length; from += 1000) {
    const part = numbers.slice(from, from + 1000);
    const values = await master.client.mget(part.map((n) => `n:${n}`));
    lost += values.filter((value) => value === null).length;
  }
  // What is lost is counted once, and the data stays small.
  writer.acknowledged = writer.acknowledged.slice(numbers.length);
  await master.client.flushall();
  return { lost, outageMs, count: numbers.length };
}

let lastPort = 0;
try {
  await setUp();
  lastPort = await agreedPort();
  const writer = new Writer(sentinels.map(({ port }) => ({ host: '127.0.0.1', port })));
  await until('writes begin', () => writer.acknowledged.length > 10);
  let lost = 0;
  let count = 0;
  const outages = [];
  for (let round = 1; round <= rounds; round++) {
    const result = await failover(writer);
    lost += result.lost;
    count += result.count;
    outages.push(result.outageMs);
    const kind = nodes.find(({ port }) => port === lastPort).kind;
    console.log(
      `${round}: master ${kind}, lost ${result.lost} of ${result.count}, ${result.outageMs} ms`,
    );
  }
  outages.sort((a, b) => a - b);
  const median = outages[Math.floor(outages.length / 2)];
  console.log(
    `${kinds.join(',')}: ${rounds} failovers, ${lost} of ${count} acknowledged writes lost, ` +
      `no writes for ${median} ms (median), ${outages.at(-1)} ms (most)`,
  );
  writer.isEnding = true;
  await writer.done;
} finally {
  for (const server of [...sentinels, ...nodes]) server.close();
}
process.exit(0);
