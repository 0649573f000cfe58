/**
 * What was refused, latest first (ACL LOG). What happens again within a minute is counted, not
 * listed again.
 * Source of rules: redis-server 7.0.15 (addACLLogEntry, by its effects).
 */

/** Why something was refused. */
export type Reason = 'command' | 'key' | 'channel' | 'auth' | 'tls-cert';

/** Where it was asked for. */
export type Where = 'toplevel' | 'multi' | 'lua' | 'module';

export interface Refusal {
  readonly reason: Reason;
  readonly context: Where;
  /** The command, key or channel; for a login the command that asked for it. */
  readonly object: string;
  readonly username: string;
  /** The client, as CLIENT LIST shows it. */
  clientInfo: string;
  atMs: number;
}

export interface LogEntry extends Refusal {
  count: number;
}

const SAME_WITHIN_MS = 60_000;
/** How many of the latest entries are looked at for one that is the same. */
const LOOK_BACK = 10;

export class AclLog {
  private entries: LogEntry[] = [];
  /** Entries kept (`acllog-max-len`). */
  max = 128;

  /** The latest ones, at most `count`. */
  latest(count: number): readonly LogEntry[] {
    return this.entries.slice(0, count);
  }

  clear(): void {
    this.entries = [];
  }

  /** O(entries): the list is a short one. */
  add(refusal: Refusal): void {
    const at = this.entries.slice(0, LOOK_BACK).findIndex((each) => isSame(each, refusal));
    if (at >= 0) {
      const [entry] = this.entries.splice(at, 1);
      entry!.count++;
      entry!.atMs = refusal.atMs;
      entry!.clientInfo = refusal.clientInfo;
      this.entries.unshift(entry!);
      return;
    }
    this.entries.unshift({ ...refusal, count: 1 });
    if (this.entries.length > this.max) this.entries.length = Math.max(0, this.max);
  }
}

function isSame(a: LogEntry, b: Refusal): boolean {
  return (
    a.reason === b.reason &&
    a.context === b.context &&
    Math.abs(b.atMs - a.atMs) <= SAME_WITHIN_MS &&
    a.object === b.object &&
    a.username === b.username
  );
}
