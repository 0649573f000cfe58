/**
 * What `always-show-logo yes` asks for: who runs here, and how, in a form that people see at once.
 * Programs that wait for a server look for `PID:` in it, as in redis-server's.
 */

/** What the banner tells. */
export interface BannerFacts {
  readonly version: string;
  readonly port: number;
  readonly pid: number;
}

/** Lines, the last with its end. */
export function banner({ version, port, pid }: BannerFacts): string {
  return [
    '',
    `    .--------.     respite ${version}, 64 bit`,
    '    |  r  e  |',
    '    |  s  p  |     Running in standalone mode',
    `    |  i  t  |     Port: ${port}`,
    `    |  e     |     PID: ${pid}`,
    "    '--------'",
    '',
    '',
  ].join('\n');
}
