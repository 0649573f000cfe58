/** Results of the load benchmark as text for the terminal, as Markdown and as an SVG plot. */
import { table } from './document.ts';
import type { Measurement } from './redis-benchmark.ts';
import { CONTESTANTS, type Contestant } from './servers.ts';
import { median } from './statistics.ts';

/** Least ratio of requests per second: the median over all tests, per depth of pipelining. */
const MEDIAN_TARGETS: Readonly<Record<number, number>> = { 1: 0.9, 16: 1.1, 64: 1.3 };
/** The same for every single test. */
const LOWEST = 0.7;

export interface Run extends Measurement {
  readonly server: Contestant;
  readonly test: string;
  readonly pipeline: number;
  /** Processor time of the server per request, microseconds. */
  readonly cpuMicros: number;
}

export interface Results {
  readonly environment: string;
  readonly method: string;
  readonly runs: readonly Run[];
  readonly startUpMs: Readonly<Record<Contestant, readonly number[]>>;
}

interface Row {
  readonly test: string;
  readonly pipeline: number;
  readonly rps: Readonly<Record<Contestant, number>>;
  /** Requests per second, respite's by redis-server's. */
  readonly ratio: number;
  readonly cpu: Readonly<Record<Contestant, number>>;
  readonly latency: Readonly<Record<Contestant, readonly [number, number, number]>>;
}

