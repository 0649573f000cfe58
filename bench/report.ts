/** Results as text for the terminal, as docs/benchmarks.md and as an SVG plot. */

import type { Measurement } from './redis-benchmark.ts';
import { CONTESTANTS, type Contestant } from './servers.ts';
import { median } from './statistics.ts';

export interface Run extends Measurement {
  readonly server: Contestant;
  readonly test: string;
  readonly pipeline: number;
  /** Processor time of the server per request, microseconds. */
  readonly cpuMicros: number;
}

export interface Memory {
  readonly server: Contestant;
  readonly usedBytes: number;
  readonly residentBytes: number;
}

export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<Contestant, string>>;
  readonly method: string;
  readonly runs: readonly Run[];
  readonly memory: readonly Memory[];
  readonly startUpMs: Readonly<Record<Contestant, readonly number[]>>;
}

export interface Row {
  readonly test: string;
  readonly pipeline: number;
  readonly rps: Readonly<Record<Contestant, number>>;
  readonly ratio: number;
  readonly cpu: Readonly<Record<Contestant, number>>;
  readonly latency: Readonly<Record<Contestant, readonly [number, number, number]>>;
}

/** Medians over the rounds, one row per test and pipeline. */
export function rows(results: Results): Row[] {
  const keys = [...new Set(results.runs.map(({ test, pipeline }) => `${test} ${pipeline}`))];
  return keys.map((key) => {
    const [test = '', pipeline] = key.split(' ');
    const of = (server: Contestant, pick: (run: Run) => number) =>
      median(
        results.runs
          .filter((run) => run.server === server && `${run.test} ${run.pipeline}` === key)
          .map(pick),
      );
    const both = <T>(make: (server: Contestant) => T) => ({
      respite: make('respite'),
      redis: make('redis'),
    });
    const rps = both((server) => of(server, (run) => run.requestsPerSecond));
    return {
      test,
      pipeline: Number(pipeline),
      rps,
      ratio: rps.respite / rps.redis,
      cpu: both((server) => of(server, (run) => run.cpuMicros)),
      latency: both(
        (server) =>
          [
            of(server, (run) => run.p50),
            of(server, (run) => run.p99),
            of(server, (run) => run.p999),
          ] as const,
      ),
    };
  });
}

const BAR_WIDTH = 24;
/** The ratio at which a bar is full. */
const BAR_MAX = 3;

export function terminal(results: Results): string {
  const header = [
    pad('test', 12) + pad('-P', 4),
    lead('respite/s', 12) + lead('redis/s', 12),
    `  ${pad('ratio', 6 + BAR_WIDTH)}`,
    lead('CPU us/req', 14),
    lead('p50/p99/p99.9 ms', 24),
  ].join('');
  const lines = rows(results).map((row) =>
    [
      pad(row.test, 12) + pad(String(row.pipeline), 4),
      lead(count(row.rps.respite), 12) + lead(count(row.rps.redis), 12),
      `  ${row.ratio.toFixed(2)}x ${pad(bar(row.ratio), BAR_WIDTH)}`,
      lead(`${row.cpu.respite.toFixed(2)} : ${row.cpu.redis.toFixed(2)}`, 14),
      lead(row.latency.respite.map((ms) => ms.toFixed(2)).join('/'), 24),
      lead(`: ${row.latency.redis.map((ms) => ms.toFixed(2)).join('/')}`, 20),
    ].join(''),
  );
  return [header, ...lines, '', ...summary(results)].join('\n');
}

/** One block per eighth of the scale, a mark where both are equal. */
function bar(ratio: number): string {
  const cells = Math.round((Math.min(ratio, BAR_MAX) / BAR_MAX) * BAR_WIDTH);
  const equal = Math.round(BAR_WIDTH / BAR_MAX);
  return Array.from({ length: BAR_WIDTH }, (_, i) => {
    if (i === equal) return '|';
    return i < cells ? '█' : ' ';
  }).join('');
}

function summary(results: Results): string[] {
  return CONTESTANTS.flatMap((server) => {
    const memory = results.memory.filter((one) => one.server === server);
    const starts = results.startUpMs[server];
    const lines: string[] = [];
    if (memory.length > 0) {
      const used = median(memory.map((one) => one.usedBytes)) / 1e6;
      const resident = median(memory.map((one) => one.residentBytes)) / 1e6;
      lines.push(
        `${pad(server, 8)} 1M keys (16-byte keys, 3-byte values): used_memory ${used.toFixed(1)} MB, resident ${resident.toFixed(1)} MB`,
      );
    }
    if (starts.length > 0) {
      lines.push(`${pad(server, 8)} start to first PONG: ${median(starts).toFixed(0)} ms`);
    }
    return lines;
  });
}

export function markdown(results: Results): string {
  const table = rows(results).map(({ test, pipeline, rps, ratio, cpu, latency }) =>
    [
      ...[test, pipeline, count(rps.respite), count(rps.redis), `**${ratio.toFixed(2)}**`],
      ...[cpu.respite.toFixed(2), cpu.redis.toFixed(2)],
      latency.respite.map((ms) => ms.toFixed(2)).join(' / '),
      latency.redis.map((ms) => ms.toFixed(2)).join(' / '),
    ].join(' | '),
  );
  return `# Benchmarks

Written by \`npm run bench\` on ${results.date}; do not edit.

- Machine: ${results.machine}
- respite ${results.versions.respite}, redis-server ${results.versions.redis}
- Method: ${results.method}

![Throughput relative to redis-server](benchmarks.svg)

| test | -P | respite req/s | redis req/s | ratio | CPU us/req, respite | CPU us/req, redis | p50 / p99 / p99.9 ms, respite | p50 / p99 / p99.9 ms, redis |
|---|---|---|---|---|---|---|---|---|
${table.map((line) => `| ${line} |`).join('\n')}

${summary(results)
  .map((line) => `- ${line.replace(/\s+/g, ' ')}`)
  .join('\n')}
`;
}

/** Bars of the ratio; the line at 1.0 is redis-server. */
export function svg(results: Results): string {
  const data = rows(results);
  const barHeight = 18;
  const left = 150;
  const width = 760;
  const scale = (width - left - 70) / Math.max(1.2, ...data.map((row) => row.ratio));
  const height = data.length * (barHeight + 6) + 60;
  const bars = data.map((row, i) => {
    const y = 40 + i * (barHeight + 6);
    const colour = row.ratio >= 1 ? '#2a7f62' : '#c08030';
    const length = (row.ratio * scale).toFixed(1);
    const end = (left + row.ratio * scale + 6).toFixed(1);
    return [
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${row.test} -P ${row.pipeline}</text>`,
      `<rect x="${left}" y="${y}" width="${length}" height="${barHeight}" fill="${colour}"/>`,
      `<text x="${end}" y="${y + 13}">${row.ratio.toFixed(2)}</text>`,
    ].join('');
  });
  const one = (left + scale).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${left}" y="20" font-size="14">Requests per second, redis-server ${results.versions.redis} = 1</text>
${bars.join('\n')}
<line x1="${one}" y1="32" x2="${one}" y2="${height - 22}" stroke="#333333" stroke-dasharray="4 3"/>
<text x="${one}" y="${height - 6}" text-anchor="middle">redis-server</text>
</svg>
`;
}

function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

function pad(text: string, width: number): string {
  return text.padEnd(width);
}

function lead(text: string, width: number): string {
  return text.padStart(width);
}
