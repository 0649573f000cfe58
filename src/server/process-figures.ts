/**
 * What the system says of this process. Asking it takes a file to be read, longer than INFO takes
 * for all else, so an answer serves for a tenth of a second, as in redis-server, whose cron asks.
 */
import { readFileSync } from 'node:fs';
import { monotonicMs } from '../util/timers.ts';

const FRESH_MS = 100;

/** Resident bytes of the process, at most 100 ms ago. */
export const residentBytes = freshEnough(() => process.memoryUsage.rss());

/** Times of the main thread alone, seconds, at most 100 ms ago; only Linux tells them. */
export const mainThreadTimes = freshEnough(readMainThreadTimes);

export interface ThreadTimes {
  readonly user: number;
  readonly system: number;
}

function readMainThreadTimes(): ThreadTimes | undefined {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1');
    // The name before the last ")" may hold blanks; user and system time are fields 14 and 15, in
    // ticks of 10 ms.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { user: Number(fields[11]) / 100, system: Number(fields[12]) / 100 };
  } catch {
    return undefined;
  }
}

function freshEnough<T>(ask: () => T): () => T {
  let askedMs = Number.NEGATIVE_INFINITY;
  let answer: T;
  return () => {
    const nowMs = monotonicMs();
    if (nowMs - askedMs >= FRESH_MS) {
      askedMs = nowMs;
      answer = ask();
    }
    return answer;
  };
}
