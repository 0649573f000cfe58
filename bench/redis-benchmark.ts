/**
 * redis-benchmark as a measuring instrument. Its full report is parsed, because `--csv` leaves out
 * what lies beyond the 99th percentile.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const CLIENTS = 50;

/** What redis-benchmark is to send. */
export interface Load {
  /** As `redis-benchmark -t` calls it, or a name of ours when there is a command. */
  readonly name: string;
  /** A command line instead of one of redis-benchmark's own tests. */
  readonly command?: readonly string[];
  /** `__rand_int__` becomes 12 digits of a number below. */
  readonly range?: number;
}

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
  { name, command, range }: Load,
  pipeline: number,
  requests: number,
  clients = CLIENTS,
): Promise<Measurement> {
  const { stdout } = await execute(
    'redis-benchmark',
    [
      ...['-h', '127.0.0.1', '-p', String(port), '-c', String(clients)],
      ...['-n', String(requests), '-P', String(pipeline), '--precision', '3'],
      ...(range === undefined ? [] : ['-r', String(range)]),
      ...(command ?? ['-t', name]),
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
