/**
 * redis-benchmark as a measuring instrument. Its full report is parsed, because `--csv` leaves out
 * what lies beyond the 99th percentile.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface LoadTest {
  /** As `redis-benchmark -t` calls it. */
  readonly name: string;
  /** Whether it works on random keys. */
  readonly keyed: boolean;
}

/** Grows with the commands that we have. */
export const TESTS: readonly LoadTest[] = [
  { name: 'ping_inline', keyed: false },
  { name: 'ping_mbulk', keyed: false },
  { name: 'set', keyed: true },
  { name: 'get', keyed: true },
  { name: 'incr', keyed: true },
  { name: 'mset', keyed: true },
];

export const CLIENTS = 50;
export const KEY_SPACE = 1_000_000;

export interface Measurement {
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export async function measure(
  port: number,
  test: LoadTest,
  pipeline: number,
  requests: number,
): Promise<Measurement> {
  const { stdout } = await execute(
    'redis-benchmark',
    [
      ...['-h', '127.0.0.1', '-p', String(port), '-c', String(CLIENTS), '-t', test.name],
      ...['-n', String(requests), '-P', String(pipeline), '--precision', '3'],
      ...(test.keyed ? ['-r', String(KEY_SPACE)] : []),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return parse(stdout);
}

/** Reads the report of one test. */
export function parse(text: string): Measurement {
  const throughput = /throughput summary: ([\d.]+) requests per second/.exec(text)?.[1];
  const summary = /latency summary \(msec\):\s+avg.*\n\s*([\d. ]+)/.exec(text)?.[1];
  if (throughput === undefined || summary === undefined) {
    throw new Error(`redis-benchmark said:\n${text.slice(-500)}`);
  }
  const [, , p50, , p99, max] = summary.trim().split(/\s+/).map(Number);
  const percentiles = [...text.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds \(cumul/gm)];
  const beyond = percentiles.find(([, percent]) => Number(percent) >= 99.9);
  return {
    requestsPerSecond: Number(throughput),
    p50: p50!,
    p99: p99!,
    p999: Number(beyond?.[2] ?? max),
    max: max!,
  };
}
