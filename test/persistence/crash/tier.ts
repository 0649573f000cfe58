/**
 * The two tiers of the crash tests: the short one, in `npm test`, has fixed seeds; the long one,
 * `npm run test:crash`, has seeds of its own, which it prints, and counts what it did.
 */
import { appendFileSync } from 'node:fs';

/** Whether this is the long tier. */
export const LONG = process.env['RESPITE_CRASH'] === '1';

/** Where the seeds begin; RESPITE_SEED repeats a long run. */
export const SEED = LONG ? Number(process.env['RESPITE_SEED'] ?? 1) : 1;

/** Notes how much of something was done, for the script that adds it up. */
export function count(what: string, number: number): void {
  const file = process.env['RESPITE_CRASH_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, number })}\n`);
}
