/**
 * What replicas cost a master, beside redis-server as master, in turns; the replica is redis-server in
 * both cases:
 *
 *     sync     a full copy of --keys keys while clients write; the longest wait of a PING meanwhile
 *     steady   SET by 50 clients, -P 16, with no, one and two replicas: processor time of a request
 *     lag      --rate writes a second: how old what a subscriber of the replica is told is
 *     cut      a link that is cut for --seconds seconds while clients write: does it continue
 *
 * `--only sync` takes one.
 */
import net from 'node:net';
import { parseArgs } from 'node:util';
import { Connection } from '../test/harness/connection.ts';
import type { ServerProcess } from '../test/harness/server-process.ts';
import { measure } from './redis-benchmark.ts';
import { CONTESTANTS, type Contestant, cpuSeconds, residentBytes, start } from './servers.ts';

const { values: options } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '5' },
    repeat: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
  },
});
const KEYS = Number(options.keys);
const REQUESTS = Number(options.requests);
const RATE = Number(options.rate);
const SECONDS = Number(options.seconds);
const REPEAT = Number(options.repeat);
/** Writes a second while a copy is made. */
const SYNC_RATE = 5000;
const MASTER_ARGS = ['--repl-diskless-sync-delay', '0', '--enable-debug-command', 'yes'];

function row(name: string, cells: Record<Contestant, string>): void {
  const columns = CONTESTANTS.map((who) => cells[who].padStart(40)).join('');
  process.stdout.write(`${name.padEnd(24)}${columns}\n`);
}

