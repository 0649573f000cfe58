/**
 * Eviction: how often a cache of one tenth of the keyspace has what is asked for, next to
 * redis-server and to exact LRU and LFU, and what SET costs while each one has to evict.
 *
 * The trace is the same for all: keys by Zipf's law, and a scan that sweeps through the keyspace
 * once. Each read that misses is followed by a SET, as of a cache in front of a database. The
 * exact caches hold as many keys as the server had at the end.
 */
import net from 'node:net';
import { parseArgs } from 'node:util';
import { table, writeSection } from './document.ts';
import { Progress } from './progress.ts';
import {
  CONTESTANTS,
  type Contestant,
  cpuSeconds,
  environment,
  infoNumber,
  start,
} from './servers.ts';

const usage = `npm run bench -- eviction [options]
  --keys N       keyspace (300000)
  --reads N      reads of the trace (600000)
  --rate N       reads a second, of both servers: their LRU clocks count seconds (40000)
  --skew a,b     exponents of Zipf's law (0.8,1.0,1.2)
  --policies a   allkeys-lru,allkeys-lfu
  --docs         write docs/benchmarks.md`;

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '300000' },
    reads: { type: 'string', default: '600000' },
    rate: { type: 'string', default: '40000' },
    skew: { type: 'string', default: '0.8,1.0,1.2' },
    policies: { type: 'string', default: 'allkeys-lru,allkeys-lfu' },
    docs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const KEYS = Number(values.keys);
const READS = Number(values.reads);
const RATE = Number(values.rate);
/** Of the trace, the last part that is counted: before it the cache fills. */
const COUNTED = 0.5;
/** One read in so many is the scan's. */
const SCAN_EVERY = 8;
const VALUE = 'v'.repeat(100);
/** Reads under way at once: a miss is set before the next batch is read. */
const BATCH = 1000;

/** The trace: key numbers in the order of reads. The most wanted keys lie anywhere. */
function trace(skew: number, scan: boolean): Int32Array {
  const cumulated = new Float64Array(KEYS);
  let sum = 0;
  for (let i = 0; i < KEYS; i++) {
    sum += 1 / (i + 1) ** skew;
    cumulated[i] = sum;
  }
  const random = mulberry(20_260_728);
  const reads = new Int32Array(READS);
  let swept = 0;
  for (let n = 0; n < READS; n++) {
    if (scan && n % SCAN_EVERY === 0) {
      reads[n] = swept++ % KEYS;
      continue;
    }
    const wanted = random() * sum;
    let low = 0;
    let high = KEYS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    // A rank becomes a key: multiplication by a number without common factors shuffles them.
    reads[n] = Number((BigInt(low) * 2_654_435_761n) % BigInt(KEYS));
  }
  return reads;
}

/** mulberry32: numbers in [0, 1) from a seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Rate {
  readonly hits: number;
  /** Keys that the cache held at the end. */
  readonly keys: number;
}

/** An exact LRU of so many keys: a Map is in the order of insertion. */
function exactLru(reads: Int32Array, capacity: number): number {
  const cache = new Map<number, true>();
  return countHits(reads, (key) => {
    const hit = cache.delete(key);
    cache.set(key, true);
    if (cache.size > capacity) cache.delete(cache.keys().next().value!);
    return hit;
  });
}

/** An exact LFU of so many keys, whose counts nothing lowers; ties go to the one used last. */
function exactLfu(reads: Int32Array, capacity: number): number {
  const counts = new Map<number, number>();
  const byCount: Map<number, true>[] = [];
  const at = (count: number) => (byCount[count] ??= new Map());
  return countHits(reads, (key) => {
    const count = counts.get(key);
    if (count !== undefined) {
      at(count).delete(key);
      at(count + 1).set(key, true);
      counts.set(key, count + 1);
      return true;
    }
    if (counts.size >= capacity) {
      const rarest = byCount.find((keys) => keys !== undefined && keys.size > 0)!;
      const victim = rarest.keys().next().value!;
      rarest.delete(victim);
      counts.delete(victim);
    }
    at(1).set(key, true);
    counts.set(key, 1);
    return false;
  });
}

function countHits(reads: Int32Array, read: (key: number) => boolean): number {
  const from = Math.floor(READS * (1 - COUNTED));
  let hits = 0;
  for (let n = 0; n < READS; n++) if (read(reads[n]!) && n >= from) hits++;
  return hits / (READS - from);
}

