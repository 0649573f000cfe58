/**
 * How soon a rewrite of the append-only file may follow failed ones: after three failures in a row
 * one minute must pass, then two, four, an hour at most, since every attempt leaves another
 * incremental file behind. Source: redis-server 7.0.15 (aofRewriteLimited, behaviour).
 */

const FREE_FAILURES = 3;
const MINUTE_MS = 60_000;
const LONGEST_MINUTES = 60;

export class RewriteLimit {
  /** Failures in a row. */
  failures = 0;
  private untilMs = 0;

  failed(nowMs: number): void {
    this.failures++;
    const over = this.failures - FREE_FAILURES;
    if (over < 0) return;
    this.untilMs = nowMs + Math.min(2 ** over, LONGEST_MINUTES) * MINUTE_MS;
  }

  /** One succeeded, or somebody insists. */
  reset(): void {
    this.failures = 0;
    this.untilMs = 0;
  }

  /** Whether it is too early for another attempt. */
  holds(nowMs: number): boolean {
    return nowMs < this.untilMs;
  }
}
