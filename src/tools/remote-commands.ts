/** `respite ping`, `info` and `top`: a running server asked from the shell. */
import { readFileSync } from 'node:fs';
import { setTimeout } from '../util/timers.ts';
import type { ToolOutput } from './check.ts';
import { Remote, type RemoteOptions } from './remote.ts';
import { frame, sampleOf } from './top-frame.ts';

export interface PingOptions extends RemoteOptions {
  /** Seconds to go on trying. */
  readonly wait: number;
  /** Whether any answer is good: that of a server that loads or is busy, too. */
  readonly alive?: boolean;
}

export interface TopOptions extends RemoteOptions {
  /** Seconds between two looks. */
  readonly interval: number;
  /** Whether to print one picture and end. */
  readonly once: boolean;
}

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** The password the environment names: one's own, then that of a server in the same container. */
export function passwordFrom(env: NodeJS.ProcessEnv): string | undefined {
  const file = env['RESPITE_REQUIREPASS_FILE'];
  const own = env['REDISCLI_AUTH'] ?? env['RESPITE_REQUIREPASS'];
  if (own !== undefined || file === undefined) return own;
  return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
}

/** PONG and 0 when the server serves; else why not and 1. For probes and scripts. */
export async function ping(options: PingOptions, { out, err }: ToolOutput): Promise<number> {
  for (let tries = Math.ceil(options.wait * 5); ; tries--) {
    try {
      const remote = await Remote.open(options);
      try {
        const reply = await remote.call('PING');
        if (reply instanceof Error && options.alive !== true) throw reply;
        out(`${reply instanceof Error ? reply.message : String(reply)}\n`);
        return 0;
      } finally {
        remote.close();
      }
    } catch (error) {
      if (tries <= 0) {
        err(`${error instanceof Error ? error.message : String(error)}\n`);
        return 1;
      }
      await sleep(200);
    }
  }
}

/** INFO, of these sections. */
export async function info(
  sections: readonly string[],
  options: RemoteOptions,
  { out }: ToolOutput,
): Promise<number> {
  const remote = await Remote.open(options);
  try {
    out((await remote.text('INFO', ...sections)).replaceAll('\r\n', '\n'));
    return 0;
  } finally {
    remote.close();
  }
}

const CLEAR = '\x1b[H\x1b[2J';
const SHOW_CURSOR = '\x1b[?25h';
const HIDE_CURSOR = '\x1b[?25l';

/** A picture of what the server does, renewed until `q`. */
export async function top(options: TopOptions, { out }: ToolOutput): Promise<number> {
  const remote = await Remote.open(options);
  const { stdin, stdout } = process;
  const live = !options.once && stdout.isTTY === true;
  let ended = false;
  let wake: (() => void) | undefined;
  const onKey = (key: Buffer) => {
    if (!['q', 'Q', '\x03', '\x1b'].includes(key.toString())) return;
    ended = true;
    wake?.();
  };
  try {
    if (live && stdin.isTTY) {
      stdin.setRawMode(true);
      stdin.on('data', onKey);
      out(HIDE_CURSOR);
    }
    let before = sampleOf(await remote.text('INFO', 'everything'));
    while (!ended) {
      await Promise.race([
        sleep(options.interval * 1000),
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
      ]);
      if (ended) break;
      const now = sampleOf(await remote.text('INFO', 'everything'));
      const size = { columns: stdout.columns ?? 80, rows: stdout.rows ?? 40 };
      const where = options.socket ?? `${options.host}:${options.port}`;
      out(`${live ? CLEAR : ''}${frame(where, before, now, size).join('\n')}\n`);
      before = now;
      if (!live) break;
    }
    return 0;
  } finally {
    if (live && stdin.isTTY) {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
      out(SHOW_CURSOR);
    }
    remote.close();
  }
}