/** Sends commands, reads as many replies, and says of each whether it was null. */
class Pipe {
  private readonly socket: net.Socket;
  private pending: Buffer = Buffer.alloc(0);
  private wake: (() => void) | undefined;

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => {
      this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
      this.wake?.();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** Which of `count` replies were null. */
  async send(commands: string, count: number): Promise<boolean[]> {
    this.socket.write(commands, 'latin1');
    const missed: boolean[] = [];
    let at = 0;
    for (;;) {
      while (missed.length < count) {
        const end = this.pending.indexOf(10, at);
        if (end < 0) break;
        const first = this.pending[at];
        if (first === 45) throw new Error(this.pending.toString('latin1', at, end));
        const length = first === 36 ? Number(this.pending.toString('latin1', at + 1, end - 1)) : 0;
        const next = end + 1 + (first === 36 && length >= 0 ? length + 2 : 0);
        if (next > this.pending.length) break;
        missed.push(first === 36 && length < 0);
        at = next;
      }
      if (missed.length === count) break;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.pending = this.pending.subarray(at);
    return missed;
  }
}

const keyText = (key: number) => `key:${String(key).padStart(9, '0')}`;
const getOf = (key: number) => `*2\r\n$3\r\nGET\r\n$13\r\n${keyText(key)}\r\n`;
const setOf = (key: number) =>
  `*3\r\n$3\r\nSET\r\n$13\r\n${keyText(key)}\r\n$${VALUE.length}\r\n${VALUE}\r\n`;

/** Has a server that holds a tenth of the keys serve the trace. */
async function serve(who: Contestant, policy: string, reads: Int32Array): Promise<Rate> {
  await using server = await start(who, [], ['--maxmemory-policy', policy]);
  const connection = await server.connect();
  const pipe = new Pipe(server.port);
  // So much memory that a tenth of the keys fits: the rates compare policies, not memory per key.
  const tenth = Math.floor(KEYS / 10);
  for (let i = 0; i < tenth; i += BATCH) {
    const count = Math.min(BATCH, tenth - i);
    let text = '';
    for (let k = 0; k < count; k++) text += setOf(i + k);
    await pipe.send(text, count);
  }
  const filled = await infoNumber(connection, 'used_memory');
  await connection.text('FLUSHALL');
  await connection.text('CONFIG', 'SET', 'maxmemory', String(filled));
  const from = Math.floor(READS * (1 - COUNTED));
  let hits = 0;
  const began = performance.now();
  for (let n = 0; n < READS; n += BATCH) {
    const early = began + (n / RATE) * 1000 - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const count = Math.min(BATCH, READS - n);
    let text = '';
    for (let k = 0; k < count; k++) text += getOf(reads[n + k]!);
    const missed = await pipe.send(text, count);
    const wanted = new Set<number>();
    for (let k = 0; k < count; k++) {
      if (missed[k]) wanted.add(reads[n + k]!);
      else if (n + k >= from) hits++;
    }
    text = '';
    for (const key of wanted) text += setOf(key);
    if (wanted.size > 0) await pipe.send(text, wanted.size);
  }
  const keys = Number((await connection.text('DBSIZE')).replace(/\D/g, ''));
  pipe.close();
  connection.close();
  return { hits: hits / (READS - from), keys };
}

/** Processor seconds for so many SETs of new keys to a full server, 16 at a time. */
async function setCost(who: Contestant, policy: string): Promise<number> {
  await using server = await start(who, [], ['--maxmemory-policy', policy, '--maxmemory', '30mb']);
  const pipe = new Pipe(server.port);
  let key = 0;
  const run = async (count: number) => {
    for (let i = 0; i < count; i += 16) {
      let text = '';
      for (let k = 0; k < 16; k++) text += setOf(key++);
      await pipe.send(text, 16);
    }
  };
  await run(300_000);
  const before = cpuSeconds(server.pid);
  await run(400_000);
  const used = cpuSeconds(server.pid) - before;
  pipe.close();
  return (used / 400_000) * 1e6;
}

const progress = new Progress();
const rates: string[][] = [];
const percent = (rate: number) => (rate * 100).toFixed(1);
for (const policy of values.policies.split(',')) {
  for (const skew of values.skew.split(',')) {
    for (const scan of [false, true]) {
      progress.show(`${policy} ${skew}${scan ? ' with a scan' : ''}: trace`);
      const reads = trace(Number(skew), scan);
      progress.show(`${policy} ${skew}${scan ? ' with a scan' : ''}: respite`);
      const ours = await serve('respite', policy, reads);
      progress.show(`${policy} ${skew}${scan ? ' with a scan' : ''}: redis`);
      const theirs = await serve('redis', policy, reads);
      const exact = (policy.endsWith('lru') ? exactLru : exactLfu)(reads, ours.keys);
      rates.push([
        `${policy}, s = ${skew}${scan ? ', and a scan' : ''}`,
        ...[ours.hits, theirs.hits, exact].map(percent),
        ...[ours.keys, theirs.keys].map(String),
      ]);
    }
  }
}
const costs: string[][] = [];
for (const policy of values.policies.split(',')) {
  const runs: Record<Contestant, number[]> = { respite: [], redis: [] };
  for (let n = 0; n < 3; n++) {
    for (const who of CONTESTANTS) {
      progress.show(`SET under eviction, ${policy}: ${who}`);
      runs[who].push(await setCost(who, policy));
    }
  }
  const [ours, theirs] = [Math.min(...runs.respite), Math.min(...runs.redis)];
  costs.push([policy, ours.toFixed(2), theirs.toFixed(2), (theirs / ours).toFixed(2)]);
}
progress.end();
const body = `- ${await environment()}
- ${READS} reads of ${KEYS} keys, ${RATE} a second; the server has room for about a tenth of them; the second half counts. A scan is
  every ${SCAN_EVERY}th read. Hit rates in percent; "exact" is a cache of as many keys that does the policy to the letter.

${table(['policy and traffic', 'respite', 'redis', 'exact', 'keys held', 'redis'], rates)}

- Processor time of the server for one SET of a new key while each evicts one, 16 at a time, the least of 3 runs, us.

${table(['policy', 'respite', 'redis', 'throughput by it'], costs)}
`;
console.log(body);
if (values.docs) writeSection('Eviction', body);