async function forBoth(name: string, work: (who: Contestant) => Promise<string>): Promise<void> {
  const cells: Record<Contestant, string> = { respite: '', redis: '' };
  for (const who of CONTESTANTS) cells[who] = await work(who);
  row(name, cells);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function field(connection: Connection, section: string, name: string): Promise<string> {
  const info = await connection.text('INFO', section);
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
}

function startReplica(port: number): Promise<ServerProcess> {
  const master = ['--replicaof', `127.0.0.1 ${port}`];
  return start('redis', [], [...master, '--enable-debug-command', 'yes']);
}

async function untilUp(replica: Connection): Promise<void> {
  while ((await field(replica, 'replication', 'master_link_status')) !== 'up') await pause(5);
}

/** Writes `rate` small values a second until it is stopped; returns how many were written. */
function writeAt(connection: Connection, rate: number, each = (_i: number): void => {}) {
  let running = true;
  let sent = 0;
  const done = (async () => {
    const began = performance.now();
    let received = 0;
    while (running) {
      const due = Math.floor(((performance.now() - began) * rate) / 1000);
      for (; sent < due; sent++) {
        connection.send('SET', `w${sent % 100_000}`, `value of ${sent}`);
        each(sent);
      }
      while (received < sent && connection.hasReply) {
        await connection.receive();
        received++;
      }
      await pause(1);
    }
    while (received++ < sent) await connection.receive();
    return sent;
  })();
  return {
    async stop(): Promise<number> {
      running = false;
      return done;
    },
  };
}

/** PINGs all the time; the longest waits in ms, the longest first. */
function watch(connection: Connection): { stop(): Promise<number[]> } {
  let running = true;
  const waits: number[] = [];
  const done = (async () => {
    while (running) {
      const sent = performance.now();
      await connection.call('PING');
      waits.push(performance.now() - sent);
      await pause(1);
    }
  })();
  return {
    async stop() {
      running = false;
      await done;
      return waits.sort((a, b) => b - a);
    },
  };
}

// ---- the parts -----------------------------------------------------------------------------

async function sync(who: Contestant): Promise<string> {
  await using master = await start(who, [], MASTER_ARGS);
  const client = await master.connect();
  await client.text('DEBUG', 'POPULATE', String(KEYS), 'key', '100');
  const before = residentBytes(master.pid);
  const seconds: number[] = [];
  let longest = 0;
  let p99 = 0;
  let most = before;
  for (let i = 0; i < REPEAT; i++) {
    const load = writeAt(await master.connect(), SYNC_RATE);
    const watcher = watch(await master.connect());
    const began = performance.now();
    await using replica = await startReplica(master.port);
    const other = await replica.connect();
    while ((await field(other, 'replication', 'master_link_status')) !== 'up') {
      most = Math.max(most, residentBytes(master.pid));
      await pause(20);
    }
    seconds.push((performance.now() - began) / 1000);
    const waits = await watcher.stop();
    longest = Math.max(longest, waits[0]!);
    p99 = Math.max(p99, waits[Math.floor(waits.length / 100)]!);
    await load.stop();
  }
  const best = Math.min(...seconds).toFixed(2);
  const megabytes = ((most - before) / 1e6).toFixed(0);
  return `${best} s, ping p99 ${p99.toFixed(1)} max ${longest.toFixed(1)} ms, +${megabytes} MB`;
}

async function steady(who: Contestant, replicas: number): Promise<string> {
  await using master = await start(who, [], MASTER_ARGS);
  await using first = replicas > 0 ? await startReplica(master.port) : undefined;
  await using second = replicas > 1 ? await startReplica(master.port) : undefined;
  for (const replica of [first, second]) {
    if (replica !== undefined) await untilUp(await replica.connect());
  }
  const load = { name: 'set', range: 100_000 };
  await measure(master.port, load, 16, REQUESTS / 5);
  let best = Number.POSITIVE_INFINITY;
  let rate = 0;
  for (let i = 0; i < REPEAT; i++) {
    const before = cpuSeconds(master.pid);
    const { requestsPerSecond } = await measure(master.port, load, 16, REQUESTS);
    best = Math.min(best, ((cpuSeconds(master.pid) - before) * 1e6) / REQUESTS);
    rate = Math.max(rate, requestsPerSecond);
  }
  return `${best.toFixed(2)} us cpu, ${Math.round(rate)}/s`;
}

async function lag(who: Contestant): Promise<string> {
  await using master = await start(who, [], MASTER_ARGS);
  await using replica = await startReplica(master.port);
  const other = await replica.connect();
  await untilUp(other);
  other.send('SUBSCRIBE', 'age');
  await other.receive();
  const publisher = await master.connect();
  const ages: number[] = [];
  let listening = true;
  const listener = (async () => {
    while (listening) {
      const { bytes } = await other.receive(20_000);
      const sent = Number(/\r\n([\d.]+)\r\n$/.exec(bytes.toString('latin1'))?.[1]);
      if (sent > 0) ages.push(performance.now() - sent);
      else listening = false;
    }
  })();
  const load = writeAt(await master.connect(), RATE, (i) => {
    if (i % 250 === 0) publisher.send('PUBLISH', 'age', String(performance.now()));
  });
  await pause(SECONDS * 1000);
  const sent = await load.stop();
  publisher.send('PUBLISH', 'age', '0');
  await listener;
  ages.sort((a, b) => a - b);
  const at = (share: number) => ages[Math.floor(ages.length * share)]!.toFixed(1);
  return `p50 ${at(0.5)} p99 ${at(0.99)} ms at ${Math.round(sent / SECONDS)}/s`;
}

/** A link that can be cut. */
async function proxyTo(port: number) {
  const sockets = new Set<net.Socket>();
  let isCut = false;
  const server = net.createServer((socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    const onward = net.connect(port, '127.0.0.1');
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward);
    onward.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    cut(): void {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    restore(): void {
      isCut = false;
    },
    close(): void {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function cut(who: Contestant): Promise<string> {
  await using master = await start(who, [], [...MASTER_ARGS, '--repl-backlog-size', '64mb']);
  const proxy = await proxyTo(master.port);
  await using replica = await startReplica(proxy.port);
  const other = await replica.connect();
  await untilUp(other);
  const client = await master.connect();
  const load = writeAt(await master.connect(), RATE);
  for (let i = 0; i < REPEAT; i++) {
    await pause(500);
    proxy.cut();
    await pause(SECONDS * 1000);
    proxy.restore();
    await untilUp(other);
  }
  await load.stop();
  const [full, partial] = [
    await field(client, 'stats', 'sync_full'),
    await field(client, 'stats', 'sync_partial_ok'),
  ];
  const end = await field(client, 'replication', 'master_repl_offset');
  while (Number(await field(other, 'replication', 'slave_repl_offset')) < Number(end)) {
    await pause(5);
  }
  const same = (await client.text('DEBUG', 'DIGEST')) === (await digest(replica));
  proxy.close();
  return `${partial} of ${REPEAT} continued, ${full} full, ${same ? 'same data' : 'OTHER DATA'}`;
}

async function digest(server: ServerProcess): Promise<string> {
  const connection = await Connection.open(server.port);
  const text = await connection.text('DEBUG', 'DIGEST');
  await connection.end();
  return text;
}

const wanted = (name: string) => options.only === '' || options.only === name;

process.stdout.write(`${''.padEnd(24)}${CONTESTANTS.map((who) => who.padStart(40)).join('')}\n`);
if (wanted('sync')) await forBoth(`sync of ${KEYS} keys`, sync);
if (wanted('steady')) {
  for (const replicas of [0, 1, 2]) {
    await forBoth(`SET, ${replicas} replicas`, (who) => steady(who, replicas));
  }
}
if (wanted('lag')) await forBoth('lag', lag);
if (wanted('cut')) await forBoth(`cut for ${SECONDS} s`, cut);
process.exit(0);
