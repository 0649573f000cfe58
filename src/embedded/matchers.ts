/**
 * Matchers for test runners. What is looked at is a server of ours, or a client of ioredis or
 * node-redis: whatever can run a command.
 *
 *     await expect(server).toHaveKey('user:1');
 *     await expect(server).toHaveTTL('session', 3600);
 */

/** What a matcher tells its runner. */
export interface MatchResult {
  readonly pass: boolean;
  message(): string;
}

/** Bounds of a time to live, seconds. */
export interface TtlBounds {
  readonly min?: number;
  readonly max?: number;
}

type Run = (...words: string[]) => Promise<unknown>;

interface Runners {
  readonly exec?: unknown;
  readonly urlFor?: unknown;
  readonly sendCommand?: unknown;
  readonly isOpen?: unknown;
  readonly call?: unknown;
}

/** How to run commands at what was given. Throws TypeError when there is no way. */
function runnerOf(received: unknown): Run {
  const given = (received ?? {}) as Runners;
  const call = (method: unknown, spread: boolean): Run => {
    const run = method as (...args: unknown[]) => Promise<unknown>;
    return (...words) => run.apply(received, spread ? words : [words]);
  };
  if (typeof given.urlFor === 'function') return call(given.exec, true);
  if (typeof given.sendCommand === 'function' && 'isOpen' in given) {
    return call(given.sendCommand, false);
  }
  if (typeof given.call === 'function') return call(given.call, true);
  throw new TypeError('expect() was given neither a server nor a client of ioredis or node-redis');
}

/** The key is there; with a value, it is a string of that value. */
async function toHaveKey(received: unknown, key: string, value?: string): Promise<MatchResult> {
  const run = runnerOf(received);
  if (value === undefined) {
    const pass = Number(await run('EXISTS', key)) === 1;
    return { pass, message: () => `key '${key}' is ${pass ? 'there' : 'not there'}` };
  }
  const type = String(await run('TYPE', key));
  const found = type === 'string' ? String(await run('GET', key)) : undefined;
  const shown = found === undefined ? `is of type ${type}` : `is ${JSON.stringify(found)}`;
  return { pass: found === value, message: () => `key '${key}' ${shown}` };
}

/**
 * The key has a time to live: any, or about so many seconds (one less passes, as time goes by), or
 * within bounds.
 */
async function toHaveTTL(
  received: unknown,
  key: string,
  seconds?: number | TtlBounds,
): Promise<MatchResult> {
  const ms = Number(await runnerOf(received)('PTTL', key));
  const shown =
    ms === -2 ? 'is not there' : ms === -1 ? 'has no time to live' : `has ${ms} ms left`;
  const message = () => `key '${key}' ${shown}`;
  if (ms < 0 || seconds === undefined) return { pass: ms >= 0, message };
  const bounds = typeof seconds === 'number' ? { min: seconds - 1, max: seconds } : seconds;
  const { min = 0, max = Number.POSITIVE_INFINITY } = bounds;
  return { pass: ms >= min * 1000 && ms <= max * 1000, message };
}

/** The stream has so many entries. */
async function toHaveStreamLength(
  received: unknown,
  key: string,
  length: number,
): Promise<MatchResult> {
  const found = Number(await runnerOf(received)('XLEN', key));
  return { pass: found === length, message: () => `stream '${key}' has ${found} entries` };
}

export const matchers = { toHaveKey, toHaveTTL, toHaveStreamLength };
