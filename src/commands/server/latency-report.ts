/**
 * LATENCY GRAPH and DOCTOR: events of the latency monitor as pictures and advice, for people.
 */
import type { LatencyEvent } from '../ports/observation.ts';

const ROWS = 4;
const WIDTH = 80;

/** A bar for each sample, the oldest first, and below it how long ago that was. */
export function graph(event: LatencyEvent, nowSeconds: number): string {
  const samples = event.samples.slice(-WIDTH);
  const high = Math.max(...samples.map(({ ms }) => ms));
  const low = Math.min(...samples.map(({ ms }) => ms));
  const heights = samples.map(
    ({ ms }) => 1 + Math.floor(((ms - low) / (high - low || 1)) * (ROWS - 1)),
  );
  const ages = samples.map(({ seconds }) => age(nowSeconds - seconds));
  const lines = [
    `${event.name} - high ${high} ms, low ${low} ms (all time high ${event.maxMs} ms)`,
    '-'.repeat(WIDTH),
  ];
  for (let row = ROWS; row > 0; row--) {
    lines.push(heights.map((height) => (height >= row ? '#' : ' ')).join(''));
  }
  lines.push('');
  for (let i = 0; i < Math.max(...ages.map((text) => text.length)); i++) {
    lines.push(ages.map((text) => text[i] ?? ' ').join(''));
  }
  return `${lines.join('\n')}\n`;
}

function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** What can be done about events of a kind. */
const advice: readonly (readonly [names: RegExp, text: string])[] = [
  [
    /^(fast-)?command$/,
    'SLOWLOG GET shows which commands took long. Use SCAN instead of KEYS, ask large collections ' +
      'for parts of them, and split values of millions of elements.',
  ],
  [
    /^event-loop$/,
    'The event loop was held up; the log names the command that did it. When there is none, INFO ' +
      'runtime tells about garbage collection; otherwise the machine was busy or swapped.',
  ],
  [
    /^gc$/,
    'Garbage collection held up commands. Give the process more heap (--max-old-space-size).',
  ],
  [
    /^aof-/,
    'The disk is slow. With appendfsync everysec or no, replies do not wait for it; ' +
      'no-appendfsync-on-rewrite yes keeps rewrites from making it worse.',
  ],
  [
    /^(expire|eviction)-/,
    'Many keys went at once. Spread times to live by some random seconds, and leave memory free.',
  ],
];

/** Statistics of all events and what to do about them. */
export function doctor(events: readonly LatencyEvent[], thresholdMs: number): string {
  if (thresholdMs === 0 && events.length === 0) {
    return (
      'The latency monitor is off. To have it note what takes 100 ms or longer:\n' +
      'CONFIG SET latency-monitor-threshold 100\n'
    );
  }
  if (events.length === 0) {
    return `Nothing has taken ${thresholdMs} ms or longer since the monitor was turned on or reset.\n`;
  }
  const lines = events.map((event) => `${event.name}: ${statistics(event)}`);
  const texts = advice
    .filter(([names]) => events.some(({ name }) => names.test(name)))
    .map(([, text]) => `- ${text}`);
  if (texts.length > 0) lines.push('', 'What may help:', ...texts);
  return `${lines.join('\n')}\n`;
}

function statistics({ samples, maxMs }: LatencyEvent): string {
  const count = samples.length;
  const mean = samples.reduce((sum, { ms }) => sum + ms, 0) / count;
  const deviation = samples.reduce((sum, { ms }) => sum + Math.abs(ms - mean), 0) / count;
  const span = samples.at(-1)!.seconds - samples[0]!.seconds;
  const period = count > 1 ? `, one every ${(span / (count - 1)).toFixed(1)} s` : '';
  return (
    `${count} ${count === 1 ? 'time' : 'times'}, ${mean.toFixed(0)} ms on average ` +
    `(mean deviation ${deviation.toFixed(0)} ms)${period}; the worst took ${maxMs} ms.`
  );
}