/** Medians over the rounds, one row per test and pipeline. */
function rows(results: Results): Row[] {
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
  const all = rows(results);
  const header = [
    pad('test', 12) + pad('-P', 4),
    lead('respite/s', 12) + lead('redis/s', 12),
    `  ${pad('ratio', 6 + BAR_WIDTH)}`,
    lead('CPU us/req', 16),
    lead('p50/p99/p99.9 ms', 24),
  ].join('');
  const lines = all.map((row) =>
    [
      pad(row.test, 12) + pad(String(row.pipeline), 4),
      lead(count(row.rps.respite), 12) + lead(count(row.rps.redis), 12),
      `  ${row.ratio.toFixed(2)}x ${pad(bar(row.ratio), BAR_WIDTH)}`,
      lead(`${row.cpu.respite.toFixed(2)} : ${row.cpu.redis.toFixed(2)}`, 16),
      lead(row.latency.respite.map((ms) => ms.toFixed(2)).join('/'), 24),
      lead(`: ${row.latency.redis.map((ms) => ms.toFixed(2)).join('/')}`, 20),
    ].join(''),
  );
  const grid = ratios(all).map(([name = '', ...cells]) =>
    [pad(name, 24), ...cells.map((cell) => lead(cell, 10))].join(''),
  );
  return [header, ...lines, '', ...grid, '', ...startUps(results)].join('\n');
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

/** The header, a line per test with its ratio at each depth, then what is asked of all together. */
function ratios(all: readonly Row[]): string[][] {
  const pipelines = [...new Set(all.map(({ pipeline }) => pipeline))];
  const tests = [...new Set(all.map(({ test }) => test))];
  const at = (depth: number) => all.filter(({ pipeline }) => pipeline === depth);
  const perDepth = (name: string, cell: (depth: number) => string) => [
    name,
    ...pipelines.map(cell),
  ];
  return [
    perDepth('test', (depth) => `-P ${depth}`),
    ...tests.map((name) =>
      perDepth(name, (depth) =>
        judged(at(depth).find(({ test }) => test === name)?.ratio ?? Number.NaN, LOWEST),
      ),
    ),
    perDepth('median', (depth) =>
      judged(median(at(depth).map(({ ratio }) => ratio)), MEDIAN_TARGETS[depth] ?? 0),
    ),
    perDepth('wanted of the median', (depth) => MEDIAN_TARGETS[depth]?.toFixed(2) ?? '-'),
    perDepth('lowest', (depth) => judged(Math.min(...at(depth).map((row) => row.ratio)), LOWEST)),
    perDepth('wanted of the lowest', () => LOWEST.toFixed(2)),
    perDepth('median by CPU time', (depth) =>
      median(at(depth).map(({ cpu }) => cpu.redis / cpu.respite)).toFixed(2),
    ),
  ];
}

/** A miss is bold. */
export function judged(ratio: number, target: number): string {
  const text = ratio.toFixed(2);
  return ratio < target ? `**${text}**` : text;
}

function startUps(results: Results): string[] {
  return CONTESTANTS.map(
    (server) => `${server}: start to first PONG ${median(results.startUpMs[server]).toFixed(0)} ms`,
  );
}

export function markdown(results: Results): string {
  const all = rows(results);
  const [header = [], ...lines] = ratios(all);
  const details = all.map(({ test, pipeline, rps, cpu, latency }) => [
    ...[test, String(pipeline), count(rps.respite), count(rps.redis)],
    ...[cpu.respite.toFixed(2), cpu.redis.toFixed(2)],
    latency.respite.map((ms) => ms.toFixed(2)).join(' / '),
    latency.redis.map((ms) => ms.toFixed(2)).join(' / '),
  ]);
  return `- ${results.environment}
- Method: ${results.method}
${startUps(results)
  .map((line) => `- ${line}`)
  .join('\n')}

Requests per second, respite's by redis-server's; misses of what is wanted are bold. The last line is
redis-server's processor time per request by respite's.

${table(header, lines)}

![Throughput relative to redis-server](benchmarks.svg)

### In detail

Times are respite's, then redis-server's: processor time in microseconds per request, latency (p50 /
p99 / p99.9) in milliseconds.

${table(['test', '-P', 'req/s', 'redis', 'CPU', 'redis', 'latency', 'redis'], details)}
`;
}

const COLOURS = ['#9cc5b5', '#4f9a80', '#1f5f4a'];

/** A group of bars per test, one for each depth; the line at 1.0 is redis-server. */
export function svg(results: Results): string {
  const all = rows(results);
  const tests = [...new Set(all.map(({ test }) => test))];
  const pipelines = [...new Set(all.map(({ pipeline }) => pipeline))];
  const [left, top, width, barHeight] = [110, 50, 760, 9];
  const groupHeight = pipelines.length * barHeight + 8;
  const height = top + tests.length * groupHeight + 30;
  const scale = (width - left - 50) / Math.max(1.2, ...all.map((row) => row.ratio));
  const colour = (depth: number) => COLOURS[pipelines.indexOf(depth) % COLOURS.length];
  const names = tests.map((test, i) => {
    const y = top + i * groupHeight + (groupHeight - 8) / 2 + 4;
    return `<text x="${left - 8}" y="${y}" text-anchor="end">${test}</text>`;
  });
  const bars = all.map(({ test, pipeline, ratio }) => {
    const y = top + tests.indexOf(test) * groupHeight + pipelines.indexOf(pipeline) * barHeight;
    const length = ratio * scale;
    return [
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight - 1}" fill="${colour(pipeline)}"/>`,
      `<text x="${(left + length + 4).toFixed(1)}" y="${y + 8}" font-size="9">${ratio.toFixed(2)}</text>`,
    ].join('');
  });
  const legend = pipelines.map((depth, i) => {
    const x = left + i * 80;
    return `<rect x="${x}" y="30" width="10" height="10" fill="${colour(depth)}"/><text x="${x + 14}" y="39">-P ${depth}</text>`;
  });
  const one = (left + scale).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${left}" y="20" font-size="14">Requests per second, redis-server = 1</text>
${[...legend, ...names, ...bars].join('\n')}
<line x1="${one}" y1="44" x2="${one}" y2="${height - 22}" stroke="#333333" stroke-dasharray="4 3"/>
<text x="${one}" y="${height - 6}" text-anchor="middle">redis-server</text>
</svg>
`;
}

export function count(value: number): string {
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
