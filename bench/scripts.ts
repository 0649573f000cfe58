/**
 * Scripts, this server beside redis-server: the smallest EVALSHA, a SET and GET, a token bucket, a
 * queue's script of 15 calls, a loop of ten million steps; `npm run bench -- scripts [requests]`.
 *
 * Told are requests per second, their ratio, and the processor time of each server for a request:
 * the latter is what other work on the machine changes least.
 */
import { Connection } from '../test/harness/connection.ts';
import { measure } from './redis-benchmark.ts';
import { CONTESTANTS, type Contestant, cpuSeconds, start } from './servers.ts';

interface Workload {
  readonly name: string;
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** Part of the requested number of requests. */
  readonly share: number;
}

const workloads: readonly Workload[] = [
  { name: 'return 1', script: 'return 1', keys: [], args: [], share: 1 },
  {
    name: 'SET and GET',
    script: `redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])`,
    keys: ['key'],
    args: ['value'],
    share: 1,
  },
  {
    name: 'token bucket',
    script: `local b = redis.call('HMGET', KEYS[1], 'tokens', 'at')
      local now = tonumber(ARGV[1])
      local tokens, at = tonumber(b[1]) or 10, tonumber(b[2]) or now
      tokens = math.min(10, tokens + math.max(0, now - at) * 2)
      local allowed = 0
      if tokens >= 1 then tokens = tokens - 1 allowed = 1 end
      redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
      redis.call('EXPIRE', KEYS[1], 60)
      return {allowed, tostring(tokens)}`,
    keys: ['bucket'],
    args: ['12345'],
    share: 0.5,
  },
  {
    name: 'queue, 15 calls',
    script: `local call = redis.call
      local id = call('INCR', KEYS[1])
      local job = 'job:' .. id
      call('HMSET', job, 'name', ARGV[1], 'data', ARGV[2], 'timestamp', ARGV[3])
      call('LPUSH', KEYS[2], id) call('ZADD', KEYS[3], id, id)
      call('XADD', KEYS[4], 'MAXLEN', '~', 100, '*', 'event', 'added', 'jobId', id)
      call('LLEN', KEYS[2]) call('HGET', job, 'name') call('EXISTS', job)
      call('ZSCORE', KEYS[3], id) call('RPOPLPUSH', KEYS[2], KEYS[5])
      call('LREM', KEYS[5], 1, id) call('ZREM', KEYS[3], id) call('HDEL', job, 'data')
      call('DEL', job) call('GET', KEYS[1])
      return id`,
    keys: ['id', 'wait', 'prioritized', 'events', 'active'],
    args: ['name', '{"some":"data"}', '1700000000000'],
    share: 0.25,
  },
];

const LOOP = 'local x = 0 for i = 1, 10000000 do x = x + i end return x';
const PIPELINES = [1, 16] as const;
const ROUNDS = 3;

interface Figure {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

interface Contest {
  readonly port: number;
  readonly pid: number;
  readonly connection: Connection;
}

async function main(): Promise<void> {
  const requests = Number(process.argv[2] ?? 200_000);
  if (!Number.isInteger(requests)) throw new Error('npm run bench -- scripts [requests]');
  const servers = await Promise.all(CONTESTANTS.map((who) => start(who)));
  const contests = new Map<Contestant, Contest>();
  for (const [i, who] of CONTESTANTS.entries()) {
    const { port } = servers[i]!;
    const connection = await Connection.open(port);
    const info = await text(connection, 'INFO', 'server');
    const pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
    contests.set(who, { port, pid, connection });
  }
  console.log(
    'workload            -P   respite/s    redis/s  ratio   us of processor: respite  redis',
  );
  for (const workload of workloads) {
    for (const pipeline of PIPELINES) {
      const count = Math.round(requests * workload.share);
      const [mine, theirs] = await figures(contests, workload, pipeline, count);
      const ratio = mine.perSecond / theirs.perSecond;
      console.log(
        `${workload.name.padEnd(18)} ${String(pipeline).padStart(3)} ` +
          `${mine.perSecond.toFixed(0).padStart(11)} ${theirs.perSecond.toFixed(0).padStart(10)} ` +
          `${ratio.toFixed(2).padStart(6)} ${mine.cpuMicros.toFixed(2).padStart(26)} ` +
          `${theirs.cpuMicros.toFixed(2).padStart(6)}`,
      );
    }
  }
  const loops = new Map<Contestant, number>();
  for (const who of CONTESTANTS) loops.set(who, await loop(contests.get(who)!));
  console.log(
    `10M steps: respite ${loops.get('respite')} ms, redis ${loops.get('redis')} ms (processor time)`,
  );
  for (const { connection } of contests.values()) connection.close();
  for (const server of servers) await server[Symbol.asyncDispose]();
}

/** Medians of some rounds, the servers in turns: respite's, then redis-server's. */
async function figures(
  contests: ReadonlyMap<Contestant, Contest>,
  workload: Workload,
  pipeline: number,
  count: number,
): Promise<readonly [Figure, Figure]> {
  const rounds: Record<Contestant, Figure[]> = { respite: [], redis: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const who of CONTESTANTS) {
      rounds[who].push(await figure(contests.get(who)!, workload, pipeline, count));
    }
  }
  return [median(rounds.respite), median(rounds.redis)];
}

async function figure(
  { port, pid, connection }: Contest,
  { name, script, keys, args }: Workload,
  pipeline: number,
  count: number,
): Promise<Figure> {
  const loaded = await text(connection, 'SCRIPT', 'LOAD', script);
  const sha = loaded.split('\r\n')[1]!;
  const command = ['EVALSHA', sha, String(keys.length), ...keys, ...args];
  const before = 1000 * cpuSeconds(pid);
  const { requestsPerSecond } = await measure(port, { name, command }, pipeline, count);
  const cpuMicros = ((1000 * cpuSeconds(pid) - before) * 1000) / count;
  return { perSecond: requestsPerSecond, cpuMicros };
}

/** Processor time of one loop in a script, the best of three. */
async function loop({ pid, connection }: Contest): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const before = 1000 * cpuSeconds(pid);
    await connection.call('EVAL', LOOP, '0');
    best = Math.min(best, 1000 * cpuSeconds(pid) - before);
  }
  return best;
}

function median(figures: Figure[]): Figure {
  const middle = (of: (figure: Figure) => number) =>
    figures.map(of).sort((a, b) => a - b)[Math.floor(figures.length / 2)]!;
  return { perSecond: middle((f) => f.perSecond), cpuMicros: middle((f) => f.cpuMicros) };
}

/** The bytes of a reply. */
async function text(connection: Connection, ...argv: string[]): Promise<string> {
  connection.send(...argv);
  return (await connection.receive()).bytes.toString();
}

await main();
